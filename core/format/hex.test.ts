import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isHex, toHex } from "./hex.ts";

describe("toHex()", () => {
  it("writes two lower-case digits a byte", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
    }));
  });
});

describe("isHex()", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i * 37);

  it("holds for what toHex() writes", () => {
    expect(isHex(bytes, toHex(bytes))).toBe(true);
    expect(isHex(new Uint8Array(0), "")).toBe(true);
  });

  it("does not hold for any other digit, length or case", () => {
    const text = toHex(bytes);
    for (let at = 0; at < text.length; at++) expect(isHex(bytes, text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1))).toBe(false);
    for (const other of [text.slice(2), `${text}00`, text.toUpperCase(), `\\x${text.slice(2)}`]) expect(isHex(bytes, other)).toBe(false);
  });
});

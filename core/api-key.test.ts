import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeApiKey, parseApiKey } from "./api-key.ts";

/** The documented example: made of fixed bytes, so that the format cannot change unnoticed. */
const counting = (length: number) => Uint8Array.from({ length }, (_, index) => index);
const example = "aud_0123456789ab_0123456789ABCDEFGHIJKLMNOPQRSTUV";

describe("makeApiKey()", () => {
  it("makes the key of the fixed bytes", () => {
    const key = makeApiKey(counting);
    expect(key.id).toBe("0123456789ab");
    expect(key.text.slice(0, -6)).toBe(example);
  });

  it("makes keys that are read back, each another one", () => {
    const keys = Array.from({ length: 500 }, () => makeApiKey(randomBytes));
    for (const key of keys) expect(parseApiKey(key.text)).toEqual(key);
    expect(new Set(keys.map(({ id }) => id)).size).toBe(500);
  });

  it("skips bytes that would make the first digits likelier: 252 and more of 36, 248 and more of 62", () => {
    const draws = [Uint8Array.of(252, 253, 255, ...counting(9)), counting(12), Uint8Array.of(248, 255, ...counting(30)), counting(32)];
    const key = makeApiKey(() => draws.shift() ?? new Uint8Array(0));
    expect(key.text.slice(0, -6)).toBe("aud_012345678012_0123456789ABCDEFGHIJKLMNOPQRST01");
  });
});

describe("parseApiKey()", () => {
  const { text } = makeApiKey(counting);

  it("refuses a key with any one character changed", () => {
    fc.assert(fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom(..."0Aaz_-"), (index, character) => {
      fc.pre(text[index] !== character);
      expect(parseApiKey(text.slice(0, index) + character + text.slice(index + 1))).toBeUndefined();
    }));
  });

  it.each(["", "aud_", text.slice(0, -1), `${text}0`, ` ${text}`, `${text}\n`, text.toUpperCase(), text.replace("aud", "sb_secret")])("refuses %j", (other) => {
    expect(parseApiKey(other)).toBeUndefined();
  });
});

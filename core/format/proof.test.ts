import { describe, expect, it } from "vitest";
import { formatReceipt, parseReceipt } from "./proof.ts";

const hash = (byte: number) => new Uint8Array(32).fill(byte);
const receipt = { index: 73894, path: [hash(1), hash(2), hash(255)], checkpoint: "example.com/fancylog\n109482\nAAAA\n\n— example.com/fancylog AAAAAAA=\n" };
const text = formatReceipt(receipt);

describe("parseReceipt()", () => {
  it("reads back what formatReceipt() writes, with a path or without", () => {
    expect(parseReceipt(text)).toEqual(receipt);
    expect(parseReceipt(formatReceipt({ ...receipt, index: 0, path: [] }))).toEqual({ ...receipt, index: 0, path: [] });
  });

  it("reads back the leaf, from the extra line", () => {
    const withLeaf = { ...receipt, leaf: new TextEncoder().encode('{"v":1}') };
    expect(formatReceipt(withLeaf).split("\n")[1]).toBe("extra eyJ2IjoxfQ==");
    expect(parseReceipt(formatReceipt(withLeaf))).toEqual(withLeaf);
  });

  it.each([
    ["another first line", text.replace("@v1", "@v2")],
    ["an index with a leading zero", text.replace("index 7", "index 07")],
    ["no index", text.replace("index 73894\n", "")],
    ["an extra line that is not Base 64", text.replace("\nindex", "\nextra !\nindex")],
    ["a hash of 30 bytes", text.replace(/\nAQEB.*/, "\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB")],
    ["no checkpoint", text.slice(0, text.indexOf("\n\n"))],
    ["64 hashes", formatReceipt({ ...receipt, path: Array.from({ length: 64 }, () => hash(0)) })],
    ["nothing", ""],
  ])("refuses %s", (_, spoiled) => {
    expect(() => parseReceipt(spoiled)).toThrow("parse receipt");
  });
});

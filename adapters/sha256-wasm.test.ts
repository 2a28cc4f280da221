import { describe, expect, it } from "vitest";
import { sha256 as native } from "./sha256.ts";
import { sha256 } from "./sha256-wasm.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
/** Bytes that differ everywhere, the same in every run. */
const sample = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8) * 31 + length) & 0xff);

describe("sha256() in WebAssembly", () => {
  it("gives the digests of FIPS 180-4's examples", () => {
    expect(hex(sha256(new TextEncoder().encode("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(hex(sha256(new Uint8Array(0)))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(hex(sha256(new Uint8Array(1_000_000).fill(0x61)))).toBe("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  });

  it("gives what the native hash gives, for every length up to 2,200, where it leaves the longer ones to it, and for a file", () => {
    const lengths = [...Array.from({ length: 2_200 }, (_, i) => i), 65_535, 200_001, 5_000_000];
    for (const length of lengths) if (hex(sha256(sample(length))) !== hex(native(sample(length)))) expect.fail(`${length} bytes`);
  });

  it("hashes a short message after a long one as before", () => {
    const before = hex(sha256(sample(64)));
    sha256(sample(2_048));
    sha256(sample(100_000));
    expect(hex(sha256(sample(64)))).toBe(before);
  });

  it("keeps an earlier digest as it was, and hashes part of a larger buffer", () => {
    const first = sha256(sample(10));
    const before = hex(first);
    expect(hex(sha256(sample(300).subarray(100, 165)))).toBe(hex(native(sample(300).subarray(100, 165))));
    expect(hex(first)).toBe(before);
  });
});

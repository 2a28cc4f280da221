import { describe, expect, it } from "vitest";
import { hashWith } from "../core/archive-check.ts";
import { limits } from "../core/limits.ts";
import { hashLeaves } from "./leaf-hashes.ts";
import { sha256 } from "./sha256.ts";

describe("hashLeaves()", () => {
  it("gives what hashing one by one gives, of more leaves than fit a batch, and zeros for what is too long to be a leaf", () => {
    const leaves = Array.from({ length: 1300 }, (_, index) => `{"message":"${"aé€😀"[index % 4]}${"x".repeat(index * 7 % 900)}"}`);
    leaves[700] = "€".repeat(limits.leafBytesMax / 3 + 1);
    leaves[701] = "€".repeat(limits.leafBytesMax / 3);
    const hashes = hashLeaves(leaves);
    expect(Buffer.compare(hashes, hashWith(sha256)(leaves))).toBe(0);
    expect(hashes.subarray(700 * 32, 701 * 32)).toEqual(new Uint8Array(32));
    expect(hashes.subarray(701 * 32, 702 * 32)).not.toEqual(new Uint8Array(32));
  });
});

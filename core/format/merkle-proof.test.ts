import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../test/support/sha256.ts";
import { leafHash, treeRoot } from "./merkle.ts";
import { consistencyProof, consistencySpans, inclusionProof, inclusionSpans, type LeafSpan, verifyConsistency, verifyInclusion } from "./merkle-proof.ts";

const vectors = JSON.parse(readFileSync(new URL("../../test/vectors/rfc6962-proofs.json", import.meta.url), "utf8"));
const bytes = (base64: string | null) => new Uint8Array(Buffer.from(base64 ?? "", "base64"));
const leavesMax = 300;
const leaves = Array.from({ length: leavesMax }, (_, i) => leafHash(sha256, new TextEncoder().encode(`leaf ${i}`)));
const roots = Array.from({ length: leavesMax + 1 }, (_, size) => treeRoot(sha256, leaves.slice(0, size)));
const leafAt = (index: number) => leaves[index] as Uint8Array;
const rootAt = (size: number) => roots[size] as Uint8Array;

/** Every way to spoil a proof that a forger would try first: another bit, one hash fewer, one more, two swapped. */
function spoiled(proof: readonly Uint8Array[]): Uint8Array[][] {
  const flipped = proof.map((hash, i) => proof.with(i, hash.with((i * 7) % 32, (hash[(i * 7) % 32] as number) ^ 1)));
  const swapped = proof.length > 1 ? [[proof[1] as Uint8Array, proof[0] as Uint8Array, ...proof.slice(2)]] : [];
  return [...flipped, ...swapped, proof.slice(1), proof.slice(0, -1), [...proof, leafAt(0)]].filter((other) => !sameProof(other, proof));
}
const sameProof = (a: readonly Uint8Array[], b: readonly Uint8Array[]) => Buffer.concat(a).equals(Buffer.concat(b));

describe("verifyInclusion()", () => {
  for (const vector of vectors.inclusion) {
    it(`${vector.wantErr ? "refuses" : "accepts"} the published ${vector.case}`, () => {
      const at = { leafHash: bytes(vector.leafHash), index: vector.leafIdx, size: vector.treeSize, root: bytes(vector.root) };
      expect(verifyInclusion(sha256, at, (vector.proof ?? []).map(bytes))).toBe(!vector.wantErr);
    });
  }

  it(`accepts our proof of every leaf of every tree up to ${leavesMax}`, () => {
    // The proofs of 45,150 leaves share their subtrees: hashed once each.
    const hashes = new Map<number, Uint8Array>();
    const spanHash = ({ start, end }: LeafSpan) => {
      const key = start * 1000 + end;
      const hash = hashes.get(key) ?? treeRoot(sha256, leaves.slice(start, end));
      hashes.set(key, hash);
      return hash;
    };
    let proved = 0;
    for (let size = 1; size <= leavesMax; size++) {
      for (let index = 0; index < size; index++) {
        const at = { leafHash: leafAt(index), index, size, root: rootAt(size) };
        if (!verifyInclusion(sha256, at, inclusionSpans(index, size).map(spanHash))) expect.fail(`leaf ${index} of ${size}`);
        proved++;
      }
    }
    expect(proved).toBe((leavesMax * (leavesMax + 1)) / 2);
  });

  it("refuses every spoiled proof, and a proof at another index, size, leaf or root", () => {
    for (let size = 1; size <= 70; size++) {
      for (let index = 0; index < size; index++) {
        const at = { leafHash: leafAt(index), index, size, root: rootAt(size) };
        const proof = inclusionProof(sha256, leaves.slice(0, size), index);
        for (const other of spoiled(proof)) expect(verifyInclusion(sha256, at, other)).toBe(false);
        expect(verifyInclusion(sha256, { ...at, index: (index + 1) % size }, proof)).toBe(size === 1);
        expect(verifyInclusion(sha256, { ...at, leafHash: leafAt(index + 1) }, proof)).toBe(false);
        expect(verifyInclusion(sha256, { ...at, root: rootAt(size + 1) }, proof)).toBe(false);
      }
    }
  });

  it("refuses what is no index, no size or no hash", () => {
    const at = { leafHash: leafAt(0), index: 0, size: 1, root: rootAt(1) };
    expect(verifyInclusion(sha256, at, [])).toBe(true);
    expect(verifyInclusion(sha256, { ...at, index: -1 }, [])).toBe(false);
    expect(verifyInclusion(sha256, { ...at, index: 0.5 }, [])).toBe(false);
    expect(verifyInclusion(sha256, { ...at, size: 2 ** 53 }, [])).toBe(false);
    expect(verifyInclusion(sha256, { ...at, root: rootAt(1).slice(1) }, [])).toBe(false);
  });
});

describe("verifyConsistency()", () => {
  for (const vector of vectors.consistency) {
    it(`${vector.wantErr ? "refuses" : "accepts"} the published ${vector.case}`, () => {
      const sizes = { oldSize: vector.size1, newSize: vector.size2, oldRoot: bytes(vector.root1), newRoot: bytes(vector.root2) };
      expect(verifyConsistency(sha256, sizes, (vector.proof ?? []).map(bytes))).toBe(!vector.wantErr);
    });
  }

  it("accepts our proof between every pair of sizes up to 120, and refuses it spoiled or for another root", () => {
    let proved = 0;
    for (let newSize = 0; newSize <= 120; newSize++) {
      const inTree = leaves.slice(0, newSize);
      for (let oldSize = 0; oldSize <= newSize; oldSize++) {
        const sizes = { oldSize, oldRoot: rootAt(oldSize), newSize, newRoot: rootAt(newSize) };
        const proof = consistencyProof(sha256, inTree, oldSize);
        if (!verifyConsistency(sha256, sizes, proof)) expect.fail(`${oldSize} → ${newSize}`);
        if (newSize <= 40) {
          for (const other of spoiled(proof)) if (verifyConsistency(sha256, sizes, other)) expect.fail(`spoiled ${oldSize} → ${newSize}`);
        }
        expect(verifyConsistency(sha256, { ...sizes, oldRoot: rootAt(oldSize + 1) }, proof)).toBe(false);
        if (oldSize > 0) expect(verifyConsistency(sha256, { ...sizes, newRoot: rootAt(newSize + 1) }, proof)).toBe(false);
        proved++;
      }
    }
    expect(proved).toBe((121 * 122) / 2);
  });

  it("has an empty proof between equal sizes", () => {
    expect(consistencySpans(9, 9)).toEqual([]);
  });
});

describe("consistencySpans()", () => {
  it("refuses an older size that is larger than the newer: 9 > 8", () => {
    expect(() => consistencySpans(9, 8)).toThrow("9 > 8");
  });
});

describe("inclusionSpans()", () => {
  it("names the sibling first: leaf 5 of 7, RFC 6962 section 2.1.3", () => {
    expect(inclusionSpans(5, 7)).toEqual([{ start: 4, end: 5 }, { start: 6, end: 7 }, { start: 0, end: 4 }]);
  });

  it("refuses an index outside the tree: 7 of 7", () => {
    expect(() => inclusionSpans(7, 7)).toThrow("tree of 7: 7");
  });
});

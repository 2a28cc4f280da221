import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../test/support/sha256.ts";
import { emptyRoot, foldEdge, joinWith, leafHash, sameBytes, treeRange, treeRoot } from "./merkle.ts";

const vector: { leaf_inputs_hex: string[]; roots_hex_by_size: string[] } = JSON.parse(
  readFileSync(new URL("../../test/vectors/rfc6962-tree.json", import.meta.url), "utf8"),
);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const leaves: Uint8Array[] = vector.leaf_inputs_hex.map((input) => leafHash(sha256, Buffer.from(input, "hex")));

describe("treeRoot()", () => {
  it.each(vector.roots_hex_by_size.map((root, size): [number, string] => [size, root]))("is the published root of %i leaves", (size, root) => {
    expect(hex(treeRoot(sha256, leaves.slice(0, size)))).toBe(root);
  });

  it("depends on the order of the leaves", () => {
    expect(hex(treeRoot(sha256, leaves.toReversed()))).not.toBe(vector.roots_hex_by_size[8]);
  });
});

describe("treeRange()", () => {
  it("goes on from the edge of any size as if it had never stopped", () => {
    for (let stop = 0; stop <= leaves.length; stop++) {
      const before = treeRange(sha256);
      for (const leaf of leaves.slice(0, stop)) before.append(leaf);
      const after = treeRange(sha256, before.size(), before.edge());
      for (const leaf of leaves.slice(stop)) after.append(leaf);
      expect(hex(after.root())).toBe(vector.roots_hex_by_size[8]);
    }
  });

  it("tells of each inner node once, when it is complete", () => {
    const nodes: string[] = [];
    const range = treeRange(sha256);
    for (const leaf of leaves) range.append(leaf, (height, index) => nodes.push(`${height}/${index}`));
    expect(nodes).toEqual(["1/0", "1/1", "2/0", "1/2", "1/3", "2/1", "3/0"]);
  });

  it("gives many leaves at once the edge, the root and the nodes that it gives them one by one", () => {
    const many = Array.from({ length: 150 }, (_, i) => leafHash(sha256, Uint8Array.of(i)));
    for (let first = 0; first <= 70; first++) {
      for (const count of [0, 1, 2, 3, 7, 64, 79]) {
        const one = treeRange(sha256);
        for (const leaf of many.slice(0, first)) one.append(leaf);
        const other = treeRange(sha256, first, one.edge());
        const nodes: Record<number, string> = {};
        const added = many.slice(first, first + count);
        for (const leaf of added) one.append(leaf, (height, _, hash) => nodes[height] = (nodes[height] ?? "") + hex(hash));
        const nodesAtOnce: Record<number, string> = {};
        other.extend(Buffer.concat(added), joinWith(sha256), (height, hashes) => nodesAtOnce[height] = hex(hashes));
        expect(nodesAtOnce, `${first} and ${count}`).toEqual(nodes);
        expect([other.size(), ...other.edge().map(hex)]).toEqual([one.size(), ...one.edge().map(hex)]);
      }
    }
  });

  it("refuses an edge that does not fit its size: 3 leaves, 1 hash", () => {
    expect(() => treeRange(sha256, 3, leaves.slice(0, 1))).toThrow("edge of 3 leaves: 1 hashes");
  });

  it("counts one-bits beyond 32 bits", () => {
    expect(treeRange(sha256, 2 ** 40 + 1, leaves.slice(0, 2)).size()).toBe(2 ** 40 + 1);
    expect(() => treeRange(sha256, 2 ** 40, leaves.slice(0, 2))).toThrow("2 hashes");
  });
});

describe("foldEdge()", () => {
  it("is the empty root for no subtrees", () => {
    expect(sameBytes(foldEdge(sha256, []), emptyRoot(sha256))).toBe(true);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openKeyRotation } from "../core/format/key-rotation.ts";
import { fromHex, toHex } from "../verify/bytes.ts";
import { openCheckpoint } from "../verify/checkpoint.ts";
import { followRotations } from "../verify/keys.ts";
import { leafHash } from "../verify/leaf.ts";
import { growingTree, isConsistent } from "../verify/merkle.ts";
import { verifyReceipt } from "../verify/receipt.ts";
import { sha256 } from "../verify/sha256.ts";

const page = (name: string) => readFileSync(new URL(`../docs/format/${name}`, import.meta.url), "utf8");
const blocks = (text: string) => [...text.matchAll(/```text\n([\s\S]*?)```/g)].map(([, block]) => block as string);

describe("docs/format/seal.md", () => {
  const [key = "", checkpoint = "", receipt = "", hashes = "", roots = "", rotation = ""] = blocks(page("seal.md"));
  const [eventLeaf = ""] = blocks(page("event.md"));
  const [root2, root3] = roots.trim().split("\n").map((root) => fromHex(root) as Uint8Array) as [Uint8Array, Uint8Array];

  it("has the hashes of its three leaves, and their roots", () => {
    const leaves = [eventLeaf.trimEnd(), '{"v":1}', "{}"].map((leaf) => leafHash(sha256, leaf));
    expect(leaves.map(toHex)).toEqual(hashes.trim().split("\n"));
    const tree = growingTree(sha256);
    for (const leaf of leaves.slice(0, 2)) tree.add(leaf);
    expect(tree.root()).toEqual(root2);
    tree.add(leaves[2] as Uint8Array);
    expect(tree.root()).toEqual(root3);
    expect(isConsistent(sha256, { size: 2, root: root2 }, { size: 3, root: root3 }, [leaves[2] as Uint8Array])).toBe(true);
  });

  it("has a checkpoint and a receipt that its key signed", async () => {
    const ring = await followRotations([key], [rotation]);
    expect(ring.faults).toEqual([]);
    expect(await openCheckpoint(checkpoint, ring)).toMatchObject({ size: 3, root: root3, signedAt: new Date("2026-11-22T10:11:14Z") });
    const proven = await verifyReceipt(receipt, ring);
    expect(proven).toMatchObject({ index: 0, event: { id: "01a202bd-0759-7b3c-9d21-0f6a8c2e5b14" }, checkpoint: { size: 3 } });
  });

  it("has a rotation statement by which the key hands over", async () => {
    expect((await openKeyRotation(rotation)).retiredAt).toEqual(new Date("2026-12-01T00:00:00Z"));
    expect((await followRotations([key], [rotation])).keys).toHaveLength(2);
  });
});

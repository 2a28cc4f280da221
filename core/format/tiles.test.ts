import { describe, expect, it } from "vitest";
import { memoryTiles } from "../../test/support/memory-tiles.ts";
import { sha256 } from "../../test/support/sha256.ts";
import { leafHash, sameBytes, treeRoot } from "./merkle.ts";
import { verifyConsistency, verifyInclusion } from "./merkle-proof.ts";
import { consistencyProofFromTiles, inclusionProofFromTiles, parseTilePath, rootFromTiles, type TileAt, tilePath, tilesOf } from "./tiles.ts";

describe("tilePath()", () => {
  // The first is the example of C2SP tlog-tiles, "Merkle Tree".
  it.each([
    [{ level: 0, index: 1234067, width: 256 }, "tile/0/x001/x234/067"],
    [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
    [{ level: 1, index: 999, width: 17 }, "tile/1/999.p/17"],
    [{ level: 2, index: 1000, width: 1 }, "tile/2/x001/000.p/1"],
  ])("writes %o as %s, and reads it back", (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it.each(["tile/0/0", "tile/00/000", "tile/0/x000/001", "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/010", "tile/64/000", "tile/0/001/x002", "x"])(
    "has no other spelling: %s",
    (path) => expect(parseTilePath(path)).toBeUndefined(),
  );
});

describe("tilesOf()", () => {
  it("is the published example for a tree of 70,000", () => {
    const tiles = [...tilesOf(70_000)];
    const count = (level: number, full: boolean) => tiles.filter((tile) => tile.level === level && (tile.width === 256) === full);
    expect(count(0, true)).toHaveLength(273);
    expect(count(0, false)).toEqual([{ level: 0, index: 273, width: 112 }]);
    expect(count(1, true)).toHaveLength(1);
    expect(count(1, false)).toEqual([{ level: 1, index: 1, width: 17 }]);
    expect(count(2, false)).toEqual([{ level: 2, index: 0, width: 1 }]);
    expect(tiles).toHaveLength(273 + 1 + 1 + 1 + 1);
  });

  it("has a partial tile above a full one at 256 leaves, and nothing at 0", () => {
    expect([...tilesOf(256)]).toEqual([{ level: 0, index: 0, width: 256 }, { level: 1, index: 0, width: 1 }]);
    expect([...tilesOf(0)]).toEqual([]);
  });
});

describe("proofs from tiles", () => {
  const size = 66_000;
  const leaves = Array.from({ length: size }, (_, i) => leafHash(sha256, new TextEncoder().encode(`${i}`)));
  const tiles = memoryTiles(leaves);
  const root = treeRoot(sha256, leaves);

  it("have the root of the leaves, at the newest and at older sizes", async () => {
    for (const at of [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, size]) {
      expect(sameBytes(await rootFromTiles(sha256, tiles.read, at), treeRoot(sha256, leaves.slice(0, at)))).toBe(true);
    }
  });

  it("show inclusion of leaves at every kind of place, from few tiles", async () => {
    for (const index of [0, 1, 255, 256, 511, 32_768, 65_279, 65_535, 65_536, 65_792, size - 1]) {
      const read: TileAt[] = [];
      const proof = await inclusionProofFromTiles(sha256, (wanted) => (read.push(...wanted), tiles.read(wanted)), index, size);
      expect(verifyInclusion(sha256, { leafHash: leaves[index] as Uint8Array, index, size, root }, proof)).toBe(true);
      expect(read.length).toBeLessThanOrEqual(5);
    }
  });

  it("show consistency between sizes of every kind", async () => {
    const sizes = [1, 2, 255, 256, 257, 512, 40_000, 65_535, 65_536, 65_537, size];
    const roots = new Map(sizes.map((at) => [at, treeRoot(sha256, leaves.slice(0, at))]));
    for (const oldSize of sizes) {
      for (const newSize of sizes.filter((other) => other >= oldSize)) {
        const proof = await consistencyProofFromTiles(sha256, tiles.read, oldSize, newSize);
        const oldRoot = roots.get(oldSize) as Uint8Array;
        const newRoot = roots.get(newSize) as Uint8Array;
        expect(verifyConsistency(sha256, { oldSize, oldRoot, newSize, newRoot }, proof), `${oldSize} → ${newSize}`).toBe(true);
      }
    }
  });

  it("name the tile that is missing", async () => {
    await expect(inclusionProofFromTiles(sha256, () => Promise.resolve([]), 3, 300)).rejects.toThrow("read tile: level 0 index 0: missing");
  });
});

import { treeRange } from "../../core/format/merkle.ts";
import { type ReadTiles, type Tile, tileWidth } from "../../core/format/tiles.ts";
import { sha256 } from "./sha256.ts";

/** All tiles over `leaves`, in memory: level 0 holds the leaves, each level above the roots of the full tiles below. */
export function memoryTiles(leaves: readonly Uint8Array[]): { readonly read: ReadTiles; readonly level: (level: number) => readonly Uint8Array[] } {
  const levels: Uint8Array[][] = [[...leaves]];
  for (let below = leaves; below.length >= tileWidth; below = levels.at(-1) as Uint8Array[]) {
    const hashes: Uint8Array[] = [];
    for (let at = 0; at + tileWidth <= below.length; at += tileWidth) {
      const range = treeRange(sha256);
      for (const hash of below.slice(at, at + tileWidth)) range.append(hash);
      hashes.push(range.root());
    }
    levels.push(hashes);
  }
  const tile = (level: number, index: number): Tile => ({
    level,
    index,
    hashes: Buffer.concat((levels[level] ?? []).slice(index * tileWidth, (index + 1) * tileWidth)),
  });
  return { read: (wanted) => Promise.resolve(wanted.map(({ level, index }) => tile(level, index))), level: (level) => levels[level] ?? [] };
}

import type { Sha256 } from "../ports.ts";
import { foldEdge, hashBytes, treeRange } from "./merkle.ts";
import { consistencySpans, inclusionSpans, type LeafSpan } from "./merkle-proof.ts";

/** Hashes in a full tile, C2SP tlog-tiles "Merkle Tree": eight levels of the tree. */
export const tileWidth = 256;
const tileHeight = 8;
/** Tile levels that a tree of up to 2^53 leaves can have. */
export const tileLevelsMax = 7;

/** Where a tile stands; `width` < 256 is a partial tile, which only the right edge of a tree has. */
export type TileAt = { readonly level: number; readonly index: number; readonly width: number };

/** The hashes of a tile, 32 bytes each, end to end: at least as many as the width asked for. */
export type Tile = { readonly level: number; readonly index: number; readonly hashes: Uint8Array };

/** A tile's path below a log's prefix, `tile/<L>/<N>[.p/<W>]`: three digits an element, all but the last with an `x`. */
export function tilePath(tile: TileAt): string {
  const digits = String(tile.index).padStart(Math.ceil(String(tile.index).length / 3) * 3, "0");
  const elements = digits.match(/\d{3}/g) ?? [];
  const path = elements.map((element, i) => (i === elements.length - 1 ? element : `x${element}`)).join("/");
  return `tile/${tile.level}/${path}${tile.width === tileWidth ? "" : `.p/${tile.width}`}`;
}

/** The tile that `path` names, or undefined if it is not one that `tilePath` writes: one tile has one path. */
export function parseTilePath(path: string): TileAt | undefined {
  const match = /^tile\/(\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (match === null) return undefined;
  const [, level, elements = "", width] = match;
  const tile = { level: Number(level), index: Number(elements.replaceAll(/[x/]/g, "")), width: width === undefined ? tileWidth : Number(width) };
  const inRange = tile.level < 64 && Number.isSafeInteger(tile.index) && tile.width >= 1;
  return inRange && tilePath(tile) === path ? tile : undefined;
}

/** How many hashes level `level` of a tree of `size` has. */
export function levelWidth(size: number, level: number): number {
  return Math.floor(size / tileWidth ** level);
}

/** Every tile of a tree of `size`, full ones and the partial one at the end of each level. */
export function* tilesOf(size: number): Generator<TileAt> {
  for (let level = 0; levelWidth(size, level) > 0; level++) {
    const hashes = levelWidth(size, level);
    for (let index = 0; index * tileWidth < hashes; index++) yield { level, index, width: Math.min(tileWidth, hashes - index * tileWidth) };
  }
}

/** A perfect subtree: the node at `height` above the leaves, `index` from the left. */
type TreeNode = { readonly height: number; readonly index: number };

/** The perfect subtrees that make up `span`, left to right, largest first: how RFC 6962 section 2.1 splits it. */
function nodesOf(span: LeafSpan): TreeNode[] {
  const nodes: TreeNode[] = [];
  let start = span.start;
  while (start < span.end) {
    let height = 0;
    while (start % 2 ** (height + 1) === 0 && start + 2 ** (height + 1) <= span.end) height++;
    nodes.push({ height, index: start / 2 ** height });
    start += 2 ** height;
  }
  return nodes;
}

/** Where the hashes below `node` stand: `count` of them from `offset` in one tile, since a tile holds whole subtrees of height ≤ 8. */
function placeOf(node: TreeNode): { readonly level: number; readonly index: number; readonly offset: number; readonly count: number } {
  const level = Math.floor(node.height / tileHeight);
  const count = 2 ** (node.height % tileHeight);
  const first = node.index * count;
  return { level, index: Math.floor(first / tileWidth), offset: first % tileWidth, count };
}

/** A tile that a tree of the size must have is missing or too short: told apart from not being able to read, which says nothing of the tree. */
export class TileFault extends Error {
  override name = "TileFault";
}

/** Reads the tiles it is asked for, in any order; a tile that does not exist is left out. */
export type ReadTiles = (tiles: readonly TileAt[]) => Promise<readonly Tile[]>;

/** The audit path of leaf `index` in the tree of `size`, from O(log n) tiles read at once. Throws `TileFault`. */
export function inclusionProofFromTiles(sha256: Sha256, readTiles: ReadTiles, index: number, size: number): Promise<Uint8Array[]> {
  return spanHashes(sha256, readTiles, inclusionSpans(index, size), size);
}

/** The consistency proof between two sizes of one tree, from O(log n) tiles read at once. Throws `TileFault`. */
export function consistencyProofFromTiles(sha256: Sha256, readTiles: ReadTiles, oldSize: number, newSize: number): Promise<Uint8Array[]> {
  return spanHashes(sha256, readTiles, consistencySpans(oldSize, newSize), newSize);
}

/** The root of the tree of `size`, from the tiles of its right edge. Throws `TileFault`. */
export async function rootFromTiles(sha256: Sha256, readTiles: ReadTiles, size: number): Promise<Uint8Array> {
  const [root] = await spanHashes(sha256, readTiles, [{ start: 0, end: size }], size);
  return root as Uint8Array;
}

/** The hashes of `spans`: one read for all the tiles, then no more I/O. */
async function spanHashes(sha256: Sha256, readTiles: ReadTiles, spans: readonly LeafSpan[], size: number): Promise<Uint8Array[]> {
  const places = spans.map((span) => nodesOf(span).map(placeOf));
  const wanted = new Map<string, TileAt>();
  for (const { level, index } of places.flat()) {
    wanted.set(`${level}/${index}`, { level, index, width: Math.min(tileWidth, levelWidth(size, level) - index * tileWidth) });
  }
  const tiles = new Map<string, Tile>();
  if (wanted.size > 0) { for (const tile of await readTiles([...wanted.values()])) tiles.set(`${tile.level}/${tile.index}`, tile); }
  return places.map((nodes) => foldEdge(sha256, nodes.map((place) => subtreeHash(sha256, tiles.get(`${place.level}/${place.index}`), place))));
}

/** The hash over `place`'s hashes: a perfect subtree, so the edge of a range over them is one hash. */
function subtreeHash(sha256: Sha256, tile: Tile | undefined, place: ReturnType<typeof placeOf>): Uint8Array {
  const end = (place.offset + place.count) * hashBytes;
  if (tile === undefined || tile.hashes.length < end) {
    throw new TileFault(`read tile: level ${place.level} index ${place.index}: ${tile === undefined ? "missing" : `${tile.hashes.length} bytes`}`);
  }
  const range = treeRange(sha256);
  for (let at = place.offset * hashBytes; at < end; at += hashBytes) range.append(tile.hashes.subarray(at, at + hashBytes));
  return range.root();
}

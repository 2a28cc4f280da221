import { ArchiveFault } from "./archive-fault.ts";
import type { Checkpoint } from "./format/checkpoint.ts";
import { hashBytes, type JoinPairs, joinWith, sameBytes } from "./format/merkle.ts";
import { levelWidth, type ReadTiles, rootFromTiles, type Tile, type TileAt, TileFault, tileWidth } from "./format/tiles.ts";
import type { Sha256 } from "./ports.ts";

/**
 * The leaf hashes at `indexes`, believed only because they hash up to the root that `checkpoint` states: whoever changes a tile in the database, or brings
 * another, is found. Costs 255 hashes for each tile of 256 leaves that is touched. Throws ArchiveFault when tiles are missing or do not have the signed root.
 */
export async function signedLeaves(
  sha256: Sha256,
  readTiles: ReadTiles,
  checkpoint: Checkpoint,
  indexes: Iterable<number>,
  join: JoinPairs = joinWith(sha256),
): Promise<(index: number) => Uint8Array | undefined> {
  const { size } = checkpoint;
  const wanted = chainsOf(indexes, size);
  const tiles = new Map<string, Tile>();
  const read: ReadTiles = async (more) => {
    const unread = more.filter((tile) => !tiles.has(nameOf(tile)));
    if (unread.length > 0) { for (const tile of await readTiles(unread)) tiles.set(nameOf(tile), tile); }
    return more.flatMap((tile) => tiles.get(nameOf(tile)) ?? []);
  };
  await read([...wanted.values()]);
  // The root is made of every hash of each level's partial tile, so these are right when it is; a full tile is right when its own root stands above it.
  const root = await rootFromTiles(sha256, read, size).catch((cause: unknown) => {
    throw cause instanceof TileFault ? new ArchiveFault(`check leaves: ${cause.message}`, { cause }) : cause;
  });
  if (!sameBytes(root, checkpoint.root)) throw new ArchiveFault("check leaves: tree: does not have the signed root");
  for (const tile of [...wanted.values()].sort((a, b) => b.level - a.level)) {
    const hashes = hashesOf(tiles.get(nameOf(tile)), tile);
    if (tile.width < tileWidth) continue;
    const above = tiles.get(nameOf(parentOf(tile, size)));
    const stated = hashAt(above, tile.index % tileWidth);
    if (stated === undefined || !sameBytes(stated, rootOf(join, hashes))) {
      throw new ArchiveFault(`check leaves: tile ${tile.index} of level ${tile.level}: differs from the signed tree`);
    }
  }
  return (index) => index < size ? hashAt(tiles.get(nameOf({ level: 0, index: Math.floor(index / tileWidth) })), index % tileWidth) : undefined;
}

/** The tiles of level 0 that hold `indexes`, and those above each, up to one that is partial: it is part of the root. */
function chainsOf(indexes: Iterable<number>, size: number): Map<string, TileAt> {
  const chains = new Map<string, TileAt>();
  for (const leaf of indexes) {
    if (leaf >= size) throw new ArchiveFault(`check leaves: log index ${leaf}: the checkpoint has ${size} leaves`);
    let tile = tileAt(0, Math.floor(leaf / tileWidth), size);
    while (!chains.has(nameOf(tile))) {
      chains.set(nameOf(tile), tile);
      if (tile.width < tileWidth) break;
      tile = parentOf(tile, size);
    }
  }
  return chains;
}

function tileAt(level: number, index: number, size: number): TileAt {
  return { level, index, width: Math.min(tileWidth, levelWidth(size, level) - index * tileWidth) };
}

function parentOf({ level, index }: TileAt, size: number): TileAt {
  return tileAt(level + 1, Math.floor(index / tileWidth), size);
}

function nameOf({ level, index }: { readonly level: number; readonly index: number }): string {
  return `${level}/${index}`;
}

function hashesOf(tile: Tile | undefined, at: TileAt): Uint8Array {
  if (tile === undefined || tile.hashes.length < at.width * hashBytes) {
    throw new ArchiveFault(`check leaves: tile ${at.index} of level ${at.level}: is missing`);
  }
  return tile.hashes.subarray(0, at.width * hashBytes);
}

function hashAt(tile: Tile | undefined, place: number): Uint8Array | undefined {
  const hash = tile?.hashes.subarray(place * hashBytes, (place + 1) * hashBytes);
  return hash?.length === hashBytes ? hash : undefined;
}

/** The root over a full tile's hashes: of a power of two, every level is joined whole. */
export function rootOf(join: JoinPairs, hashes: Uint8Array): Uint8Array {
  let level = hashes;
  while (level.length > hashBytes) level = join(level);
  return level;
}

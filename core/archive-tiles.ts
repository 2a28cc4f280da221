import type { ArchiverDependencies } from "./archive.ts";
import type { TileWork } from "./archive-books.ts";
import { ArchiveFault } from "./archive-fault.ts";
import { archivedTilesPrefix } from "./archive-key.ts";
import { rootOf, signedLeaves } from "./archive-leaves.ts";
import type { ArchiverTrust } from "./archive-work.ts";
import { type JoinPairs, joinWith, sameBytes } from "./format/merkle.ts";
import { type ReadTiles, type Tile, type TileAt, tilePath, tileWidth } from "./format/tiles.ts";
import type { ArchiveStore } from "./ports.ts";

/** Tiles of one call, and of those how many are on their way at once. */
const tilesAtOnce = 64;
const requestsAtOnce = 8;

/**
 * Moves full tiles of an archive's leaves into the store: uploads, reads back, compares with the signed tree, deletes. Tiles above level 0 are copied and
 * stay. True when this archive has no more of them; a tile that also holds a leaf of a later day goes with that day.
 */
export async function moveTiles(dependencies: ArchiverDependencies, trust: ArchiverTrust, work: TileWork): Promise<boolean> {
  const { books, archive, sha256, joinPairs: join = joinWith(sha256) } = dependencies;
  const { tenantId } = work;
  const indexes = await books.movableTiles(work, tilesAtOnce);
  const read = books.tilesOf(tenantId);
  const tiles = await tilesHere(archive, read, tenantId, indexes);
  if (tiles.length > 0) {
    const { checkpoint } = await trust(tenantId);
    // Proves each of these tiles up to the signed root, or throws.
    await signedLeaves(sha256, withHeld(read, tiles), checkpoint, tiles.map(({ index }) => index * tileWidth), join);
  }
  const moved = await storeTiles(archive, tenantId, tiles, tiles);
  const isLast = indexes.length < tilesAtOnce;
  const done = await books.moveTiles(work, moved.map((tile) => ({ index: tile.index, sha256: sha256(tile.hashes) })), isLast);
  const above = await books.fullTilesAbove(tenantId, indexes);
  if (above.length > 0) await storeTiles(archive, tenantId, await provenAbove(join, read, above), above);
  return done && isLast;
}

/** Tiles of level 0 at `indexes`, but for those that another worker has moved since they were listed: two days may meet in a tile. Throws when one is in neither place. */
async function tilesHere(archive: ArchiveStore, read: ReadTiles, tenantId: string, indexes: readonly number[]): Promise<readonly FullTile[]> {
  const tiles = await read(indexes.map((index) => ({ level: 0, index, width: tileWidth })));
  const here = new Set(tiles.map(({ index }) => index));
  for (const index of indexes.filter((each) => !here.has(each))) {
    const at = { level: 0, index, width: tileWidth };
    if (await archive.get(tileKey(tenantId, at)) === undefined) throw new ArchiveFault(`move tiles: tile ${index} of level 0: is missing`);
  }
  return tiles.map((tile) => ({ ...tile, width: tileWidth }));
}

type FullTile = Tile & TileAt;

/** What `held` holds is not read again: it may be moved meanwhile. */
function withHeld(read: ReadTiles, held: readonly Tile[]): ReadTiles {
  return async (wanted) => {
    const isHeld = ({ level, index }: TileAt) => level === 0 && held.some((tile) => tile.index === index);
    const rest = wanted.filter((tile) => !isHeld(tile));
    return [...held.filter((tile) => wanted.some(({ level, index }) => level === 0 && index === tile.index)), ...rest.length > 0 ? await read(rest) : []];
  };
}

/** Uploads tiles and reads them back; throws ArchiveFault when the store has other bytes under such a name. */
async function storeTiles(archive: ArchiveStore, tenantId: string, tiles: readonly Tile[], wanted: readonly TileAt[]): Promise<readonly Tile[]> {
  if (tiles.length !== wanted.length) throw new ArchiveFault("move tiles: some are missing");
  for (let at = 0; at < tiles.length; at += requestsAtOnce) {
    await Promise.all(
      tiles.slice(at, at + requestsAtOnce).map(async ({ level, index, hashes }) => {
        const key = tileKey(tenantId, { level, index, width: tileWidth });
        await archive.put(key, hashes);
        const back = await archive.get(key);
        if (back === undefined || !sameBytes(back, hashes)) throw new ArchiveFault(`move tiles: tile ${index} of level ${level}: the store has other bytes`);
      }),
    );
  }
  return tiles;
}

/** Upper tiles whose roots stand in the tiles above them, as far as those are full; what they are made of was proven with the tiles below. */
async function provenAbove(join: JoinPairs, read: ReadTiles, above: readonly TileAt[]): Promise<readonly Tile[]> {
  const tiles = await read(above);
  for (const { level, index, hashes } of tiles) {
    const [parent] = await read([{ level: level + 1, index: Math.floor(index / tileWidth), width: (index % tileWidth) + 1 }]);
    const place = (index % tileWidth) * 32;
    if (parent === undefined || !sameBytes(parent.hashes.subarray(place, place + 32), rootOf(join, hashes))) {
      throw new ArchiveFault(`move tiles: tile ${index} of level ${level}: differs from the tile above it`);
    }
  }
  return tiles;
}

function tileKey(tenantId: string, tile: TileAt): string {
  return `${archivedTilesPrefix(tenantId)}${tilePath(tile)}`;
}

/** Tiles from Postgres, and those that are no longer there from the store. A proof made of them is checked by whoever gets it. */
export function withArchivedTiles(read: ReadTiles, archive: Pick<ArchiveStore, "get">, tenantId: string): ReadTiles {
  return async (wanted) => {
    const here = await read(wanted);
    const known = new Set(here.map(({ level, index }) => `${level}/${index}`));
    // What was partial in an older tree may have become full and moved since.
    const missing = wanted.filter(({ level, index }) => !known.has(`${level}/${index}`)).map((tile) => ({ ...tile, width: tileWidth }));
    const there = await Promise.all(missing.map(async (tile) => ({ ...tile, hashes: await archive.get(tileKey(tenantId, tile)) })));
    return [...here, ...there.flatMap(({ level, index, hashes }) => hashes === undefined ? [] : [{ level, index, hashes }])];
  };
}

import type { ArchiveRow } from "../../core/archive-file.ts";
import { archivedTilesPrefix } from "../../core/archive-key.ts";
import { tilePath, tileWidth } from "../../core/format/tiles.ts";
import { restoredSeqOffset } from "../../core/restore-tree.ts";
import type { LeafTile, LogSource } from "../../verify/source.ts";
import type { ArchiveTarget } from "./archive-target.ts";

/** An archived event; `isRestored` when it is in Postgres again. */
export type FoundRow = { readonly row: ArchiveRow; readonly isRestored: boolean };

/** A tenant's tiles, those that moved read from the archive, and its archived events in the order of the tree, which `waiting` holds as they are met on the way. */
export function tilesOf(base: Pick<LogSource, "leafTiles">, archive: ArchiveTarget["archive"], tenantId: string, rows: AsyncGenerator<FoundRow, undefined>) {
  const waiting: ArchiveRow[] = [];
  const keys = new Map<number, Key>();
  const tiles = new Map<number, LeafTile>();
  const lastSeqs: number[] = [];
  let readUpTo = -1;

  /** Reads archived events until the next one stands at `index` or later. */
  const readTo = async (index: number): Promise<void> => {
    while (readUpTo < index) {
      const { value } = await rows.next();
      readUpTo = value?.row.logIndex ?? Infinity;
      if (value === undefined) return;
      const { row, isRestored } = value;
      keys.set(row.logIndex, { id: row.event.id, occurredAt: row.event.occurred_at });
      // What is in Postgres again is checked there; here it only names its place.
      if (!isRestored) waiting.push(row);
    }
  };
  const movedTile = async (index: number): Promise<LeafTile | undefined> => {
    const hashes = await archive.get(`${archivedTilesPrefix(tenantId)}${tilePath({ level: 0, index, width: tileWidth })}`);
    if (hashes === undefined) return undefined;
    await readTo((index + 1) * tileWidth);
    return tileOf(index, hashes, lastSeqs[index - 1], keys);
  };
  return {
    waiting,
    /** Reads on until an archived event waits or there is none any more. */
    meetNext: async () => {
      while (waiting.length === 0 && readUpTo < Infinity) await readTo(readUpTo + 1);
    },
    /** Tiles are made in order, since each moved one counts on from the one before it. */
    at: async (index: number): Promise<LeafTile | undefined> => {
      for (let next = lastSeqs.length; next <= index; next++) {
        const [here] = await base.leafTiles(tenantId, next, 1);
        const tile = here?.index === next ? here : await movedTile(next);
        if (tile === undefined) return undefined;
        lastSeqs.push(tile.seqs.at(-1) as number);
        tiles.set(next, tile);
      }
      return tiles.get(index);
    },
    /** Lets go of the tiles in front of `end`, which nobody asks for again. */
    forget: (end: number) => {
      for (const index of tiles.keys()) {
        if (index >= end) break;
        tiles.delete(index);
        for (let place = index * tileWidth; place < (index + 1) * tileWidth; place++) keys.delete(place);
      }
    },
  };
}

type Key = { readonly id: string; readonly occurredAt: string };

/** A tile that moved, with the keys of its events by their place. Between two tiles that name their seqs there were as many as the moved ones have leaves. */
function tileOf(index: number, hashes: Uint8Array, seqBefore: number | undefined, keys: ReadonlyMap<number, Key>): LeafTile {
  const first = index * tileWidth;
  const start = seqBefore ?? first - restoredSeqOffset - 1;
  const places = Array.from({ length: hashes.length / 32 }, (_, at) => first + at);
  return {
    index,
    hashes,
    seqs: places.map((_, at) => start + 1 + at),
    occurredAts: places.map((place) => keys.get(place)?.occurredAt ?? ""),
    ids: places.map((place) => keys.get(place)?.id ?? ""),
  };
}

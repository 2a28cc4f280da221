import type { EventRecord } from "./leaf.ts";
import { unpacked } from "./packed-event.ts";
import type { ExpiredDay, LeafTile, LogSource, ReadEvent, StoredEvent, TenantClaims } from "./source.ts";
import type { ExpectedCheckpoint, TreeCheck } from "./tree-check.ts";

/** A place of a tenant's tree: the event that should stand there, and the hash that was sealed. */
export type Place = { readonly index: number; readonly seq: number; readonly occurredAt: string; readonly id: string; readonly hash: Uint8Array };

/** A place whose event is not as it was sealed; `stored` and `rebuilt` are absent when it is not there. */
export type Suspicion = {
  readonly place: Place;
  readonly stored?: StoredEvent;
  readonly rebuilt?: Uint8Array | undefined;
  readonly others: readonly EventRecord[];
};

/** One tenant's log while it is walked from its first leaf to its last. */
export type Walk = {
  readonly claims: TenantClaims;
  readonly checkpoints: readonly ExpectedCheckpoint[];
  readonly tree: TreeCheck;
  readonly suspicions: Suspicion[];
  suspicionCount: number;
  /** Why the rest of the tree cannot be walked. */
  broken: string | undefined;
  tiles: LeafTile[];
  tilesRead: number;
  isLastTileRead: boolean;
  offset: number;
  index: number;
  lastSeq: number;
  /** Events just seen, whose values a forger may have put elsewhere. */
  readonly recent: ReadEvent[];
  /** Days that expired, and how many places without an event each may still explain. */
  readonly expired: { readonly day: ExpiredDay; left: number }[];
  expiredCount: number;
};

/** Tiles of one tenant that are read at once. */
const tilesAtOnce = 16;
export const suspicionsMax = 1000;
const recentMax = 32;

export function openWalk(claims: TenantClaims, checkpoints: readonly ExpectedCheckpoint[], tree: TreeCheck, days: readonly ExpiredDay[] = []): Walk {
  const expired = days.filter((day) => day.tenantId === claims.tenantId).map((day) => ({ day, left: day.rows }));
  const start = { tiles: [], tilesRead: 0, isLastTileRead: false, offset: 0, index: 0, lastSeq: Number.NEGATIVE_INFINITY };
  return { claims, checkpoints, tree, suspicions: [], suspicionCount: 0, broken: undefined, recent: [], expired, expiredCount: 0, ...start };
}

/** True when an event with `seq` cannot be the next that was sealed, as far as tiles were read: more of them are needed, or places before it are without theirs. */
export function isAhead(walk: Walk, seq: number): boolean {
  const next = walk.tiles[0]?.seqs[walk.offset];
  return next === undefined ? !walk.isLastTileRead : next < seq;
}

/** True when the next place is unknown before more tiles were read. */
export function needsTiles(walk: Walk): boolean {
  return walk.tiles.length === 0 && !walk.isLastTileRead;
}

/** Reads the next tiles of `walk`. What is wrong with them ends the walk: places after a gap have no index. */
export async function readTiles(source: LogSource, walk: Walk): Promise<void> {
  const tiles = await source.leafTiles(walk.claims.tenantId, walk.tilesRead, tilesAtOnce);
  walk.isLastTileRead = tiles.length < tilesAtOnce;
  let lastSeq = walk.lastSeq;
  for (const [i, tile] of tiles.entries()) {
    const isLast = walk.isLastTileRead && i === tiles.length - 1;
    const fault = tileFault(tile, walk.tilesRead, isLast, lastSeq);
    if (fault !== undefined) {
      walk.broken = fault;
      walk.isLastTileRead = true;
      return;
    }
    lastSeq = tile.seqs.at(-1) as number;
    walk.tilesRead++;
    walk.tiles.push(tile);
  }
}

function tileFault(tile: LeafTile, index: number, isLast: boolean, lastSeq: number): string | undefined {
  const width = tile.hashes.length / 32;
  if (tile.index !== index) return `tile ${index} of level 0 is missing`;
  if (!Number.isInteger(width) || width < 1 || width > 256 || (!isLast && width !== 256)) return `tile ${index} of level 0 has ${width} hashes`;
  if (tile.seqs.length !== width || tile.occurredAts.length !== width || tile.ids.length !== width) return `tile ${index} of level 0 does not name its events`;
  for (let i = 0, before = lastSeq; i < width; before = tile.seqs[i] as number, i++) {
    if (!((tile.seqs[i] as number) > before)) return `tile ${index} of level 0 is not in order`;
  }
  return undefined;
}

/** The next place, or undefined at the end of the tree or where more tiles are needed. */
export function nextPlace(walk: Walk): Place | undefined {
  const tile = walk.tiles[0];
  if (tile === undefined) return undefined;
  const at = walk.offset;
  return {
    index: walk.index,
    seq: tile.seqs[at] as number,
    occurredAt: tile.occurredAts[at] as string,
    id: tile.ids[at] as string,
    hash: tile.hashes.subarray(at * 32, (at + 1) * 32),
  };
}

/** Whether the event of `place`, which is not there, expired. The time of a place is unknown when the tile that named it has moved. */
export function isExpired(walk: Walk, { index, occurredAt }: Place): boolean {
  const found = walk.expired.find(({ day, left }) =>
    left > 0 && index >= day.firstIndex && index <= day.lastIndex && (occurredAt === "" || occurredAt.startsWith(day.day))
  );
  if (found === undefined) return false;
  found.left--;
  walk.expiredCount++;
  return true;
}

/** Goes on to the place after `place`, which was judged. */
export function step(walk: Walk, place: Place, event?: Uint8Array): void {
  walk.tree.add(place.hash, event);
  walk.lastSeq = place.seq;
  walk.index++;
  walk.offset++;
  if (walk.offset === walk.tiles[0]?.seqs.length) {
    walk.tiles.shift();
    walk.offset = 0;
  }
}

export function remember(walk: Walk, event: ReadEvent): void {
  walk.recent.push(event);
  if (walk.recent.length > recentMax) walk.recent.shift();
}

/** Events that were remembered, as values: packed ones hold a whole page each. */
export function recordsOf(events: readonly ReadEvent[]): readonly EventRecord[] {
  return events.map((event) => unpacked(event).event);
}

export function suspect(walk: Walk, suspicion: Omit<Suspicion, "others">): void {
  walk.suspicionCount++;
  if (walk.suspicions.length < suspicionsMax) walk.suspicions.push({ ...suspicion, others: recordsOf(walk.recent) });
}

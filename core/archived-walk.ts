import type { ArchiveGroup } from "./archive-file.ts";
import type { ManifestFile } from "./archive-manifest.ts";
import { mayMatch } from "./archived-prune.ts";
import type { ArchivedDay, ArchiveKey, ArchiveSource } from "./archived-source.ts";
import { limits } from "./limits.ts";
import type { Filter, Order, Position } from "./query-filter.ts";
import { matches } from "./query-match.ts";
import type { StoredEvent } from "./query-store.ts";
import { shifted } from "./query-time.ts";

/** What a walk may take. One row group is read whatever it costs, so that every call comes further. */
export type ArchivedBudget = { readonly leftMs: () => number; readonly bytesMax: number };

export type ArchivedWalk = {
  readonly days: readonly ArchivedDay[];
  readonly keys: readonly ArchiveKey[];
  readonly filter: Filter;
  readonly order: Order;
  /** Begin after this place; go no further than that one. */
  readonly after: Position | undefined;
  readonly until: Position | undefined;
  readonly receivedMax: string | undefined;
  /** Which of these events are softly deleted, in the same order; undefined when they are asked for too. */
  readonly areDeleted: ((events: readonly StoredEvent[]) => Promise<readonly boolean[]>) | undefined;
  readonly budget: ArchivedBudget;
};

/** Events of one row group that match, in order; all there is up to `place` has been handed out. */
export type ArchivedStep = { readonly events: readonly StoredEvent[]; readonly place: Position };

const lowestId = "00000000-0000-0000-0000-000000000000";
const highestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Before zero: `a` comes first on a walk in `order`. */
export function inOrder(order: Order, a: Position, b: Position): number {
  const rising = a.occurredAt < b.occurredAt ? -1 : a.occurredAt > b.occurredAt ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  return order === "asc" ? rising : -rising;
}

/**
 * Walks archived days in order, fetching only files and row groups that can hold what is asked for. Returns where the budget ended it, or undefined at
 * the end of the days.
 */
export async function* walkArchives(source: ArchiveSource, walk: ArchivedWalk): AsyncGenerator<ArchivedStep, Position | undefined> {
  const { order, after, until, filter, budget } = walk;
  let bytes = 0;
  let groupsRead = 0;
  let place = after;
  const come = (to: Position) => place = place === undefined || inOrder(order, place, to) < 0 ? to : place;
  const isSpent = () => groupsRead > 0 && (bytes >= budget.bytesMax || budget.leftMs() <= 0);
  for (const day of along(order, walk.days, (one) => one.day)) {
    if (!isAhead(order, day.day, after, until)) continue;
    for (const file of along(order, await source.files(day, walk.keys), (one) => one.first_occurred_at)) {
      if (!mayMatchTimes(filter, file) || !isAheadSpan(order, file.first_occurred_at, file.last_occurred_at, after, until)) continue;
      if (isSpent()) return place;
      bytes += Math.min(file.bytes, limits.archivedWholeBytes);
      const opened = await source.open(day, file);
      for (const group of along(order, opened.groups, (one) => String(one.index).padStart(6, "0"))) {
        if (!mayMatch(filter, group) || !isAheadSpan(order, group.firstOccurredAt, group.lastOccurredAt, after, until)) {
          come(beyond(order, group));
          continue;
        }
        if (isSpent()) return place;
        bytes += opened.groupBytes(group);
        groupsRead++;
        const rows = await opened.readGroup(group);
        const found = rows.filter(({ event }) => {
          const at = { occurredAt: event.occurred_at, id: event.id };
          return (after === undefined || inOrder(order, after, at) < 0) && (until === undefined || inOrder(order, at, until) <= 0) &&
            (walk.receivedMax === undefined || event.received_at <= walk.receivedMax) && matches(filter, event);
        });
        for (const row of found) source.check(day, row);
        const edge = order === "desc" ? rows[0] : rows.at(-1);
        if (edge !== undefined) come({ occurredAt: edge.event.occurred_at, id: edge.event.id });
        const stored = found.map(({ event, leafHash, logIndex }): StoredEvent => ({ event, leafHash, logIndex }));
        const deleted = stored.length === 0 || walk.areDeleted === undefined ? [] : await walk.areDeleted(stored);
        const shown = stored.filter((_, index) => deleted[index] !== true);
        if (place !== undefined) yield { events: order === "desc" ? shown.toReversed() : shown, place };
      }
    }
    come(order === "desc" ? { occurredAt: `${day.day}T00:00:00.000Z`, id: lowestId } : { occurredAt: `${day.day}T23:59:59.999Z`, id: highestId });
  }
  return undefined;
}

/** Past a group that was left out. Events of its last moment may follow in the next one, so that only the moment before it is certain. */
function beyond(order: Order, group: Pick<ArchiveGroup, "firstOccurredAt" | "lastOccurredAt">): Position {
  return order === "desc" ? { occurredAt: shifted(group.firstOccurredAt, 1), id: lowestId } : { occurredAt: shifted(group.lastOccurredAt, -1), id: highestId };
}

function along<T>(order: Order, all: readonly T[], key: (one: T) => string): readonly T[] {
  const rising = [...all].sort((a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
  return order === "asc" ? rising : rising.reverse();
}

function mayMatchTimes(filter: Filter, file: ManifestFile): boolean {
  return file.first_occurred_at <= filter.to && file.last_occurred_at >= filter.from;
}

/** True if a day lies, in part at least, between the two places. */
export function isAhead(order: Order, day: string, after: Position | undefined, until: Position | undefined): boolean {
  return isAheadSpan(order, `${day}T00:00:00.000Z`, `${day}T23:59:59.999Z`, after, until);
}

function isAheadSpan(order: Order, first: string, last: string, after: Position | undefined, until: Position | undefined): boolean {
  const [begins, ends] = order === "asc" ? [after?.occurredAt, until?.occurredAt] : [until?.occurredAt, after?.occurredAt];
  return (begins === undefined || last >= begins) && (ends === undefined || first <= ends);
}

import type { Caller } from "./caller.ts";
import type { Catalogue } from "./catalogue.ts";
import type { EventError } from "./errors.ts";
import type { CandidateEvent } from "./event.ts";
import { formatTimestamp } from "./format/timestamp.ts";
import type { EventRow } from "./ports.ts";
import { reservedType } from "./reserved-type.ts";
import { type RequestFields, stamp, type Stamps, tenantOf } from "./stamp.ts";
import { type TimeWindow, validateEvent } from "./validate.ts";

/** A batch as it came: parsed, not yet looked at. */
export type Batch = { readonly caller: Caller; readonly events: readonly unknown[]; readonly requestFields: RequestFields; readonly strict: boolean };

/**
 * What the batch says of one event before the store is asked: refused, or a row. `sameAs` is the first entry with the same tenant, time and id;
 * only that first one is inserted. `sent` is what the caller sent of it, without our stamps.
 */
export type Entry =
  | { readonly errors: readonly EventError[] }
  | { readonly errors?: undefined; readonly row: EventRow; readonly sent: CandidateEvent; readonly sameAs: AcceptedEntry | undefined };

/** An entry that may be stored. */
export type AcceptedEntry = Exclude<Entry, { readonly errors: readonly EventError[] }>;

/** A batch that was validated and stamped at one moment. */
export type PreparedBatch = {
  readonly receivedMs: number;
  readonly entries: readonly Entry[];
  /** What is to be inserted, in array order, no key twice. */
  readonly rows: readonly EventRow[];
  /** The tenant of events that named none. */
  readonly givenTenantId: string | undefined;
  /** Events that are stored though the catalogue does not know them so. */
  readonly unlistedCount: number;
  readonly validateMs: number;
  readonly hashMs: number;
};

/** What preparing needs besides the batch. */
export type Preparation = Omit<Stamps, "caller" | "requestFields" | "receivedAt"> & {
  readonly receivedMs: number;
  readonly maxAgeMs: number;
  readonly maxAheadMs: number;
  readonly elapsedMs: () => number;
  readonly catalogue?: Catalogue | undefined;
  /** Types that the log writes itself: an import takes them, since another log may have them, and its principal says whose they are. */
  readonly reservedTypes: "refused" | "taken";
};

/** Validates, stamps and hashes a batch as of `receivedMs`. Pure: the same batch, moment and random bytes give the same rows. */
export function prepareBatch(batch: Batch, preparation: Preparation): PreparedBatch {
  const { receivedMs, elapsedMs } = preparation;
  const window: TimeWindow = { earliestMs: receivedMs - preparation.maxAgeMs, latestMs: receivedMs + preparation.maxAheadMs };
  const startedMs = elapsedMs();
  const validated = batch.events.map((event) => validateEvent(event, window));
  const validatedMs = elapsedMs();
  const stamps: Stamps = { ...preparation, receivedAt: formatTimestamp(receivedMs), caller: batch.caller, requestFields: batch.requestFields };
  const rows: EventRow[] = [];
  const firsts = firstEntries();
  let givenTenantId: string | undefined;
  let unlistedCount = 0;
  const entries = validated.map((candidate, index): Entry => {
    if (candidate.errors !== undefined) return candidate;
    const reserved = preparation.reservedTypes === "taken" ? undefined : reservedType(candidate.event.event_type);
    if (reserved !== undefined) return { errors: [reserved] };
    const unlisted = preparation.catalogue?.judge(candidate.event);
    if (unlisted !== undefined) {
      if (preparation.catalogue?.mode === "strict") return { errors: unlisted };
      unlistedCount++;
    }
    const tenantId = tenantOf(candidate.event, batch.caller, preparation.defaultTenantId);
    if (typeof tenantId !== "string") return { errors: [tenantId] };
    const row = stamp(candidate.event, candidate.contextJson, tenantId, index, stamps);
    if ("code" in row) return { errors: [row] };
    if (candidate.event.tenant_id === undefined) givenTenantId = tenantId;
    const entry: AcceptedEntry = { row, sent: candidate.event, sameAs: firsts.find(row.event) };
    if (entry.sameAs === undefined) {
      firsts.add(entry);
      rows.push(row);
    }
    return entry;
  });
  return { receivedMs, entries, rows, givenTenantId, unlistedCount, validateMs: validatedMs - startedMs, hashMs: elapsedMs() - validatedMs };
}

type Key = { readonly tenant_id: string; readonly occurred_at: string; readonly id: string };

/**
 * The first entry of each key. It is found by the id alone, which hardly any two events share, so that the whole key need not be written out. Producers
 * make ids that rise, and ids that only rise cannot repeat: the map is made when one does not.
 */
function firstEntries(): { find(event: Key): AcceptedEntry | undefined; add(entry: AcceptedEntry): void } {
  const rising: AcceptedEntry[] = [];
  let byId: Map<string, AcceptedEntry> | undefined;
  const byKey = new Map<string, AcceptedEntry>();
  return {
    find: (event) => {
      if (byId === undefined && isAbove(event.id, rising.at(-1))) return undefined;
      byId ??= new Map(rising.map((entry) => [entry.row.event.id, entry]));
      const found = byId.get(event.id);
      return found === undefined || isSameKey(found.row.event, event) ? found : byKey.get(keyOf(event));
    },
    add: (entry) => {
      if (byId === undefined) rising.push(entry);
      else if (byId.has(entry.row.event.id)) byKey.set(keyOf(entry.row.event), entry);
      else byId.set(entry.row.event.id, entry);
    },
  };
}

function isAbove(id: string, last: AcceptedEntry | undefined): boolean {
  return last === undefined || id > last.row.event.id;
}

function isSameKey(a: Key, b: Key): boolean {
  return a.id === b.id && a.occurred_at === b.occurred_at && a.tenant_id === b.tenant_id;
}

/** What makes an event the same event: the primary key of `audit_log.events`. */
export function keyOf(event: Key): string {
  return `${event.tenant_id} ${event.occurred_at} ${event.id}`;
}

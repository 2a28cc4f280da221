import { type Batch, keyOf, prepareBatch, type PreparedBatch } from "./batch.ts";
import type { Caller } from "./caller.ts";
import type { EventError } from "./errors.ts";
import type { Json } from "./event.ts";
import { earliestMs, formatTimestamp, parseTimestamp } from "./format/timestamp.ts";
import { makeUuid7, parseUuid, uuid7Ms } from "./format/uuid7.ts";
import { importedId } from "./import-id.ts";
import type { ImportStore } from "./import-store.ts";
import { limits } from "./limits.ts";
import type { EventRow, InsertOutcome, TextSha256 } from "./ports.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { stamp } from "./stamp.ts";
import { type Verdict, verdictsOf } from "./verdicts.ts";

/**
 * One record of a source: `event` in the form that the door takes, or `errors` when it could not even be read. `place` is where the source goes on after
 * it, `label` what people call it ("line 17").
 */
export type ImportItem =
  & { readonly place: string; readonly label: string }
  & ({ readonly event: Record<string, unknown> } | { readonly errors: readonly EventError[] });

export type ImportCounts = {
  readonly created: number;
  readonly duplicate: number;
  readonly refused: number;
  /** Events created, by tenant. */
  readonly tenants: { readonly [tenantId: string]: number };
  /** Records refused because their day takes no more events, by day. */
  readonly closedDays: { readonly [day: string]: number };
};

export const noCounts: ImportCounts = { created: 0, duplicate: 0, refused: 0, tenants: {}, closedDays: {} };

export type ImportParts = {
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  readonly sha256: TextSha256;
  readonly randomBytes: (length: number) => Uint8Array;
};

export type ImportSettings = {
  readonly importId: string;
  readonly tenantId: string | undefined;
  /** What tells the source from others that number their records alike. */
  readonly origin: string;
  /** Records of the same content are events of their own, told apart by their place. */
  readonly keepIdentical: boolean;
};

/** Who an import is: it may write what its operator was allowed to, to one tenant or to those that the records name. */
function importer({ importId, tenantId }: Pick<ImportSettings, "importId" | "tenantId">): Caller {
  return { kind: "secret", principal: `import:${importId}`, tenants: tenantId === undefined ? "any" : [tenantId], scopes: new Set(["ingest"]), claims: {} };
}

/** Items in batches: as many as one request may hold, and of few days, because every day of a transaction is a partition to lock. */
export async function* importBatches(items: AsyncIterable<ImportItem>): AsyncGenerator<readonly ImportItem[]> {
  let batch: ImportItem[] = [];
  let days = new Set<unknown>();
  for await (const item of items) {
    const day = "event" in item ? String(item.event["occurred_at"]).slice(0, 10) : undefined;
    if (batch.length >= limits.eventsPerRequestMax || (days.size >= limits.importDaysPerBatchMax && !days.has(day))) {
      yield batch;
      batch = [];
      days = new Set();
    }
    batch.push(item);
    days.add(day);
  }
  if (batch.length > 0) yield batch;
}

/** A batch of items after the same checks, stamps and hashes as at the door, but of any time that has passed. */
export type PreparedImport = { readonly items: readonly ImportItem[]; readonly batch: Batch; readonly prepared: PreparedBatch };

export function prepareImport(items: readonly ImportItem[], settings: ImportSettings, parts: ImportParts): PreparedImport {
  const receivedMs = parts.now().getTime();
  const events = items.map((item) => "event" in item ? identified(item, settings, parts.sha256) : undefined);
  const batch: Batch = { caller: importer(settings), events: events.map((event) => event ?? {}), requestFields: {}, strict: false };
  const prepared = prepareBatch(batch, {
    receivedMs,
    maxAgeMs: receivedMs - earliestMs,
    maxAheadMs: limits.eventMaxAheadMinutes * 60_000,
    defaultTenantId: undefined,
    random: () => {
      throw new Error("prepare import: an event without an id of its own got past its checks");
    },
    sha256: parts.sha256,
    elapsedMs: parts.elapsedMs,
    reservedTypes: "taken",
  });
  return { items, batch, prepared };
}

/**
 * The event with an id that every run gives again. An id that is no UUID is kept in the context, and is what the new one is made of. An event without a
 * time gets none of ours: the log must not say that what happened years ago happened now.
 */
function identified(item: ImportItem & { readonly event: Record<string, unknown> }, settings: ImportSettings, sha256: TextSha256): Record<string, unknown> {
  const { id: given, ...rest } = item.event;
  const id = typeof given === "string" ? parseUuid(given) : undefined;
  if (id !== undefined && (rest["occurred_at"] !== undefined || uuid7Ms(id) !== undefined)) return { ...rest, id };
  // An empty time is refused as one that is not valid, which points at the right place.
  const occurredAt = rest["occurred_at"] ?? "";
  const ms = typeof occurredAt === "string" ? parseTimestamp(occurredAt) : undefined;
  if (ms === undefined) return { ...rest, occurred_at: occurredAt, id: unusedId };
  const event = given === undefined || given === null || id !== undefined ? rest : { ...rest, context: { ...Object(rest["context"]), source_id: given } };
  const tenant = settings.tenantId ?? rest["tenant_id"] ?? null;
  const what = given === undefined ? event : given;
  const key = [settings.origin, tenant, what, ...settings.keepIdentical ? [item.place] : []] as Json;
  try {
    canonicalJson(key);
  } catch {
    // What has no canonical form is refused for it a moment later.
    return { ...event, id: unusedId };
  }
  return { ...event, id: id ?? importedId(ms, key, sha256) };
}

/** Stands where an event that cannot be stored needs an id to be told everything else that is wrong with it. */
const unusedId = "00000000-0000-8000-8000-000000000000";

/** A record that is not stored, with all that is wrong with it. */
export type Refusal = { readonly item: ImportItem; readonly errors: readonly EventError[] };

/** What became of the items, once the store has said what it did not insert: `before` and they together, and the refusals among them. */
export function judgeImport({ items, batch, prepared }: PreparedImport, outcome: InsertOutcome, before: ImportCounts, sha256: TextSha256) {
  const refusals: Refusal[] = [];
  let { created, duplicate, refused } = before;
  const tenants = { ...before.tenants };
  const closedDays = { ...before.closedDays };
  verdictsOf(batch, prepared, outcome, { isReplay: false }, sha256).forEach((verdict, index) => {
    const item = items[index] as ImportItem;
    if (verdict.status === "created") {
      created++;
      tenants[verdict.event.tenant_id] = (tenants[verdict.event.tenant_id] ?? 0) + 1;
    } else if (verdict.status === "duplicate") duplicate++;
    else {
      refused++;
      const errors = errorsOf(item, verdict);
      const entry = prepared.entries[index];
      if (errors.some(({ code }) => code === "day_closed") && entry !== undefined && "row" in entry) {
        const day = entry.row.event.occurred_at.slice(0, 10);
        closedDays[day] = (closedDays[day] ?? 0) + 1;
      }
      refusals.push({ item, errors });
    }
  });
  return { counts: { created, duplicate, refused, tenants, closedDays } satisfies ImportCounts, refusals };
}

function errorsOf(item: ImportItem, verdict: Verdict): readonly EventError[] {
  return "errors" in item ? item.errors : "errors" in verdict ? verdict.errors : [];
}

/**
 * Stores a source from where the import is, batch by batch, each with its new place in one transaction: killed at any moment it goes on after the last
 * batch that was committed, and a batch whose COMMIT nobody heard of is found by its place. Yields the counts and refusals of each batch that was committed. Stops early when
 * `signal` aborts. At the end one event per tenant says what was imported.
 */
export async function* runImport(
  items: AsyncIterable<ImportItem>,
  start: { readonly place: string | undefined; readonly counts: ImportCounts; readonly source: string; readonly format: string },
  settings: ImportSettings,
  store: ImportStore,
  parts: ImportParts,
  signal: AbortSignal,
): AsyncGenerator<{ readonly counts: ImportCounts; readonly refusals: readonly Refusal[] }> {
  let { place: from, counts } = start;
  for await (const batch of importBatches(items)) {
    if (signal.aborted) return;
    const prepared = prepareImport(batch, settings, parts);
    const to = batch.at(-1)?.place;
    let judged: ReturnType<typeof judgeImport> | undefined;
    await store.store({ importId: settings.importId, from, to, rows: prepared.prepared.rows }, (outcome) => {
      judged = judgeImport(prepared, outcome, counts, parts.sha256);
      return { counts: judged.counts, finished: false };
    });
    if (judged === undefined) throw new Error("run import: the store committed without asking what to write down");
    ({ counts } = judged);
    from = to;
    yield judged;
  }
  if (signal.aborted) return;
  const rows = recordsOf(counts, start, settings, parts);
  await store.store({ importId: settings.importId, from, to: from, rows }, () => ({ counts, finished: true }));
}

/** What the log says of the import itself: one event in each tenant that got any. */
function recordsOf(
  counts: ImportCounts,
  about: { readonly source: string; readonly format: string },
  settings: ImportSettings,
  parts: ImportParts,
): readonly EventRow[] {
  const receivedMs = parts.now().getTime();
  const at = formatTimestamp(receivedMs);
  const rows = Object.entries(counts.tenants).map(([tenantId, created]) => {
    const context = { import_id: settings.importId, format: about.format, source: about.source, created, duplicate: counts.duplicate, refused: counts.refused };
    const event = {
      id: makeUuid7(receivedMs, parts.randomBytes(16)),
      occurred_at: at,
      source: "audit-events",
      actor_id: `import:${settings.importId}`,
      event_type: "audit.events.imported",
      result: counts.refused === 0 ? "success" : "warning",
      context,
    } as const;
    const caller = importer(settings);
    const stamps = { caller, receivedAt: at, defaultTenantId: undefined, requestFields: {}, random: parts.randomBytes, sha256: parts.sha256 };
    const row = stamp(event, canonicalJson(context), tenantId, 0, stamps);
    if ("code" in row) throw new Error(`record import: the record is not an event: ${row.code}`);
    return row;
  });
  return rows.sort((a, b) => keyOf(a.event) < keyOf(b.event) ? -1 : 1);
}

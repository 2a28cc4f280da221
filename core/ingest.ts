import { type Batch, prepareBatch, type PreparedBatch } from "./batch.ts";
import type { Catalogue } from "./catalogue.ts";
import { AuditError } from "./errors.ts";
import { formatTimestamp, parseTimestamp } from "./format/timestamp.ts";
import type { EventStore, InsertOutcome, Sha256, TextSha256 } from "./ports.ts";
import { isRefusal, takeBack, type Verdict, verdictsOf } from "./verdicts.ts";

/** What ingest needs from outside. `elapsedMs` is a clock that only goes forward, for timings. */
export type IngestParts = {
  readonly events: EventStore;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly sha256: TextSha256;
  readonly settings: IngestLimits;
  /** Undefined where any event type will do. */
  readonly catalogue?: Catalogue | undefined;
};

/** The settings that decide about an event. */
export type IngestLimits = { readonly eventMaxAgeDays: number; readonly eventMaxAheadMinutes: number; readonly defaultTenantId: string | undefined };

/** An Idempotency-Key and the body it came with, both as SHA-256. */
export type Idempotency = { readonly keyHash: Uint8Array; readonly bodyHash: Uint8Array };

/** What became of a batch. `prepared` is what the verdicts are about: after a replay, the batch as of its first arrival. */
export type Ingested = { readonly prepared: PreparedBatch; readonly verdicts: readonly Verdict[]; readonly insertMs: number };

/** The batch as of now, without touching the store. */
export function prepare(batch: Batch, idempotency: Idempotency | undefined, parts: IngestParts): PreparedBatch {
  return prepareAt(parts.now().getTime(), batch, idempotency, parts);
}

/**
 * Stores a prepared batch and gives a verdict per event. When it resolves, what is told as created or duplicate has been committed.
 * Under an Idempotency-Key a replay is judged as of its first arrival, so that its ids, times and answer come out the same.
 * Throws `idempotency_key_reused`, and what the store throws.
 */
export async function store(batch: Batch, prepared: PreparedBatch, idempotency: Idempotency | undefined, parts: IngestParts): Promise<Ingested> {
  const startedMs = parts.elapsedMs();
  let current = prepared;
  let isReplay = false;
  const judge = (outcome: InsertOutcome) => verdictsOf(batch, current, outcome, { isReplay }, parts.sha256);
  const isRefusedWhole = () => batch.strict && current.entries.some((entry) => entry.errors !== undefined);
  const confirm = batch.strict ? (outcome: InsertOutcome) => !judge(outcome).some(isRefusal) : undefined;
  let outcome: InsertOutcome;
  if (idempotency === undefined) {
    const rows = isRefusedWhole() ? [] : current.rows;
    outcome = rows.length === 0 ? nothing : await parts.events.insert(rows, confirm);
  } else {
    const claim = { ...idempotency, principal: batch.caller.principal, receivedAt: formatTimestamp(prepared.receivedMs) };
    outcome = await parts.events.insertOnce(claim, (claimed) => {
      if (!claimed.sameBody) throw reused();
      isReplay = !claimed.first;
      // Set either way: after a deadlock the store asks once more, and the claim may stand otherwise then.
      current = isReplay ? prepareAt(instantOf(claimed.receivedAt), batch, idempotency, parts) : prepared;
      return Promise.resolve(isRefusedWhole() ? [] : current.rows);
    }, confirm);
  }
  const verdicts = judge(outcome);
  const taken = batch.strict && verdicts.some(isRefusal) ? takeBack(verdicts) : verdicts;
  return { prepared: current, verdicts: taken, insertMs: parts.elapsedMs() - startedMs };
}

const nothing: InsertOutcome = { existing: [], closedDays: [] };

function prepareAt(receivedMs: number, batch: Batch, idempotency: Idempotency | undefined, parts: IngestParts): PreparedBatch {
  const { settings, sha256, elapsedMs } = parts;
  return prepareBatch(batch, {
    receivedMs,
    maxAgeMs: settings.eventMaxAgeDays * 86_400_000,
    maxAheadMs: settings.eventMaxAheadMinutes * 60_000,
    defaultTenantId: settings.defaultTenantId,
    random: idempotency === undefined ? randomIds(batch.events.length, parts) : derivedIds(batch.caller.principal, idempotency, sha256),
    sha256,
    elapsedMs,
    catalogue: parts.catalogue,
    reservedTypes: "refused",
  });
}

/** Fresh random bytes, drawn for the whole batch when the first id is made. */
function randomIds(count: number, parts: IngestParts): (index: number) => Uint8Array {
  let bytes: Uint8Array | undefined;
  return (index) => (bytes ??= parts.randomBytes(count * 16)).subarray(index * 16, index * 16 + 16);
}

/**
 * The same bytes at every replay: SHA-256 of key, body, principal and position. The principal takes part so that two callers of a tenant who
 * happen to choose the same key do not make the same ids.
 */
function derivedIds(principal: string, idempotency: Idempotency, sha256: Sha256): (index: number) => Uint8Array {
  const name = new TextEncoder().encode(principal);
  const seed = new Uint8Array(64 + 4 + name.length);
  seed.set(idempotency.keyHash, 0);
  seed.set(idempotency.bodyHash, 32);
  seed.set(name, 68);
  return (index) => {
    new DataView(seed.buffer).setUint32(64, index);
    return sha256(seed).subarray(0, 16);
  };
}

function instantOf(receivedAt: string): number {
  const ms = parseTimestamp(receivedAt);
  if (ms === undefined) throw new Error("replay batch: the claim's received_at is not a time");
  return ms;
}

function reused(): AuditError {
  return new AuditError(
    "idempotency_key_reused",
    "replay batch: this Idempotency-Key came with another body in the last 24 hours; send a new key with a new body",
  );
}

import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import { limits } from "../../core/limits.ts";
import type { BatchClaim, ClaimOutcome, Confirm, EventRow, EventStore, ExistingRow, InsertOutcome, Log } from "../../core/ports.ts";
import { toHex } from "../../core/format/hex.ts";
import { parseTimestamp } from "../../core/format/timestamp.ts";
import { append, openArray } from "./binary-array.ts";
import { type DatabaseFault, databaseFaultOf } from "./database-fault.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Events in `audit_log.events`, written by `audit_log.ingest()` alone and as role audit_ingest, which may do nothing else. */
export function createEventStore(pool: Pool, log: Log): EventStore {
  const options = { role: "audit_ingest", action: "store events", statementTimeoutMs: limits.ingestStatementTimeoutMs, log } as const;
  return {
    insert: (rows, confirm) => withRetries(() => inTransaction(pool, options, (transaction) => insertRows(transaction, rows, confirm))),
    insertOnce: (claim, prepare, confirm) =>
      withRetries(() =>
        inTransaction(pool, options, async (transaction) => insertRows(transaction, await prepare(await claimBatch(transaction, claim)), confirm))
      ),
  };
}

/** Runs `attempt`, a whole transaction, again when it failed for a reason that passes. */
export async function withRetries<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attemptsLeft = limits.storeAttemptsMax - 1;; attemptsLeft--) {
    try {
      return await attempt();
    } catch (error) {
      const fault = databaseFaultOf(error);
      if (attemptsLeft === 0 || fault === undefined || !isPassing(fault)) throw error;
    }
  }
}

/**
 * Whether the same transaction is an ordinary one when it runs again. Two that write the same rows in different orders wait for each other, and Postgres
 * ends one of them; `ingest()` leaves little room for it. And a session can see the table of a day that another has just committed a moment before it is
 * told that the table is a partition: COMMIT makes rows visible first and tells other sessions' caches afterwards. Its INSERT then finds no partition,
 * an error of class 23514 that, unlike a broken check, names no constraint.
 */
function isPassing({ sqlstate, constraint }: DatabaseFault): boolean {
  return sqlstate === "40P01" || (sqlstate === "23514" && constraint === undefined);
}

/** Inserts rows in a transaction that acts as audit_ingest, as `EventStore.insert` does. */
export async function insertRows(transaction: Transaction, rows: readonly EventRow[], confirm: Confirm | undefined): Promise<InsertOutcome> {
  if (rows.length === 0) return { existing: [], closedDays: [] };
  // The rows can be taken back without the claim that was made before them.
  if (confirm !== undefined) await transaction.run("savepoint rows");
  const outcome = outcomeOf(await transaction.rows<NotInserted>(ingestSql, ingestValues(rows)));
  if (confirm !== undefined && !confirm(outcome)) await transaction.run("rollback to savepoint rows");
  return outcome;
}

async function claimBatch(transaction: Transaction, claim: BatchClaim): Promise<ClaimOutcome> {
  const values = [claim.principal, Buffer.from(claim.keyHash), Buffer.from(claim.bodyHash), claim.receivedAt];
  const [claimed] = await transaction.rows<{ first: boolean; same_body: boolean; received_at: string }>(
    "select first, same_body, received_at from audit_log.claim_batch($1, $2, $3, $4)",
    values,
  );
  if (claimed === undefined) throw new Error("claim batch: the database gave no row");
  return { first: claimed.first, sameBody: claimed.same_body, receivedAt: claimed.received_at };
}

const ingestSql = `select tenant_id, occurred_at, id, received_at, principal, ip_address, user_agent, device_fingerprint, leaf_hash
  from audit_log.ingest(${Array.from({ length: 22 }, (_, index) => `$${index + 1}`).join(", ")})`;

/**
 * The arguments of `audit_log.ingest()`, a column each: on the server a binary array costs a third less than a text one. They are written row by row,
 * so that an event is read once, while it is at hand, and not twenty times.
 */
export function ingestValues(rows: readonly EventRow[]): readonly unknown[] {
  const columns = openColumns(rows.length);
  for (const { event, contextJson, leafHash } of rows) {
    append.uuid(columns.tenantId, event.tenant_id);
    append.timestamptz(columns.occurredAt, parseTimestamp(event.occurred_at));
    append.uuid(columns.id, event.id);
    append.text(columns.source, event.source);
    append.text(columns.actorId, event.actor_id);
    append.text(columns.actorType, event.actor_type);
    append.text(columns.eventType, event.event_type);
    append.text(columns.objectType, event.object_type);
    append.text(columns.objectId, event.object_id);
    append.text(columns.result, event.result);
    append.text(columns.message, event.message);
    append.int4(columns.durationMs, event.duration_ms);
    append.jsonb(columns.context, contextJson);
    append.inet(columns.ipAddress, event.ip_address);
    append.text(columns.userAgent, event.user_agent);
    append.text(columns.deviceFingerprint, event.device_fingerprint);
    append.text(columns.requestId, event.request_id);
    append.text(columns.producerId, event.producer_id);
    append.int8(columns.producerSeq, event.producer_seq);
    append.bytea(columns.leafHash, leafHash);
  }
  const arrays = Object.values(columns).map(({ bytes, length }) => Buffer.from(bytes.buffer, 0, length));
  return [rows[0]?.event.received_at, rows[0]?.event.principal, ...arrays];
}

/** In the order of the arguments. */
function openColumns(count: number) {
  return {
    tenantId: openArray("uuid", count),
    occurredAt: openArray("timestamptz", count),
    id: openArray("uuid", count),
    source: openArray("text", count),
    actorId: openArray("text", count),
    actorType: openArray("text", count),
    eventType: openArray("text", count),
    objectType: openArray("text", count),
    objectId: openArray("text", count),
    result: openArray("text", count),
    message: openArray("text", count),
    durationMs: openArray("int4", count),
    context: openArray("jsonb", count),
    ipAddress: openArray("inet", count),
    userAgent: openArray("text", count),
    deviceFingerprint: openArray("text", count),
    requestId: openArray("text", count),
    producerId: openArray("text", count),
    producerSeq: openArray("int8", count),
    leafHash: openArray("bytea", count),
  };
}

/** A row that `ingest()` did not insert: with what stands in its place, or with nothing but its key when its day is closed. */
export type NotInserted =
  & { readonly tenant_id: string; readonly occurred_at: string; readonly id: string }
  & { readonly [Column in Exclude<keyof ExistingRow, "leafHash" | "tenant_id" | "occurred_at" | "id">]: string | null }
  & { readonly leaf_hash: Uint8Array | null };

export function outcomeOf(notInserted: readonly NotInserted[]): InsertOutcome {
  const existing: ExistingRow[] = [];
  const closedDays = new Set<string>();
  for (const { tenant_id, occurred_at, id, received_at, principal, ip_address, user_agent, device_fingerprint, leaf_hash } of notInserted) {
    if (leaf_hash === null || received_at === null || principal === null) {
      closedDays.add(occurred_at.slice(0, 10));
      continue;
    }
    existing.push({
      tenant_id,
      occurred_at,
      id,
      received_at,
      principal,
      ...ip_address === null ? {} : { ip_address },
      ...user_agent === null ? {} : { user_agent },
      ...device_fingerprint === null ? {} : { device_fingerprint },
      leafHash: toHex(leaf_hash),
    });
  }
  return { existing, closedDays: [...closedDays] };
}

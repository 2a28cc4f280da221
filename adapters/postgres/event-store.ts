import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import { limits } from "../../core/limits.ts";
import type { BatchClaim, ClaimOutcome, Confirm, EventRow, EventStore, ExistingRow, InsertOutcome, Log } from "../../core/ports.ts";
import { toHex } from "../../core/format/hex.ts";
import { encodeArray } from "./binary-array.ts";
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
 * Whether the same transaction is an ordinary one when it runs again. Two batches that hold the same events in different orders wait for each other, and
 * Postgres ends one of them. And a session can see the table of a day that another has just committed a moment before it is told that the table is a
 * partition: COMMIT makes rows visible first and tells other sessions' caches afterwards. Its INSERT then finds no partition, an error of class 23514
 * that, unlike a broken check, names no constraint.
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

/** The arguments of `audit_log.ingest()`, a column at a time: on the server a binary array costs a third less than a text one. */
export function ingestValues(rows: readonly EventRow[]): readonly unknown[] {
  const [first] = rows;
  const column = <T extends Parameters<typeof encodeArray>[0]>(type: T, value: (row: EventRow) => Parameters<typeof encodeArray<T>>[1][number]) => {
    const bytes = encodeArray(type, rows.map(value));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  return [
    first?.event.received_at,
    first?.event.principal,
    column("uuid", ({ event }) => event.tenant_id),
    column("timestamptz", ({ event }) => Date.parse(event.occurred_at)),
    column("uuid", ({ event }) => event.id),
    column("text", ({ event }) => event.source),
    column("text", ({ event }) => event.actor_id),
    column("text", ({ event }) => event.actor_type),
    column("text", ({ event }) => event.event_type),
    column("text", ({ event }) => event.object_type),
    column("text", ({ event }) => event.object_id),
    column("text", ({ event }) => event.result),
    column("text", ({ event }) => event.message),
    column("int4", ({ event }) => event.duration_ms),
    column("jsonb", ({ contextJson }) => contextJson),
    column("inet", ({ event }) => event.ip_address),
    column("text", ({ event }) => event.user_agent),
    column("text", ({ event }) => event.device_fingerprint),
    column("text", ({ event }) => event.request_id),
    column("text", ({ event }) => event.producer_id),
    column("int8", ({ event }) => event.producer_seq),
    column("bytea", ({ leafHash }) => leafHash),
  ];
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

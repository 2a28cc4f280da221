import type { Pool } from "pg";
import type { Claims } from "../../core/caller.ts";
import { limits } from "../../core/limits.ts";
import type { EventRow, Log } from "../../core/ports.ts";
import { insertRows, withRetries } from "./event-store.ts";
import { inTransaction, type Transaction, type TransactionOptions } from "./transaction.ts";

/** What was done, and the events that tell of it. */
export type Act<T> = { readonly result: T; readonly events: readonly EventRow[] };

/** As whom to act: with a user's or a key's claims, or as the operator's own command. */
export type ActingAs = { readonly role: "authenticated"; readonly claims: Claims } | { readonly role: "audit_job" };

/**
 * Changes something about the log itself, by `work` as the caller, and records it, in one transaction: there is no change without its event and no
 * event without its change. `work` may run again, from the start, after a deadlock. Throws what it throws, and `unavailable`.
 */
export function actAs<T>(pool: Pool, log: Log, action: string, as: ActingAs, work: (transaction: Transaction) => Promise<Act<T>>): Promise<T> {
  const options: TransactionOptions = { ...as, action, statementTimeoutMs: limits.ingestStatementTimeoutMs, log };
  return withRetries(() =>
    inTransaction(pool, options, async (transaction) => {
      const { result, events } = await work(transaction);
      if (events.length === 0) return result;
      // Every login that may act as one of the roles may act as the others; nobody but audit_ingest inserts.
      await transaction.run("set local role audit_ingest");
      const { existing, closedDays } = await insertRows(transaction, events, undefined);
      if (existing.length + closedDays.length > 0) throw new Error(`${action}: the record of it was not inserted`);
      return result;
    })
  );
}

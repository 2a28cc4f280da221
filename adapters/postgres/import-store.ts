import type { Pool } from "pg";
import { AuditError } from "../../core/errors.ts";
import type { Json } from "../../core/event.ts";
import type { ImportStore } from "../../core/import-store.ts";
import { limits } from "../../core/limits.ts";
import type { InsertOutcome, Log } from "../../core/ports.ts";
import { databaseFaultOf } from "./database-fault.ts";
import { ingestValues, type NotInserted, outcomeOf, withRetries } from "./event-store.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Imports through `audit_log.import_events()`, as `audit_job`: the roles of the doors cannot get past the window of time. */
export function createImportStore(pool: Pool, log: Log): ImportStore {
  const options = { role: "audit_job", action: "import events", statementTimeoutMs: limits.importStatementTimeoutMs, log } as const;
  const inOne = <T>(work: (transaction: Transaction) => Promise<T>) =>
    withRetries(() => inTransaction(pool, options, work)).catch((error) => Promise.reject(explained(error)));
  return {
    begin: ({ id, tenantId, source, format }, again) =>
      inOne(async (transaction) => {
        const text = "select place, counts, finished_at from audit_log.begin_import($1, $2, $3, $4, $5)";
        const [found] = await transaction.rows<{ place: string | null; counts: { [name: string]: Json }; finished_at: string | null }>(text, [
          id,
          tenantId ?? null,
          source,
          format,
          again,
        ]);
        if (found === undefined) throw new Error("begin import: the database gave no row");
        return { place: found.place ?? undefined, counts: found.counts, finishedAt: found.finished_at ?? undefined };
      }),
    store: ({ importId, from, to, rows }, judge) =>
      inOne(async (transaction) => {
        const place = [importId, from ?? null];
        let outcome: InsertOutcome = { existing: [], closedDays: [] };
        if (rows.length > 0) {
          // The principal is the import's own, which the function knows.
          const [receivedAt, , ...columns] = ingestValues(rows);
          outcome = outcomeOf(await transaction.rows<NotInserted>(importSql, [...place, receivedAt, ...columns]));
        }
        const { counts, finished } = judge(outcome);
        await transaction.rows("select audit_log.advance_import($1, $2, $3, $4, $5)", [...place, to ?? null, JSON.stringify(counts), finished]);
      }),
    closedDays: () =>
      inOne(async (transaction) => {
        const rows = await transaction.texts("select day from audit_log.closed_days");
        return new Set(rows.map(([day]) => day as string));
      }),
  };
}

const importSql = `select tenant_id, occurred_at, id, received_at, principal, ip_address, user_agent, device_fingerprint, leaf_hash
  from audit_log.import_events(${Array.from({ length: 23 }, (_, index) => `$${index + 1}`).join(", ")})`;

/** What the functions say no with, in the importer's words. */
function explained(error: unknown): unknown {
  const sqlstate = databaseFaultOf(error)?.sqlstate;
  if (sqlstate === "55000") {
    return new AuditError("conflict", "import events: another process has gone on with this import; wait until it ends", { cause: error });
  }
  if (sqlstate === "42501" || sqlstate === "22023") {
    const message = "import events: this login may not import; it needs the role audit_job, as the login that applied the migrations has";
    return new AuditError("forbidden", message, { cause: error });
  }
  return error;
}

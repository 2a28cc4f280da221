import type { Pool } from "pg";
import type { DeletionAdmin, DeletionOutcome } from "../../core/deletion-admin.ts";
import type { Log } from "../../core/ports.ts";
import { actAs } from "./act-as.ts";
import { readAs } from "./claims.ts";
import { sql } from "./query-fragment.ts";

/** Soft deletions in `audit_log.deletions`. */
export function createDeletionAdmin(pool: Pool, log: Log): DeletionAdmin {
  return {
    delete: (claims, { tenantId, occurredAt, id }, { by, reason }, record) =>
      actAs(pool, log, "delete event", { role: "authenticated", claims }, async (transaction) => {
        const text = "select audit_log.delete_event($1, $2, $3, $4, $5) as outcome";
        const [row] = await transaction.rows<{ outcome: DeletionOutcome }>(text, [tenantId, occurredAt, id, reason, by]);
        if (row === undefined) throw new Error("delete event: the database gave no row");
        return { result: row.outcome, events: row.outcome === "deleted" ? [record] : [] };
      }),
    of: async (claims, tenantId, events) => {
      if (events.length === 0) return [];
      return await readAs({ pool, log }, claims, async (transaction) => {
        const times = events.map((event) => event.occurred_at);
        const ids = events.map((event) => event.id);
        const rows = await transaction.rows<{ place: number; reason: string; deleted_by: string; deleted_at: string }>(
          sql`select d.place, d.reason, d.deleted_by, date_trunc('milliseconds', d.deleted_at) as deleted_at
            from audit_log.deletions_of(${tenantId}::uuid, ${times}::timestamptz[], ${ids}::uuid[]) d`,
        );
        const found = new Map(rows.map((row) => [row.place, { by: row.deleted_by, at: row.deleted_at, reason: row.reason }]));
        return events.map((_, index) => found.get(index + 1));
      });
    },
  };
}

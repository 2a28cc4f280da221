import type { EventReader } from "../../core/query-store.ts";
import { limits } from "../../core/limits.ts";
import type { ReadPool } from "./claims.ts";
import { readAs } from "./claims.ts";
import { sql } from "./query-fragment.ts";
import type { EventRowRead } from "./query-page.ts";
import { readPage, selectEvents, storedEvent, wholeQuestionMs } from "./query-page.ts";
import { facetsMs, readStats } from "./query-stats.ts";
import { inTransaction } from "./transaction.ts";

/** Events in Postgres, read as a caller: one read-only transaction a call. `elapsedMs` only goes forward. */
export function createEventReader(connections: ReadPool, elapsedMs: () => number): EventReader {
  const deadline = () => {
    const end = elapsedMs() + limits.queryStatementTimeoutMs;
    return () => end - elapsedMs();
  };
  return {
    page: (claims, request) => readAs(connections, claims, (transaction) => readPage(transaction, request, deadline()), wholeQuestionMs),
    stats: (claims, request) => readAs(connections, claims, (transaction) => readStats(transaction, request, deadline()), facetsMs),
    find: (claims, { tenantId, occurredAt, id }) =>
      readAs(connections, claims, async (transaction) => {
        const rows = await transaction.rows<EventRowRead>(
          sql`${selectEvents} where e.tenant_id = ${tenantId}::uuid and e.occurred_at = ${occurredAt}::timestamptz and e.id = ${id}::uuid`,
        );
        return rows[0] === undefined ? undefined : storedEvent(rows[0]);
      }),
    logIndexes: (claims, tenantId, seqs) =>
      readAs(connections, claims, async (transaction) => {
        // Which tiles first, by their small index; then each tile's list once, however many of its leaves are asked for.
        const rows = await transaction.rows<{ seq: number; log_index: number }>(sql`with wanted as (select unnest(${seqs}::bigint[]) as seq), hit as (
            select distinct near.tile_index from wanted cross join lateral (
              select t.tile_index from audit_log.tiles t where t.tenant_id = ${tenantId}::uuid and t.level = 0 and t.first_seq <= wanted.seq
              order by t.first_seq desc limit 1
            ) as near
          )
          select leaf.seq, t.tile_index * 256 + leaf.place - 1 as log_index
          from hit join audit_log.tiles t on t.tenant_id = ${tenantId}::uuid and t.level = 0 and t.tile_index = hit.tile_index
          cross join lateral unnest(t.seqs) with ordinality as leaf (seq, place)
          join wanted on wanted.seq = leaf.seq`);
        return new Map(rows.map(({ seq, log_index }) => [seq, log_index]));
      }),
    exportBound: async (claims, tenantId) => {
      const { pool, log } = connections;
      const options = { role: "audit_job", action: "begin export", statementTimeoutMs: limits.queryStatementTimeoutMs, log } as const;
      const numbers = await inTransaction(
        pool,
        options,
        (transaction) => transaction.rows<{ last_value: number }>("select last_value from audit_log.event_seq"),
      );
      const sizes = await readAs(
        connections,
        claims,
        (transaction) => transaction.rows<{ size: number }>(sql`select s.size from audit_log.tree_state s where s.tenant_id = ${tenantId}::uuid`),
      );
      return { seqMax: numbers[0]?.last_value ?? 0, treeSize: sizes[0]?.size ?? 0 };
    },
  };
}

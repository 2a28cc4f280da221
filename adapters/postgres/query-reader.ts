import type { EventReader } from "../../core/query-store.ts";
import { limits } from "../../core/limits.ts";
import type { ReadPool } from "./claims.ts";
import { readAs } from "./claims.ts";
import { sql } from "./query-fragment.ts";
import { keySql, notDeleted, withoutDeletedIn } from "./query-sql.ts";
import type { EventRowRead } from "./query-page.ts";
import { readPage, selectEvents, storedEvent, wholeQuestionMs } from "./query-page.ts";
import { readProducers } from "./query-producers.ts";
import { readFigures } from "./query-report.ts";
import { facetsMs, readStats } from "./query-stats.ts";

const nobody = "00000000-0000-0000-0000-000000000000";

/** Events in Postgres, read as a caller: one read-only transaction a call. `elapsedMs` only goes forward. */
export function createEventReader(connections: ReadPool, elapsedMs: () => number): EventReader {
  const deadline = () => {
    const end = elapsedMs() + limits.queryStatementTimeoutMs;
    return () => end - elapsedMs();
  };
  return {
    page: (claims, request) =>
      readAs(connections, claims, async (transaction) => {
        const leftMs = deadline();
        return await readPage(transaction, { ...request, filter: await withoutDeletedIn(transaction, request.filter) }, leftMs);
      }, wholeQuestionMs),
    stats: (claims, request) =>
      readAs(connections, claims, async (transaction) => {
        const leftMs = deadline();
        return await readStats(transaction, { ...request, filter: await withoutDeletedIn(transaction, request.filter) }, leftMs);
      }, facetsMs),
    find: (claims, key, includeDeleted) =>
      readAs(connections, claims, async (transaction) => {
        const rows = await transaction.rows<EventRowRead>(
          sql`${selectEvents} where ${keySql(key)} and (${includeDeleted} or ${notDeleted})`,
        );
        return rows[0] === undefined ? undefined : storedEvent(rows[0]);
      }),
    leafIndexes: (claims, tenantId, events) =>
      readAs(connections, claims, async (transaction) => {
        const times = events.map((event) => event.occurred_at);
        const ids = events.map((event) => event.id);
        const rows = await transaction.rows<{ place: number; leaf_index: number }>(
          sql`select l.place, l.leaf_index from audit_log.find_leaves(${tenantId}::uuid, ${times}::timestamptz[], ${ids}::uuid[]) l`,
        );
        const found = new Map(rows.map(({ place, leaf_index }) => [place, leaf_index]));
        return events.map((_, index) => found.get(index + 1));
      }),
    figures: (claims, filter) => readAs(connections, claims, (transaction) => readFigures(transaction, filter)),
    producers: (claims, filter) => readAs(connections, claims, (transaction) => readProducers(transaction, filter)),
    treeSize: (claims, tenantId) =>
      readAs(connections, claims, async (transaction) => {
        const rows = await transaction.rows<{ size: number }>(sql`select t.size from audit_log.tree_state t where t.tenant_id = ${tenantId}::uuid`);
        return rows[0]?.size ?? 0;
      }),
    // Nobody's claims: the statement is planned and executed, and shows nothing.
    ready: () =>
      readAs(
        connections,
        {},
        async (transaction) =>
          void await transaction.rows(sql`select e.id from audit_log.events e where e.tenant_id = ${nobody}::uuid and e.occurred_at = now()`),
      ),
  };
}

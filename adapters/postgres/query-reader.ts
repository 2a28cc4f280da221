import type { EventReader } from "../../core/query-store.ts";
import type { ReadPool } from "./claims.ts";
import { readAs } from "./claims.ts";
import { figuresAcross } from "./archived-figures.ts";
import { producersAcross } from "./archived-producers.ts";
import type { AcrossParts, ArchivedAccess } from "./archived-reader.ts";
import { findAcross, pageAcross } from "./archived-reader.ts";
import { statsAcross } from "./archived-stats.ts";
import { sql } from "./query-fragment.ts";

const nobody = "00000000-0000-0000-0000-000000000000";

/** Events in Postgres and in the archive, read as a caller: one read-only transaction a call. `elapsedMs` only goes forward. */
export function createEventReader(connections: ReadPool, elapsedMs: () => number, archive: ArchivedAccess): EventReader {
  const parts: AcrossParts = { ...connections, ...archive, elapsedMs };
  return {
    page: (claims, request) => pageAcross(parts, claims, request),
    stats: (claims, request) => statsAcross(parts, claims, request),
    find: (claims, key, includeDeleted) => findAcross(parts, claims, key, includeDeleted),
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
    figures: (claims, filter) => figuresAcross(parts, claims, filter),
    producers: (claims, filter) => producersAcross(parts, claims, filter),
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

import type { Claims } from "../../core/caller.ts";
import { AuditError } from "../../core/errors.ts";
import type { FeedScope, SealedPage, SealedReader } from "../../core/stream-feed.ts";
import type { ReadPool, ReadTransaction } from "./claims.ts";
import { readAs } from "./claims.ts";
import { sql } from "./query-fragment.ts";
import type { EventRowRead } from "./query-page.ts";
import { selectEvents, storedEvent } from "./query-page.ts";
import { filterSql } from "./query-sql.ts";

type Leaf = { readonly leaf_index: number; readonly occurred_at: string; readonly id: string };

/**
 * Reads sealed events from Postgres. Pages are shared by readers, so they are read with claims of our own that name nothing but the scope:
 * row-level security confines them to its tenant, and whoever gets one must have been authorised for that.
 */
export function createSealedReader(connections: ReadPool): SealedReader {
  return {
    sizes: (tenantIds) =>
      readAs(connections, claimsOf(tenantIds, false), async (transaction) => {
        const rows = await transaction.rows<{ tenant_id: string; size: number }>(
          sql`select t.tenant_id, t.size from audit_log.tree_state t where t.tenant_id = any (${tenantIds}::uuid[])`,
        );
        return new Map(rows.map(({ tenant_id, size }) => [tenant_id, size]));
      }),
    page: (scope, from, limit) =>
      readAs(connections, claimsOf([scope.tenantId], scope.includeDeleted), (transaction) => readPage(transaction, scope, from, limit)),
  };
}

async function readPage(transaction: ReadTransaction, scope: FeedScope, from: number, limit: number): Promise<SealedPage> {
  const found = await transaction.rows<Leaf>(
    sql`select l.leaf_index, l.occurred_at, l.id from audit_log.sealed_leaves(${scope.tenantId}::uuid, ${from}::bigint, ${limit}::integer) l`,
  );
  // Tiles follow their events into the archive: what comes after a gap waits until the gap has been asked for, and refused.
  const leaves = found.filter((leaf, index) => leaf.leaf_index === from + index);
  if (leaves.length === 0) {
    if (found.length > 0 || await sizeOf(transaction, scope.tenantId) > from) throw archived();
    return { events: [], next: from };
  }
  const times = leaves.map((leaf) => leaf.occurred_at);
  const [earliest = "", latest = ""] = [times.reduce((a, b) => a < b ? a : b), times.reduce((a, b) => a > b ? a : b)];
  const filter = { tenantId: scope.tenantId, from: earliest, to: latest, conditions: [], includeDeleted: scope.includeDeleted };
  const rows = await transaction.rows<EventRowRead & { readonly place: number }>(
    sql`select found.*, w.place from unnest(${times}::timestamptz[], ${leaves.map(({ id }) => id)}::uuid[]) with ordinality as w (occurred_at, id, place)
      cross join lateral (${selectEvents} where ${filterSql(filter)} and e.occurred_at = w.occurred_at and e.id = w.id) as found order by w.place`,
  );
  if (rows.length < leaves.length) await requireHotDays(transaction, times, new Set(rows.map(({ place }) => place)));
  return { events: rows.map(({ place, ...row }) => ({ ...storedEvent(row), leafIndex: from + place - 1 })), next: from + leaves.length };
}

async function sizeOf(transaction: ReadTransaction, tenantId: string): Promise<number> {
  const rows = await transaction.rows<{ size: number }>(sql`select t.size from audit_log.tree_state t where t.tenant_id = ${tenantId}::uuid`);
  return rows[0]?.size ?? 0;
}

/** An event may be hidden because it is softly deleted. One whose whole day has left Postgres would be missed: that is refused instead. */
async function requireHotDays(transaction: ReadTransaction, times: readonly string[], found: ReadonlySet<number>): Promise<void> {
  const days = [...new Set(times.filter((_, index) => !found.has(index + 1)).map((time) => `events_${time.slice(0, 10).replaceAll("-", "")}`))];
  const rows = await transaction.rows<{ hot: number }>(
    sql`select count(*) as hot from pg_catalog.pg_class c join pg_catalog.pg_inherits i on i.inhrelid = c.oid
      where i.inhparent = 'audit_log.events'::regclass and c.relname = any (${days}::text[])`,
  );
  if (rows[0]?.hot !== days.length) throw archived();
}

function archived(): AuditError {
  const message = "resume stream: events after this position have moved to the archive; read them from the list, and begin the stream without a position";
  return new AuditError("position_archived", message, { pointer: "last-event-id" });
}

function claimsOf(tenantIds: readonly string[], includeDeleted: boolean): Claims {
  return { sub: "stream", role: "authenticated", app_metadata: { tenant_ids: tenantIds, audit_role: includeDeleted ? "admin" : "viewer" } };
}

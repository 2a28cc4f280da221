import type { Pool } from "pg";
import { AuditError } from "../../core/errors.ts";
import type { Hold, HoldAdmin, HoldReach } from "../../core/hold-admin.ts";
import type { Log } from "../../core/ports.ts";
import { actAs } from "./act-as.ts";
import { readAs } from "./claims.ts";
import { sql, statement } from "./query-fragment.ts";

/** Holds in `audit_log.holds`, read under row-level security and changed by definer functions that look at the claims themselves. */
export function createHoldAdmin(pool: Pool, log: Log): HoldAdmin {
  return {
    list: (claims, tenantId, { limit, after, isActive }) =>
      readAs({ pool, log }, claims, async (transaction) => {
        const older = after === undefined
          ? sql``
          : sql`and (h.placed_at, h.id) < (select l.placed_at, l.id from audit_log.holds as l where l.tenant_id = ${tenantId}::uuid and l.id = ${after}::uuid)`;
        const active = isActive === undefined ? sql`` : sql`and (h.released_at is null) = ${isActive}`;
        const rows = await transaction.rows<HoldRow>(
          sql`${selectHolds} where h.tenant_id = ${tenantId}::uuid ${older} ${active} order by h.placed_at desc, h.id desc limit ${limit}::bigint`,
        );
        if (rows.length === 0 && after !== undefined && (await transaction.rows(oneHold(tenantId, after))).length === 0) {
          throw new AuditError("invalid_cursor", "list holds: cursor: the tenant has no such hold; start again without it", { pointer: "cursor" });
        }
        return rows.map(reachOf);
      }),
    find: (claims, tenantId, id) =>
      readAs({ pool, log }, claims, async (transaction) => {
        const [row] = await transaction.rows<HoldRow>(oneHold(tenantId, id));
        return row === undefined ? undefined : reachOf(row);
      }),
    place: (claims, hold, record) =>
      actAs(pool, log, "place hold", { role: "authenticated", claims }, async (transaction) => {
        const text = "select going_days, first_going_day::text from audit_log.place_hold($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        const { id, tenantId, reason, objectType, objectId, actorId, from, to, placedBy } = hold;
        const values = [id, tenantId, reason, objectType, objectId, actorId, from, to, placedBy].map((value) => value ?? null);
        const [going] = await transaction.rows<{ going_days: number; first_going_day: string | null }>(text, values);
        if (going === undefined || going.going_days > 0) throw beingDeleted(going?.going_days ?? 0, going?.first_going_day ?? "");
        const one = statement(oneHold(tenantId, id));
        const [row] = await transaction.rows<HoldRow>(one.text, one.values);
        if (row === undefined) throw new Error("place hold: the database gave no row");
        return { result: reachOf(row), events: [record] };
      }),
    release: (claims, tenantId, id, { by, reason }, record) =>
      actAs(pool, log, "release hold", { role: "authenticated", claims }, async (transaction) => {
        const text = "select audit_log.release_hold($1, $2, $3, $4) as is_new";
        const [released] = await transaction.rows<{ is_new: boolean | null }>(text, [tenantId, id, reason, by]);
        const one = statement(oneHold(tenantId, id));
        const [row] = await transaction.rows<HoldRow>(one.text, one.values);
        return { result: row === undefined ? undefined : reachOf(row), events: released?.is_new ? [record] : [] };
      }),
  };
}

/** With the archived days that the hold keeps, whole, whatever object or actor it names. */
const selectHolds = sql`select h.id, h.tenant_id, h.reason, h.object_type, h.object_id, h.actor_id, h.from_at, h.to_at, h.placed_by,
  date_trunc('milliseconds', h.placed_at) as placed_at, h.released_by, date_trunc('milliseconds', h.released_at) as released_at, h.release_reason,
  case when h.released_at is null then (
    select count(*) from audit_log.archives a where a.tenant_id = h.tenant_id and a.state = 'archived'
      and (h.from_at is null or h.from_at < (a.day + 1)::timestamp at time zone 'UTC') and (h.to_at is null or h.to_at >= a.day::timestamp at time zone 'UTC')
  ) else 0 end as archived_days from audit_log.holds h`;

const oneHold = (tenantId: string, id: string) => sql`${selectHolds} where h.tenant_id = ${tenantId}::uuid and h.id = ${id}::uuid`;

type HoldRow = {
  readonly id: string;
  readonly tenant_id: string;
  readonly reason: string;
  readonly object_type: string | null;
  readonly object_id: string | null;
  readonly actor_id: string | null;
  readonly from_at: string | null;
  readonly to_at: string | null;
  readonly placed_by: string;
  readonly placed_at: string;
  readonly released_by: string | null;
  readonly released_at: string | null;
  readonly release_reason: string | null;
  readonly archived_days: number;
};

function reachOf(row: HoldRow): HoldReach {
  const { released_by: by, released_at: at, release_reason: reason } = row;
  const hold: Hold = {
    id: row.id,
    tenantId: row.tenant_id,
    reason: row.reason,
    objectType: row.object_type ?? undefined,
    objectId: row.object_id ?? undefined,
    actorId: row.actor_id ?? undefined,
    from: row.from_at ?? undefined,
    to: row.to_at ?? undefined,
    placedBy: row.placed_by,
    placedAt: row.placed_at,
    release: by === null || at === null || reason === null ? undefined : { by, at, reason },
  };
  return { hold, archivedDays: row.archived_days };
}

function beingDeleted(days: number, firstDay: string): AuditError {
  const which = days === 1 ? `the archive of ${firstDay} is` : `the archives of ${days} days from ${firstDay} on are`;
  const message = `place hold: nothing was placed, because ${which} past retention and being deleted; place a hold that begins after them, or try again`;
  return new AuditError("conflict", message, { pointer: "/from", retryAfterSeconds: 60 });
}

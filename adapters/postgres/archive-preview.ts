import type { Pool } from "pg";
import type { Log } from "../../core/ports.ts";
import type { DueArchive, DueDay, RetentionPreview } from "../../core/retention-preview.ts";
import { readAs } from "./claims.ts";

/** What is due, counted under the caller's row-level security. */
export function createRetentionPreview(pool: Pool, log: Log): RetentionPreview {
  return {
    daysToArchive: (claims, tenantId, before, limit) =>
      readAs({ pool, log }, claims, async (transaction) => {
        // A row's fixed columns, its index entries and what varies: within a tenth of what is freed.
        const text = `select (occurred_at at time zone 'UTC')::date::text as day, count(*) as rows,
            sum(450 + coalesce(pg_column_size(context), 0) + coalesce(pg_column_size(message), 0) + coalesce(pg_column_size(user_agent), 0)) as bytes
          from audit_log.events where tenant_id = $1 and occurred_at < $2::date::timestamp at time zone 'UTC'
            and (occurred_at at time zone 'UTC')::date <> all (select a.day from audit_log.archives as a where a.tenant_id = $1 and a.state = 'restored')
          group by 1 order by 1 limit $3`;
        return (await transaction.query<DueRow>(text, [tenantId, before, limit])).map(dueDayOf);
      }),
    archivesToDelete: (claims, tenantId, limit) =>
      readAs({ pool, log }, claims, async (transaction) => {
        // A hold on an object or an actor keeps each day that it could be about, as is_held() says.
        const text = `select a.day::text, a.rows, a.bytes, exists (
            select from audit_log.holds as h
            where h.tenant_id = a.tenant_id and h.released_at is null
              and coalesce(h.from_at < (a.day + 1)::timestamp at time zone 'UTC', true) and coalesce(h.to_at >= a.day::timestamp at time zone 'UTC', true)
          ) as is_held
          from audit_log.archives as a
          where a.tenant_id = $1 and a.state = 'archived' and a.expires_at <= now()
          order by a.day limit $2`;
        const rows = await transaction.query<DueRow & { readonly is_held: boolean }>(text, [tenantId, limit]);
        return rows.map((row): DueArchive => ({ ...dueDayOf(row), isHeld: row.is_held }));
      }),
  };
}

type DueRow = { readonly day: string; readonly rows: number; readonly bytes: number };

function dueDayOf({ day, rows, bytes }: DueRow): DueDay {
  return { day, rows, bytes: Number(bytes) };
}

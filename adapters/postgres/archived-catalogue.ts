import type { Pool } from "pg";
import type { Archive, ArchiveCatalogue } from "../../core/archived-catalogue.ts";
import type { Log } from "../../core/ports.ts";
import { readAs } from "./claims.ts";
import { sql } from "./query-fragment.ts";

/**
 * The rows of `audit_log.archives` that have left Postgres, under the caller's row-level security; whether one is held is told to auditors. One that is
 * on its way out a second time is restored until it has left.
 */
export function createArchiveCatalogue(pool: Pool, log: Log): ArchiveCatalogue {
  return {
    list: (claims, tenantId, { from, to, before, limit }) =>
      readAs({ pool, log }, claims, async (transaction) => {
        const first = from === undefined ? sql`` : sql`and a.day >= ${from}::date`;
        const last = to === undefined ? sql`` : sql`and a.day <= ${to}::date`;
        const older = before === undefined ? sql`` : sql`and a.day < ${before}::date`;
        const rows = await transaction.rows<ArchiveRecord>(
          sql`select a.tenant_id, a.day::text, case when a.state in ('open', 'ready') then 'restored' else a.state end as state, a.rows, a.files, a.bytes, a.first_log_index, a.last_log_index, a.checkpoint_size, a.checkpoint_root,
              a.manifest_key, a.manifest_sha256, date_trunc('milliseconds', a.archived_at) as archived_at, a.expires_at,
              date_trunc('milliseconds', a.deleted_at) as deleted_at,
              exists (
                select from audit_log.holds h where h.tenant_id = a.tenant_id and h.released_at is null
                  and (h.from_at is null or h.from_at < (a.day + 1)::timestamp at time zone 'UTC')
                  and (h.to_at is null or h.to_at >= a.day::timestamp at time zone 'UTC')
              ) as is_held
            from audit_log.archives a
            where a.tenant_id = ${tenantId}::uuid and a.archived_at is not null ${first} ${last} ${older}
            order by a.day desc limit ${limit}::bigint`,
        );
        return rows.map(archiveOf);
      }),
  };
}

type ArchiveRecord = {
  readonly tenant_id: string;
  readonly day: string;
  readonly state: Archive["state"];
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly first_log_index: number;
  readonly last_log_index: number;
  readonly checkpoint_size: number;
  readonly checkpoint_root: Uint8Array;
  readonly manifest_key: string;
  readonly manifest_sha256: Uint8Array;
  readonly archived_at: string;
  readonly expires_at: string;
  readonly deleted_at: string | null;
  readonly is_held: boolean;
};

function archiveOf(row: ArchiveRecord): Archive {
  return {
    tenantId: row.tenant_id,
    day: row.day,
    state: row.state,
    rows: row.rows,
    files: row.files,
    bytes: row.bytes,
    firstLogIndex: row.first_log_index,
    lastLogIndex: row.last_log_index,
    checkpointSize: row.checkpoint_size,
    checkpointRoot: row.checkpoint_root,
    manifestKey: row.manifest_key,
    manifestSha256: row.manifest_sha256,
    archivedAt: row.archived_at,
    expiresAt: row.expires_at,
    deletedAt: row.deleted_at ?? undefined,
    isHeld: row.is_held,
  };
}

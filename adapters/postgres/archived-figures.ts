import { mergeFigures } from "../../core/archived-figures.ts";
import { walkArchives } from "../../core/archived-walk.ts";
import type { Claims } from "../../core/caller.ts";
import type { CustodyFigures, ReportFigures } from "../../core/compliance.ts";
import { limits } from "../../core/limits.ts";
import type { Filter } from "../../core/query-filter.ts";
import { type AcrossParts, areDeleted, daysWithin, sourceOf } from "./archived-reader.ts";
import type { ReadTransaction } from "./claims.ts";
import { readWindow } from "./claims.ts";
import { sql } from "./query-fragment.ts";
import { readFigures } from "./query-report.ts";

/** The figures of a report over hot and archived events, the latter newest first, as far as the budget allows. */
export async function figuresAcross(parts: AcrossParts, claims: Claims, asked: Filter): Promise<ReportFigures> {
  const { hot, filter, archived } = await readWindow(parts, claims, asked, async (transaction, filter) => {
    const counted = await readFigures(transaction, filter, limits.reportGroupsMax);
    const custody = await readCustody(transaction, filter);
    return { filter, hot: { ...counted, custody, archivedFrom: undefined }, archived: await daysWithin(parts, transaction, filter) };
  });
  const end = parts.elapsedMs() + limits.archivedReadMs;
  const walk = walkArchives(archived.days.length === 0 ? nothing : sourceOf(parts), {
    ...archived,
    filter,
    order: "desc",
    after: undefined,
    until: undefined,
    receivedMax: undefined,
    areDeleted: areDeleted(parts, claims, filter),
    budget: { leftMs: () => end - parts.elapsedMs(), bytesMax: limits.archivedReadBytes },
  });
  return await mergeFigures(hot, walk);
}

/** Asked for no day. */
const nothing = {
  files: () => Promise.resolve([]),
  open: () => Promise.reject(new Error("read archive: no day was asked for")),
  check: () => {},
};

/** How the tenant's events are kept: its policy and holds, and the archives and deletions of the window. */
async function readCustody(transaction: ReadTransaction, { tenantId, from, to }: Filter): Promise<CustodyFigures> {
  const [row] = await transaction.rows<CustodyRow>(
    sql`select
      (select p.retention_years from audit_log.retention_policies p where p.tenant_id = ${tenantId}::uuid) as policy_years,
      (select count(*) from audit_log.deletions d
        where d.tenant_id = ${tenantId}::uuid and d.occurred_at between ${from}::timestamptz and ${to}::timestamptz) as deleted_events,
      h.active, h.placed, h.released, a.days, a.rows, a.bytes, a.held, a.expired
    from (
      select count(*) filter (where h.released_at is null) as active,
        count(*) filter (where h.placed_at between ${from}::timestamptz and ${to}::timestamptz) as placed,
        count(*) filter (where h.released_at between ${from}::timestamptz and ${to}::timestamptz) as released
      from audit_log.holds h where h.tenant_id = ${tenantId}::uuid
    ) h cross join (
      select count(*) filter (where a.state = 'archived') as days, coalesce(sum(a.rows) filter (where a.state = 'archived'), 0)::bigint as rows,
        coalesce(sum(a.bytes) filter (where a.state = 'archived'), 0)::bigint as bytes,
        count(*) filter (where a.state = 'archived' and exists (
          select from audit_log.holds h where h.tenant_id = a.tenant_id and h.released_at is null
            and (h.from_at is null or h.from_at < (a.day + 1)::timestamp at time zone 'UTC')
            and (h.to_at is null or h.to_at >= a.day::timestamp at time zone 'UTC')
        )) as held,
        count(*) filter (where a.state in ('expiring', 'deleted')) as expired
      from audit_log.archives a where a.tenant_id = ${tenantId}::uuid and a.day between ${from.slice(0, 10)}::date and ${to.slice(0, 10)}::date
    ) a`,
  );
  if (row === undefined) throw new Error("read custody: the database gave no row");
  return {
    policyYears: row.policy_years ?? undefined,
    deletedEvents: row.deleted_events,
    holds: { active: row.active, placed: row.placed, released: row.released },
    archives: { days: row.days, rows: row.rows, bytes: row.bytes, held: row.held, expired: row.expired },
  };
}

type CustodyRow = {
  readonly policy_years: number | null;
  readonly deleted_events: number;
  readonly active: number;
  readonly placed: number;
  readonly released: number;
  readonly days: number;
  readonly rows: number;
  readonly bytes: number;
  readonly held: number;
  readonly expired: number;
};

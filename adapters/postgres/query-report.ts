import { accessEventTypes } from "../../core/access-record.ts";
import type { AccessFigure, EventFigure, HotFigures } from "../../core/compliance.ts";
import type { Filter } from "../../core/query-filter.ts";
import type { ReadTransaction } from "./claims.ts";
import { sql } from "./query-fragment.ts";
import { filterSql } from "./query-sql.ts";

/** The figures of a compliance report over the window of `filter`, all as of one transaction; at most `groupsMax` types, and principals. */
export async function readFigures(transaction: ReadTransaction, filter: Filter, groupsMax: number): Promise<HotFigures> {
  const events = await transaction.rows<EventFigure & { readonly total: number; readonly types: number }>(
    sql`select g.*, sum(g.success + g.failure + g.warning) over ()::bigint as total, count(*) over () as types from (
        select e.event_type, count(*) filter (where e.result = 'success') as success, count(*) filter (where e.result = 'failure') as failure,
          count(*) filter (where e.result = 'warning') as warning
        from audit_log.events e where ${filterSql(filter)} group by e.event_type
      ) as g order by g.success + g.failure + g.warning desc, g.event_type limit ${groupsMax}::bigint`,
  );
  const accesses = await transaction.rows<AccessFigure & { readonly principals: number }>(
    sql`select g.*, count(*) over () as principals from (
        select e.principal, e.event_type, count(*) as count, coalesce(sum((e.context ->> 'rows')::bigint), 0)::bigint as rows, max(e.occurred_at) as last_at
        from audit_log.events e where ${filterSql(filter)} and e.event_type = any (${accessEventTypes}::text[]) and e.source = 'audit-events'
        group by e.principal, e.event_type
      ) as g order by g.count desc, g.principal, g.event_type limit ${groupsMax}::bigint`,
  );
  const [seal] = await transaction.rows<{ unsealed: number; problems: number; tree_problem: string | null }>(
    sql`select c.unsealed, c.problems, c.tree_problem
      from audit_log.seal_coverage(${filter.tenantId}::uuid, ${filter.from}::timestamptz, ${filter.to}::timestamptz) c`,
  );
  return {
    total: events[0]?.total ?? 0,
    events: events.map(({ event_type, success, failure, warning }) => ({ event_type, success, failure, warning })),
    moreTypes: (events[0]?.types ?? 0) > events.length,
    accesses: accesses.map(({ principal, event_type, count, rows, last_at }) => ({ principal, event_type, count, rows, last_at })),
    moreAccesses: (accesses[0]?.principals ?? 0) > accesses.length,
    unsealed: seal?.unsealed ?? 0,
    problems: seal?.problems ?? 0,
    treeProblem: seal?.tree_problem ?? undefined,
    freshAsOf: transaction.freshAsOf,
  };
}

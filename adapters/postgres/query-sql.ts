import type { Condition, Filter, Order, Position, TextField } from "../../core/query-filter.ts";
import type { EventKey } from "../../core/query-store.ts";
import { isAscii, wordFields } from "../../core/query-filter.ts";
import type { Fragment } from "./query-fragment.ts";
import { joined, sql } from "./query-fragment.ts";
import { atAnyHourSql, atOneHourSql, type hashedCondition } from "./query-hashes.ts";

const columns = {
  actor_id: sql`e.actor_id`,
  actor_type: sql`e.actor_type`,
  event_type: sql`e.event_type`,
  object_id: sql`e.object_id`,
  object_type: sql`e.object_type`,
  source: sql`e.source`,
  request_id: sql`e.request_id`,
  principal: sql`e.principal`,
  producer_id: sql`e.producer_id`,
  message: sql`e.message`,
} as const satisfies Record<TextField | (typeof wordFields)[number], Fragment>;

/**
 * What `filter` means in SQL over `audit_log.events e`. The tenant stands first, always: row-level security alone reads every tenant's rows before
 * it drops them. Both bounds of the window are plain comparisons of the partition key, so that the planner sees which days it needs.
 * With `hourly`, one of its conditions, only the events of the hour `h.at`.
 */
export function filterSql(filter: Filter, hourly?: ReturnType<typeof hashedCondition>): Fragment {
  const hashes = hourly === undefined
    ? filter.conditions.flatMap((condition) => atAnyHourSql(condition, filter.tenantId) ?? [])
    : [atOneHourSql(hourly, filter.tenantId)];
  const parts = [
    sql`e.tenant_id = ${filter.tenantId}::uuid`,
    sql`e.occurred_at >= ${filter.from}::timestamptz`,
    sql`e.occurred_at <= ${filter.to}::timestamptz`,
    ...hashes,
    ...filter.conditions.map(conditionSql),
    ...filter.includeDeleted ? [] : [notDeleted],
  ];
  return joined(parts, sql` and `);
}

/** The one event of `audit_log.events e` that has this key. */
export function keySql({ tenantId, occurredAt, id }: EventKey): Fragment {
  return sql`e.tenant_id = ${tenantId}::uuid and e.occurred_at = ${occurredAt}::timestamptz and e.id = ${id}::uuid`;
}

/** Of `audit_log.events e`: what readers see unless they ask for more. */
export const notDeleted = sql`not exists (
    select from audit_log.deletions d where d.tenant_id = e.tenant_id and d.occurred_at = e.occurred_at and d.id = e.id
  )`;

/**
 * The rows after `position`, in `order`, as a comparison of rows that the primary key serves. Partitions are not pruned by it: narrow the window too.
 */
export function afterSql(position: Position, order: Order): Fragment {
  const place = sql`(${position.occurredAt}::timestamptz, ${position.id}::uuid)`;
  return order === "desc" ? sql`(e.occurred_at, e.id) < ${place}` : sql`(e.occurred_at, e.id) > ${place}`;
}

export function orderSql(order: Order): Fragment {
  return order === "desc" ? sql`order by e.occurred_at desc, e.id desc` : sql`order by e.occurred_at, e.id`;
}

/** Negation keeps rows where the field is null: `is not true` where plain `not` would answer null. */
function conditionSql(condition: Condition): Fragment {
  const holds = holdsSql(condition);
  return condition.negated ? sql`(${holds}) is not true` : holds;
}

function holdsSql(condition: Condition): Fragment {
  switch (condition.kind) {
    case "text":
      return oneOfSql(columns[condition.field], condition);
    case "id":
      return sql`e.id = any (${condition.values}::uuid[])`;
    case "result":
      return sql`e.result = any (${condition.values}::text[])`;
    case "ip":
      return sql`e.ip_address <<= any (${condition.networks}::inet[])`;
    case "duration":
      return durationSql(condition);
    case "context":
      // Objects and lists have a text too, Postgres' own; nobody should have to match that.
      return sql`(jsonb_typeof(e.context #> ${condition.path}::text[]) in ('string', 'number', 'boolean') and ${
        oneOfSql(sql`e.context #>> ${condition.path}::text[]`, condition)
      })`;
    case "words":
      return wordsSql(condition.text);
  }
}

/** A single value is compared with `=`: that keeps an index's order by time, which `any` does not on every version. */
function oneOfSql(column: Fragment, { values, prefixes }: { readonly values: readonly string[]; readonly prefixes: readonly string[] }): Fragment {
  const [value] = values;
  const whole = values.length === 1 ? [sql`${column} = ${value}::text`] : values.length === 0 ? [] : [sql`${column} = any (${values}::text[])`];
  const parts = [...whole, ...prefixes.map((prefix) => sql`starts_with(${column}, ${prefix}::text)`)];
  return parts.length === 1 ? parts[0] ?? sql`false` : sql`(${joined(parts, sql` or `)})`;
}

function durationSql({ min, max }: { readonly min: number | undefined; readonly max: number | undefined }): Fragment {
  // bigint: a bound may be larger than the column can be.
  const parts = [
    ...(min === undefined ? [] : [sql`e.duration_ms >= ${min}::bigint`]),
    ...(max === undefined ? [] : [sql`e.duration_ms <= ${max}::bigint`]),
  ];
  return sql`(${joined(parts, sql` and `)})`;
}

/**
 * Words in ASCII are compared under collation C, which knows only ASCII's cases: a locale's would lower every text as a whole, for five times the price.
 */
function wordsSql(text: string): Fragment {
  const pattern = `%${text.replaceAll(/[\\%_]/g, "\\$&")}%`;
  const collation = isAscii(text) ? sql`collate "C"` : sql`collate "default"`;
  return sql`(${joined(wordFields.map((field) => sql`${columns[field]} ${collation} ilike ${pattern}::text`), sql` or `)})`;
}

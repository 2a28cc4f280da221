import type { Condition, Filter, Order, TextField } from "../../core/query-filter.ts";
import type { Fragment } from "./query-fragment.ts";
import { joined, sql } from "./query-fragment.ts";

type TextCondition = Condition & { readonly kind: "text" };

/** The columns that stand in an index, each by a column of the hour of the day and a hash of tenant and text: `audit_log.events.object_hash` says why. */
const hashes: { readonly [Field in TextField]?: Fragment } = { object_id: sql`e.object_hash`, actor_id: sql`e.actor_hash` };

/** A condition that leads to its rows by a hash; undefined where `filter` has none. An object's, before an actor's: it has fewer events. */
export function hashedCondition(filter: Filter): TextCondition | undefined {
  const hashed = filter.conditions.filter(isHashed);
  return hashed.find(({ field }) => field === "object_id") ?? hashed[0];
}

function isHashed(condition: Condition): condition is TextCondition {
  return condition.kind === "text" && !condition.negated && condition.prefixes.length === 0 && hashes[condition.field] !== undefined;
}

/**
 * What every row of `audit_log.events e` for which `condition` holds fulfils as well, whatever its hour; undefined where no hash says it. The rows come
 * in no order. It finds candidates alone: two texts can have one hash.
 */
export function atAnyHourSql(condition: Condition, tenantId: string): Fragment | undefined {
  if (!isHashed(condition)) return undefined;
  const wanted = sql`select (h.hour << 58) | ${hashSql(sql`v.text`, tenantId)}
    from generate_series(0::bigint, 23::bigint) as h (hour) cross join unnest(${condition.values}::text[]) as v (text)`;
  return sql`${hashes[condition.field] ?? sql``} = any (array(${wanted}))`;
}

/** The same for the events of the hour that begins at `h.at`. For one value the index gives them in the order of their time. */
export function atOneHourSql({ field, values }: TextCondition, tenantId: string): Fragment {
  const wanted = values.map((value) => sql`((date_part('hour', h.at at time zone interval '0')::bigint << 58) | ${hashSql(sql`${value}::text`, tenantId)})`);
  const hours = joined(wanted, sql`, `);
  return sql`e.occurred_at >= h.at and e.occurred_at < h.at + interval '1 hour' and ${hashes[field] ?? sql``} = ${
    values.length === 1 ? hours : sql`any (array[${hours}])`
  }`;
}

/** 58 bits, as the migration generates them. Of a parameter they are a constant before the plan is made. */
function hashSql(text: Fragment, tenantId: string): Fragment {
  return sql`(hashtextextended(${text} collate "C", uuid_hash_extended(${tenantId}::uuid, 0)) & 288230376151711743)`;
}

/** `h (at)`: when the hours of the window begin, in `order`, as far as Postgres has days; a window may reach back for decades. */
export function hoursSql({ from, to }: Filter, order: Order): Fragment {
  const begin = (time: Fragment) => sql`date_bin(interval '1 hour', ${time}, timestamptz '2000-01-01 00:00:00+00')`;
  return sql`(
    select hour.at from (
      select min(to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') as first,
        max(to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') + interval '23 hours' as last
      from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_log.events'::regclass
    ) as hot cross join lateral generate_series(
      ${begin(sql`greatest(${from}::timestamptz, hot.first)`)}, least(${to}::timestamptz, hot.last), interval '1 hour'
    ) as hour (at)
    order by hour.at${order === "desc" ? sql` desc` : sql``}
  ) as h`;
}

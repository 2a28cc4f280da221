// A large log, made by SQL in minutes: every row has the leaf hash that the door would have given it, so that it can be sealed and verified too.
import { benchTenant, withClient } from "./system.ts";

export type LogShape = { readonly rows: number; readonly days: number };

/** Tenants of the log; the first has eight rows of ten. */
export const logTenants = [benchTenant, "00000000-0000-4000-8000-000000000002", "00000000-0000-4000-8000-000000000003"] as const;

export const daysOf = ({ days }: LogShape, today: Date = new Date()): string[] =>
  Array.from({ length: days }, (_, ago) => new Date(today.getTime() - (ago + 1) * 86_400_000).toISOString().slice(0, 10)).reverse();

/**
 * Fills `days` partitions, up to yesterday's, with `rows` events, by two sessions, and builds the indexes afterwards: as they would be once a day is
 * past, and ten times as fast. Numbers are drawn in advance; the sequence ends where they do.
 */
export async function generateLog(adminUrl: string, shape: LogShape): Promise<void> {
  const days = daysOf(shape);
  const perDay = Math.ceil(shape.rows / shape.days);
  const indexes = await withClient(adminUrl, async (admin) => {
    await admin.query("select audit_log.ensure_partitions($1, $2)", [days[0], days.at(-1)]);
    const { rows } = await admin.query<{ name: string; definition: string }>(
      "select indexname as name, indexdef as definition from pg_indexes where schemaname = 'audit_log' and tablename = 'events' and indexname not like '%identified%'",
    );
    for (const { name } of rows) await admin.query(`drop index audit_log.${name}`);
    return rows.map(({ definition }) => definition);
  });
  const fill = (part: number) =>
    withClient(adminUrl, async (admin) => {
      await admin.query("set timezone = 'UTC'; set synchronous_commit = off; set jit = off");
      for (let index = part; index < days.length; index += 2) {
        await admin.query(dayOfRows, [days[index], perDay, index * perDay, [...logTenants]]);
      }
    });
  await Promise.all([fill(0), fill(1)]);
  await withClient(adminUrl, async (admin) => {
    await admin.query("set maintenance_work_mem = '512MB'");
    // Of a partitioned table Postgres prints "on only", which would leave the days without.
    for (const definition of indexes) await admin.query(definition.replace(" ON ONLY ", " ON "));
    await admin.query("select setval('audit_log.event_seq', $1)", [days.length * perDay]);
  });
  await withClient(adminUrl, async (admin) => void await admin.query("vacuum (analyze) audit_log.events"));
}

// $1 the day, $2 its rows, $3 the last number of the day before, $4 the tenants. Values repeat as in life: 10,000 actors, 100,000 objects, six types,
// one failure in ten, one event in fifty thousand of the type `user.locked`.
const dayOfRows = `
  insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result,
    message, duration_ms, context, ip_address, request_id, leaf_hash)
  select tenant_id::uuid, occurred_at, id::uuid, seq, occurred_at, 'key:bench', source, actor_id, 'user', event_type, 'order', object_id, result, message, duration_ms,
    context::jsonb, ip_address::inet, request_id, sha256('\\x00'::bytea || convert_to(
      '{"actor_id":"' || actor_id || '","actor_type":"user","context":' || context || ',"duration_ms":' || duration_ms || ',"event_type":"' || event_type
      || '","id":"' || id || '","ip_address":"' || ip_address || '","message":"' || message || '","object_id":"' || object_id
      || '","object_type":"order","occurred_at":"' || at || '","principal":"key:bench","received_at":"' || at || '","request_id":"' || request_id
      || '","result":"' || result || '","source":"' || source || '","tenant_id":"' || tenant_id || '","v":1}', 'UTF8'))
  from (
    select seq, occurred_at, to_char(occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, gen_random_uuid()::text as id,
      ($4::text[])[case when h1 % 10 < 8 then 1 when h1 % 10 = 8 then 2 else 3 end] as tenant_id,
      'user-' || h2 % 10000 as actor_id, 'order-' || h3 % 100000 as object_id,
      case when h4 % 50000 = 0 then 'user.locked'
        else (array['order.created', 'order.updated', 'order.cancelled', 'user.login', 'invoice.sent', 'config.updated'])[1 + h4 % 6] end as event_type,
      case when h5 % 10 = 0 then 'failure' when h5 % 10 = 1 then 'warning' else 'success' end as result,
      (array['checkout-service', 'billing', 'admin-console'])[1 + h5 / 16 % 3] as source,
      'order ' || h3 % 100000 || ' was changed by its owner after a call' as message, (h5 % 900)::integer as duration_ms,
      '10.' || h2 % 256 || '.' || h3 % 256 || '.7' as ip_address, 'req-' || to_hex(h1) as request_id,
      '{"amount":' || h4 % 100000 || ',"channel":"web","currency":"EUR","items":' || h5 % 9 || ',"note":"' || repeat('n', (20 + h1 % 60)::integer) || '"}' as context
    from (
      select $3::bigint + i as seq, $1::date::timestamptz + (i * (86400000.0 / $2::bigint))::bigint * interval '1 ms' - interval '1 ms' as occurred_at,
        hashint8extended($3::bigint + i, 1) & 268435455 as h1, hashint8extended($3::bigint + i, 2) & 268435455 as h2,
        hashint8extended($3::bigint + i, 3) & 268435455 as h3, hashint8extended($3::bigint + i, 4) & 268435455 as h4,
        hashint8extended($3::bigint + i, 5) & 268435455 as h5
      from generate_series(1, $2::bigint) as i
    ) as numbers
  ) as made
`;

import type pg from "pg";

/** Bytes of such an event's context: near the most that the door lets in, and nothing that compresses well. */
const contextBytes = 28_800;

/** Rows straight into the table, as the superuser, of today and each as heavy as events become. */
export async function seedWideEvents(admin: pg.Client, tenantId: string, count: number): Promise<void> {
  const now = new Date().toISOString();
  await admin.query("select audit_log.ensure_partitions($1::date - 1, $1::date)", [now.slice(0, 10)]);
  await admin.query(
    `insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, event_type, result, message, user_agent, context, leaf_hash)
    select $1, date_trunc('milliseconds', $2::timestamptz) - n * interval '1 ms', gen_random_uuid(), nextval('audit_log.event_seq'), $2, 'key:seed', 'order.wide',
      'success', repeat(md5(n::text), 250), repeat('u', 2000),
      jsonb_build_object('text', (select string_agg(md5(n::text || i), '') from generate_series(1, $4::int / 32) as i)), sha256(int8send(n))
    from generate_series(1, $3::bigint) as n`,
    [tenantId, now, count, contextBytes],
  );
}

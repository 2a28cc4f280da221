import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { TestDatabase } from "../support/database.ts";

/** The first moment of every old log here: long before the door's window. */
export const firstMs = Date.parse("2025-03-01T00:00:00.000Z");
const dayMs = 86_400_000;

export type OldLog = {
  /** What `import` is told to read. */
  readonly source: string;
  readonly rows: number;
  readonly args: readonly string[];
};

/** When the row at `index` of `rows` happened: all of them in ten days, in order, some in the same millisecond. */
export function timeOf(index: number, rows: number): Date {
  return new Date(firstMs + Math.floor(index / 3) * 3 * Math.floor(10 * dayMs / rows));
}

function uuidOf(index: number): string {
  const hex = createHash("sha256").update(`row ${index}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const results = ["success", "failure", "warning"] as const;

/** NDJSON as hand-written loggers leave it: no ids, times without milliseconds in other zones, columns of its own. */
export function ndjsonLog(folder: string, rows: number): OldLog {
  const lines = Array.from({ length: rows }, (_, index) =>
    JSON.stringify({
      timestamp: timeOf(index, rows).toISOString().replace("Z", index % 2 ? "456+00:00" : "Z"),
      operation_type: `Order.${index % 7}`,
      operator: index % 5 === 0 ? null : `user-${index % 100}@example.com`,
      result: results[index % 3]?.toUpperCase(),
      extra_info: { symbol: `S${index}`, nested: { "\u20ac": index } },
      line: index,
    }));
  const source = join(folder, `old-${rows}.ndjson`);
  writeFileSync(source, `${lines.join("\n")}\n`);
  return { source, rows, args: [] };
}

/** CSV as spreadsheets and `copy … to` leave it: quotation marks, line breaks in cells, times as Postgres prints them, ids that are numbers. */
export function csvLog(folder: string, rows: number): OldLog {
  const lines = Array.from({ length: rows }, (_, index) => {
    const at = timeOf(index, rows).toISOString().replace("T", " ").replace("Z", "789+00");
    return `${index},"${at}",order.paid,user-${index % 50},"said ""no"",\nthen yes ${index}","{""total"": ${index}.5}",12,10.0.0.${index % 250}`;
  });
  const source = join(folder, `old-${rows}.csv`);
  writeFileSync(source, `id,timestamp,event_type,actor_id,message,context,duration_ms,ip_address\r\n${lines.join("\r\n")}\r\n`);
  return { source, rows, args: [] };
}

/** CloudTrail files, 500 records each. */
export function cloudTrailLog(folder: string, rows: number): OldLog {
  const source = join(folder, `cloudtrail-${rows}`);
  mkdirSync(source);
  for (let start = 0; start < rows; start += 500) {
    const Records = Array.from({ length: Math.min(500, rows - start) }, (_, at) => {
      const index = start + at;
      return {
        eventID: uuidOf(index),
        eventTime: timeOf(index, rows).toISOString(),
        eventSource: "s3.amazonaws.com",
        eventName: "GetObject",
        userIdentity: { type: "IAMUser", arn: `arn:aws:iam::1:user/u${index % 20}` },
        sourceIPAddress: index % 4 === 0 ? "athena.amazonaws.com" : "192.0.2.7",
        requestParameters: { key: `k${index}` },
        ...index % 9 === 0 ? { errorCode: "AccessDenied", errorMessage: "no" } : {},
      };
    });
    writeFileSync(join(source, `part-${String(start).padStart(8, "0")}.json`), JSON.stringify({ Records }));
  }
  return { source, rows, args: [] };
}

/** The first seed's table, as its document has it. */
export async function jnetLog(database: TestDatabase, rows: number): Promise<OldLog> {
  await fill(
    database,
    rows,
    `
    create table public.audit_events (id uuid default gen_random_uuid() primary key, timestamp timestamptz default now() not null, source varchar(50) not null,
      operator varchar(255), operation_type varchar(100) not null, result varchar(20) not null, message text, extra_info jsonb);
    insert into public.audit_events (id, timestamp, source, operator, operation_type, result, message, extra_info)
    select md5('row ' || n)::uuid, ${timeSql}, 'api-service', 'user-' || n % 100 || '@example.com', 'stock_price_download', 'success', 'downloaded ' || n,
      jsonb_build_object('symbol', 'S' || n, 'records_count', n) from generate_series(0, $1 - 1) as n`,
  );
  return { source: database.url, rows, args: ["--table", "public.audit_events"] };
}

/** The second seed's table: its key fields, and the columns that its other promises need. */
export async function omsLog(database: TestDatabase, rows: number, tenantId: string): Promise<OldLog> {
  await fill(
    database,
    rows,
    `
    create type public.object_kind as enum ('ORDER', 'PRODUCT');
    create table public.audit_events (id uuid primary key, tenant_id uuid not null, actor_id uuid, actor_type text, object_type public.object_kind,
      object_id text, event_type text, context jsonb, ip_address inet, user_agent text, created_at timestamp not null, is_deleted boolean);
    insert into public.audit_events
    select md5('order event ' || n)::uuid, '${tenantId}', md5('actor ' || n % 9)::uuid, 'USER', 'ORDER', 'order-' || n, 'CREATE', jsonb_build_object('order_total', n),
      '192.168.1.1', 'agent', ${timeSql} at time zone 'UTC', n % 10 = 0 from generate_series(0, $1 - 1) as n`,
  );
  return { source: database.url, rows, args: ["--table", "public.audit_events"] };
}

/** supa_audit's table, as version 0.3 makes it. */
export async function supaAuditLog(database: TestDatabase, rows: number): Promise<OldLog> {
  await fill(
    database,
    rows,
    `
    create schema audit;
    create type audit.operation as enum ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE');
    create table audit.record_version (id bigserial primary key, record_id uuid, old_record_id uuid, op audit.operation not null, ts timestamptz not null default now(),
      table_oid oid not null, table_schema name not null, table_name name not null, record jsonb, old_record jsonb, auth_uid uuid, auth_role text);
    insert into audit.record_version (record_id, old_record_id, op, ts, table_oid, table_schema, table_name, record, old_record, auth_uid, auth_role)
    select md5('row ' || n / 2)::uuid, case when n % 2 = 1 then md5('row ' || n / 2)::uuid end, (array['INSERT', 'UPDATE'])[1 + n % 2]::audit.operation, ${timeSql}, 16400,
      'public', 'Order lines', jsonb_build_object('id', n, 'total', n * 1.5), case when n % 2 = 1 then jsonb_build_object('id', n) end,
      case when n % 3 = 0 then md5('u')::uuid end, 'authenticated' from generate_series(0, $1 - 1) as n`,
  );
  return { source: database.url, rows, args: ["--table", "audit.record_version"] };
}

/** As `timeOf`, and microseconds that must be cut. */
const timeSql = `(timestamptz '2025-03-01 00:00:00+00' + n / 3 * 3 * make_interval(secs => floor(864000000 / $1) / 1000.0) + interval '789 microseconds')`;

async function fill(database: TestDatabase, rows: number, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    await client.query(`begin; set local timezone = 'UTC'; drop view if exists public.audit_events; ${sql.replaceAll("$1", String(rows))}; analyze`);
    await client.query("grant usage on schema public to postgres; grant select on all tables in schema public to postgres");
    if (sql.includes("schema audit;")) await client.query("grant usage on schema audit to postgres; grant select on all tables in schema audit to postgres");
    await client.query("commit");
  } finally {
    await client.end();
  }
}

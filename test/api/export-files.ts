import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { unguardCell } from "../../core/format/csv.ts";

/** A row of an export as every format must agree on it: all values as text, absent ones null, context as parsed JSON. */
export type FileRow = Readonly<Record<string, unknown>>;

/** Rows of a CSV file as DuckDB reads it, with the guard against formulas taken off. */
export async function csvRows(bytes: Uint8Array): Promise<readonly FileRow[]> {
  const rows = await query(
    bytes,
    "csv",
    (path) =>
      `select * from read_csv('${path}', header = true, all_varchar = true, quote = '"', escape = '"', delim = ',', nullstr = '', max_line_size = 10000000, parallel = false)`,
  );
  return rows.map((row) => mapped(row, (value, column) => column === "context" ? JSON.parse(String(value)) : unguardCell(String(value))));
}

/** Rows of an NDJSON file, without its manifest, and the manifest. */
export function ndjsonRows(text: string): { readonly rows: readonly FileRow[]; readonly manifest: Readonly<Record<string, unknown>> | undefined } {
  const lines = text.trimEnd().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
  const last = lines.at(-1)?.["audit_events_export"];
  const rows = lines.slice(0, last === undefined ? undefined : -1);
  return {
    rows: rows.map((row) => mapped(row, (value, column) => column === "context" ? value : String(value))),
    manifest: last as Record<string, unknown> | undefined,
  };
}

const texts = [
  "principal",
  "source",
  "actor_id",
  "actor_type",
  "event_type",
  "object_type",
  "object_id",
  "result",
  "message",
  "context",
  "ip_address",
  "user_agent",
  "device_fingerprint",
  "request_id",
  "producer_id",
];

/** Rows of a Parquet file as DuckDB reads it by its types, and the manifest in its metadata. */
export async function parquetRows(bytes: Uint8Array): Promise<{ readonly rows: readonly FileRow[]; readonly manifest: Readonly<Record<string, unknown>> }> {
  const time = (column: string) => `strftime(${column} at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ') as ${column}`;
  const id = (column: string) => `${column}::varchar as ${column}`;
  // DuckDB's client takes a byte order mark at the beginning of a text for no part of it; a bar before it keeps it there.
  const kept = texts.map((column) => `'|' || ${column}::varchar as ${column}`);
  const replaced = [...kept, time("occurred_at"), time("received_at"), id("tenant_id"), id("id"), "lower(hex(leaf_hash)) as leaf_hash"].join(", ");
  const rows = await query(bytes, "parquet", (path) => `select * replace (${replaced}) from '${path}'`);
  const [metadata] = await query(
    bytes,
    "parquet",
    (path) => `select decode(value) as manifest from parquet_kv_metadata('${path}') where decode(key) = 'audit_events_export'`,
  );
  const textOf = (value: unknown, column: string) => String(value).slice(texts.includes(column) ? 1 : 0);
  return {
    rows: rows.map((row) => mapped(row, (value, column) => column === "context" ? JSON.parse(textOf(value, column)) : textOf(value, column))),
    manifest: JSON.parse(String(metadata?.["manifest"])) as Record<string, unknown>,
  };
}

/** What DuckDB makes of a file of `bytes`. */
export async function query(bytes: Uint8Array, ending: string, sql: (path: string) => string): Promise<readonly FileRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-export-"));
  const path = join(folder, `file.${ending}`);
  writeFileSync(path, bytes);
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    await connection.run("set timezone = 'UTC'");
    return (await connection.runAndReadAll(sql(path))).getRowObjectsJS() as FileRow[];
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true });
  }
}

/** Absent and null are one thing, and columns stand in one order. */
function mapped(row: FileRow, valueOf: (value: unknown, column: string) => unknown): FileRow {
  const present = Object.entries(row).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(present.map(([column, value]) => [column, valueOf(value, column)] as const).sort(([a], [b]) => a < b ? -1 : 1));
}

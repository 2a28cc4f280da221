import { canonicalJson } from "./canonical-json.ts";
import type { ExportRow } from "./export-row.ts";
import type { ParquetColumn } from "./parquet.ts";
import { uuidBytes } from "./uuid-bytes.ts";
import { parquetColumn } from "./parquet.ts";

/**
 * Events as a table for DuckDB, Trino, Spark and pandas: UUIDs, UTC timestamps in milliseconds, numbers and JSON have their own types; absent fields
 * are null. `leaf_hash` is 32 bytes, `log_index` the event's place in the tenant's tree.
 */
export const parquetEventColumns: readonly ParquetColumn<ExportRow>[] = [
  parquetColumn("tenant_id", "UUID", ({ event }) => sameBytesOf(event.tenant_id), true),
  timeColumn("occurred_at", ({ event }) => event.occurred_at),
  { ...parquetColumn<ExportRow>("id", "UUID", ({ event }) => uuidBytes(event.id), true), isUnique: true },
  timeColumn("received_at", ({ event }) => event.received_at),
  parquetColumn("principal", "STRING", ({ event }) => event.principal, true),
  parquetColumn("source", "STRING", ({ event }) => event.source),
  parquetColumn("actor_id", "STRING", ({ event }) => event.actor_id),
  parquetColumn("actor_type", "STRING", ({ event }) => event.actor_type),
  parquetColumn("event_type", "STRING", ({ event }) => event.event_type, true),
  parquetColumn("object_type", "STRING", ({ event }) => event.object_type),
  parquetColumn("object_id", "STRING", ({ event }) => event.object_id),
  parquetColumn("result", "STRING", ({ event }) => event.result, true),
  parquetColumn("message", "STRING", ({ event }) => event.message),
  parquetColumn("duration_ms", "INT32", ({ event }) => event.duration_ms),
  jsonColumn("context", ({ event }) => event.context === undefined ? undefined : canonicalJson(event.context)),
  parquetColumn("ip_address", "STRING", ({ event }) => event.ip_address),
  parquetColumn("user_agent", "STRING", ({ event }) => event.user_agent),
  parquetColumn("device_fingerprint", "STRING", ({ event }) => event.device_fingerprint),
  parquetColumn("request_id", "STRING", ({ event }) => event.request_id),
  parquetColumn("producer_id", "STRING", ({ event }) => event.producer_id),
  parquetColumn("producer_seq", "INT64", ({ event }) => bigint(event.producer_seq)),
  hashColumn("leaf_hash", ({ leafHash }) => leafHash),
  parquetColumn("log_index", "INT64", ({ logIndex }) => bigint(logIndex)),
];

/** Text that is JSON already: it is written as it is. */
export function jsonColumn<Row>(name: string, valueOf: (row: Row) => string | undefined): ParquetColumn<Row> {
  const element = { name, type: "BYTE_ARRAY", logical_type: { type: "JSON" }, repetition_type: "OPTIONAL" } as const;
  return { name, element, valueOf: (row) => encoded(valueOf(row)) };
}

/** A moment in UTC, in milliseconds, in every row. */
export function timeColumn<Row>(name: string, valueOf: (row: Row) => string): ParquetColumn<Row> {
  const logicalType = { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" } as const;
  const element = { name, type: "INT64", logical_type: logicalType, repetition_type: "REQUIRED" } as const;
  return { name, element, valueOf: (row) => BigInt(Date.parse(valueOf(row))) };
}

/** 32 bytes in every row. */
export function hashColumn<Row>(name: string, valueOf: (row: Row) => Uint8Array): ParquetColumn<Row> {
  return { name, element: { name, type: "FIXED_LEN_BYTE_ARRAY", type_length: 32, repetition_type: "REQUIRED" }, valueOf, isUnique: true };
}

let last: { readonly uuid: string; readonly bytes: Uint8Array } | undefined;

/** For a column in which one UUID stands in row after row. */
function sameBytesOf(uuid: string): Uint8Array {
  if (last?.uuid !== uuid) last = { uuid, bytes: uuidBytes(uuid) };
  return last.bytes;
}

const encoder = new TextEncoder();

function encoded(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : encoder.encode(text);
}

function bigint(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

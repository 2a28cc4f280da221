import type { ArchiveFileName, ArchiveRow } from "./archive-file.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { createParquetFile, type ParquetColumn, parquetColumn } from "./format/parquet.ts";
import { jsonColumn, parquetEventColumns } from "./format/parquet-events.ts";
import { limits } from "./limits.ts";

/** Name under which a file says what it is, in Parquet's key-value metadata. */
export const archiveMetadataKey = "audit_events_archive";

const columns: readonly ParquetColumn<ArchiveRow>[] = [
  ...parquetEventColumns.filter(({ name }) => name !== "log_index").map((column) => column.name === "context" ? contextColumn() : column),
  parquetColumn("log_index", "INT64", ({ logIndex }) => BigInt(logIndex), true),
  { ...jsonColumn<ArchiveRow>("leaf", ({ leaf }) => leaf), isUnique: true },
];

/** The context that was made into the leaf is not made into JSON a second time. */
function contextColumn(): ParquetColumn<ArchiveRow> {
  return jsonColumn("context", ({ event, contextJson }) => contextJson ?? (event.context === undefined ? undefined : canonicalJson(event.context)));
}

/** Columns of an archive's file, docs/format/archive.md. */
export const archiveColumnNames: readonly string[] = columns.map(({ name }) => name);

/**
 * An event as a file holds it, in the order of `archiveColumnNames`: texts and JSON in UTF-8, UUIDs and hashes as their bytes, times in milliseconds since 1970,
 * whole numbers of 64 bits as such. Whoever has bytes already makes no strings of them for the writer, which would make bytes of those again.
 */
export type RowToArchive = { readonly values: readonly (Uint8Array | bigint | number | undefined)[]; readonly logIndex: number };

const encoder = new TextEncoder();

export function rowToArchive(row: ArchiveRow): RowToArchive {
  const values = columns.map(({ valueOf }) => valueOf(row)).map((value) => typeof value === "string" ? encoder.encode(value) : value);
  return { values: values as RowToArchive["values"], logIndex: row.logIndex };
}

const writtenColumns = columns.map((column, index): ParquetColumn<RowToArchive> => ({ ...column, valueOf: ({ values }) => values[index] }));

/** A file in the making. The same rows give the same bytes. */
export type ArchiveFileWriter = {
  /** Writes one row group; all rows of a file stand in order of (occurred_at, id). */
  writeGroup(rows: readonly RowToArchive[]): Promise<void>;
  /** The bytes of the file. */
  finish(): Promise<Uint8Array<ArrayBuffer>>;
};

export function createArchiveFile({ tenantId, day, part }: ArchiveFileName): ArchiveFileWriter {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const file = createParquetFile(writtenColumns, (bytes) => void chunks.push(bytes));
  return {
    writeGroup: (rows) => file.writeGroup(rows),
    finish: async () => {
      await file.finish({ [archiveMetadataKey]: canonicalJson({ v: 1, tenant_id: tenantId, date: day, part }) });
      const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      let at = 0;
      for (const chunk of chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      return bytes;
    },
  };
}

/** The bytes of a file with `rows`, in groups of `limits.archiveRowGroupRows`. */
export async function writeArchiveFile(name: ArchiveFileName, rows: readonly ArchiveRow[]): Promise<Uint8Array<ArrayBuffer>> {
  const file = createArchiveFile(name);
  for (let at = 0; at < rows.length; at += limits.archiveRowGroupRows) {
    await file.writeGroup(rows.slice(at, at + limits.archiveRowGroupRows).map(rowToArchive));
  }
  return await file.finish();
}

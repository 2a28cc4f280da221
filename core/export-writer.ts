import type { Json } from "./event.ts";
import { csvHeader, csvRows } from "./format/csv.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import type { ExportRow } from "./format/export-row.ts";
import { toHex } from "./format/hex.ts";
import { createParquetFile } from "./format/parquet.ts";
import { parquetEventColumns } from "./format/parquet-events.ts";
import { limits } from "./limits.ts";
import type { ExportFormat } from "./query-parameters.ts";

/** What an export says of itself at its end, so that a file that was cut cannot pass for a whole one. */
export type ExportManifest = { readonly [key: string]: Json };

/** Rows become the bytes of a file. Every call returns what can be sent. */
export type ExportWriter = {
  readonly contentType: string;
  write(rows: readonly ExportRow[]): Promise<readonly Uint8Array<ArrayBuffer>[]>;
  finish(manifest: ExportManifest): Promise<readonly Uint8Array<ArrayBuffer>[]>;
  /** What the rows weigh that were written so far: bytes before compression, near enough. */
  weightBytes(): number;
};

/** Name of the manifest: a key of the last NDJSON line, and of the Parquet file's metadata. CSV has no place for it. */
const manifestKey = "audit_events_export";

export function createExportWriter(format: ExportFormat): ExportWriter {
  return format === "csv" ? csvWriter() : format === "ndjson" ? ndjsonWriter() : parquetWriter();
}

const encoder = new TextEncoder();

function csvWriter(): ExportWriter {
  let header = csvHeader();
  const take = () => {
    const first = header;
    header = "";
    return first;
  };
  let weight = 0;
  return {
    contentType: "text/csv; charset=utf-8; header=present",
    write: (rows) => {
      const bytes = encoder.encode(take() + csvRows(rows));
      weight += bytes.length;
      return Promise.resolve([bytes]);
    },
    finish: () => Promise.resolve([encoder.encode(take())]),
    weightBytes: () => weight,
  };
}

function ndjsonWriter(): ExportWriter {
  let weight = 0;
  return {
    contentType: "application/x-ndjson",
    write: (rows) => {
      const bytes = encoder.encode(rows.map(ndjsonLine).join(""));
      weight += bytes.length;
      return Promise.resolve([bytes]);
    },
    finish: (manifest) => Promise.resolve([encoder.encode(`${canonicalJson({ [manifestKey]: manifest })}\n`)]),
    weightBytes: () => weight,
  };
}

function ndjsonLine({ event, leafHash, logIndex }: ExportRow): string {
  return `${JSON.stringify({ ...event, leaf_hash: toHex(leafHash), ...logIndex === undefined ? {} : { log_index: logIndex } })}\n`;
}

/** Row groups are bounded by rows and by bytes: 5,000 events of 64 kB would not fit into the memory of an Edge Function. */
function parquetWriter(): ExportWriter {
  let ready: Uint8Array<ArrayBuffer>[] = [];
  let waiting: ExportRow[] = [];
  let waitingBytes = 0;
  let weight = 0;
  const file = createParquetFile(parquetEventColumns, (bytes) => void ready.push(bytes));
  const writeGroup = async () => {
    await file.writeGroup(waiting);
    waiting = [];
    waitingBytes = 0;
  };
  const taken = () => {
    const chunks = ready;
    ready = [];
    return chunks;
  };
  return {
    contentType: "application/vnd.apache.parquet",
    write: async (rows) => {
      for (const row of rows) {
        waiting.push(row);
        const bytes = roughBytes(row);
        waitingBytes += bytes;
        weight += bytes;
        if (waiting.length >= limits.exportRowGroupRows || waitingBytes >= limits.exportRowGroupBytes) await writeGroup();
      }
      return taken();
    },
    finish: async (manifest) => {
      await writeGroup();
      await file.finish({ [manifestKey]: canonicalJson(manifest) });
      return taken();
    },
    weightBytes: () => weight,
  };
}

/** What a row weighs in memory, near enough: its long fields and a constant for the rest. */
function roughBytes({ event }: ExportRow): number {
  const context = event.context === undefined ? 0 : JSON.stringify(event.context).length;
  return 500 + context + (event.message?.length ?? 0) + (event.user_agent?.length ?? 0);
}

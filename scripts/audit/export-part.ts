import { createHash } from "node:crypto";
import type { ExportFormat, ExportPart, QueryClient } from "../../sdk/src/query.ts";
import type { ExportSink } from "./export-files.ts";
import { CommandError } from "./failure.ts";

/** What a part turned out to be on our side. */
export type WrittenPart = { readonly fileSha256: string };

/** The same after the log has confirmed it. */
export type PartReport = WrittenPart & { readonly rows: number; readonly rowsSha256: string; readonly recordId: string };

export type PartSink = { readonly isFirst: boolean; readonly write: ExportSink["write"]; readonly onBytes: (count: number) => void };

/** Writes the bytes of a part and hashes them as they came: a later part's CSV header is hashed, but not written a second time. */
export async function writePart(part: ExportPart, format: ExportFormat, sink: PartSink): Promise<WrittenPart> {
  const hash = createHash("sha256");
  let inHeader = format === "csv" && !sink.isFirst;
  for await (const chunk of part.bytes) {
    hash.update(chunk);
    sink.onBytes(chunk.length);
    const start = inHeader ? chunk.indexOf(0x0a) + 1 : 0;
    if (inHeader && start === 0) continue;
    inHeader = false;
    await sink.write(chunk.subarray(start));
  }
  return { fileSha256: hash.digest("hex") };
}

/** The record is committed before the last bytes are sent; reads may still come from a replica that is behind. */
const recordWaitsMs = [0, 250, 500, 1000, 2000, 4000];

/**
 * Compares a part with the event `audit.events.exported` that the log holds of it, found by the SHA-256 of its bytes. A file that was cut or changed on
 * its way has no such record: throws `not_whole`. CSV says nothing about itself, so this is the one check that holds for every format.
 */
export async function checkPart(client: QueryClient, part: ExportPart, written: WrittenPart, signal: AbortSignal): Promise<PartReport> {
  if (part.sha256 !== undefined && part.sha256 !== written.fileSha256) throw notWhole("its bytes are not those that the service hashed");
  for (const ms of recordWaitsMs) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    const { events: [record] } = await client.events.list({ event_type: "audit.events.exported", q: `context.file_sha256:${written.fileSha256}` }, {
      limit: 1,
      signal,
    });
    if (record === undefined) continue;
    const { rows, rows_sha256: rowsSha256 } = record.context as { readonly rows: number; readonly rows_sha256: string };
    if (part.rows !== undefined && part.rows !== rows) throw notWhole("its number of rows is not the one on record");
    return { ...written, rows, rowsSha256, recordId: record.id };
  }
  throw notWhole("the log holds no record of an export with these bytes");
}

function notWhole(reason: string): CommandError {
  return new CommandError("not_whole", `check export: ${reason}`, "run the same command again, and use nothing of this run");
}

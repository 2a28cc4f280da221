import type { Access, AccessRecorder, Reader } from "./access-record.ts";
import { AuditError } from "./errors.ts";
import type { Json } from "./event.ts";
import type { ExportManifest, ExportWriter } from "./export-writer.ts";
import type { ExportRow } from "./format/export-row.ts";
import type { Cursor, CursorCodec } from "./format/cursor.ts";
import { toHex } from "./format/hex.ts";
import { formatTimestamp } from "./format/timestamp.ts";
import { limits } from "./limits.ts";
import type { Filter, Order, Position } from "./query-filter.ts";
import type { ExportFormat } from "./query-parameters.ts";
import type { EventReader, Page, StoredEvent } from "./query-store.ts";

/** SHA-256 over bytes that come in pieces. */
export type RunningHash = { update(bytes: Uint8Array): void; digest(): Uint8Array };

/** How much one call may hand out; the rest follows by cursor. */
export type ExportBounds = { readonly rowsMax: number; readonly bytesMax: number; readonly ms: number };

export type ExportParts = {
  readonly reader: EventReader;
  readonly recorder: AccessRecorder;
  readonly cursors: CursorCodec;
  readonly createHash: () => RunningHash;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
};

export type ExportRequest = {
  readonly who: Reader;
  readonly filter: Filter;
  /** The question as JSON and its binding: what is recorded, and what cursors are bound to. */
  readonly question: Json;
  readonly binding: string;
  readonly order: Order;
  readonly format: ExportFormat;
  readonly writer: ExportWriter;
  /** Where an earlier part ended, and the bound that it began with. */
  readonly resume: Pick<Cursor, "position" | "receivedMax" | "sliceMs"> | undefined;
  readonly bounds: ExportBounds | undefined;
};

/** What an export turned out to be. `rowsSha256` is of the leaf hashes in the file's order: the same for every format. */
export type ExportOutcome = {
  readonly rows: number;
  readonly rowsSha256: string;
  readonly fileSha256: string;
  readonly complete: boolean;
  readonly nextCursor: string | undefined;
  readonly recordId: string;
};

/**
 * The bytes of an export, page by page, with memory that does not grow; the last piece is handed out only once the export is on record, with its rows
 * and hashes. What was acknowledged before it began is in it, what is inserted later is not. Throws `not_recorded` before the first byte when the log
 * takes no record. Whoever stops reading leaves a record of what they got. Returns the outcome after the last piece.
 */
export async function* exportEvents(parts: ExportParts, request: ExportRequest): AsyncGenerator<Uint8Array<ArrayBuffer>, ExportOutcome> {
  const { who, filter, writer } = request;
  const treeSize = await parts.reader.treeSize(who.caller.claims, who.tenantId);
  const receivedMax = request.resume?.receivedMax ?? formatTimestamp(parts.now().getTime() + limits.exportClockSkewMs);
  const record = parts.recorder.nextKey();
  const began = { format: request.format, question: request.question, from: filter.from, to: filter.to, order: request.order };
  const started = await parts.recorder.record("audit.events.export_started", who, accessOf(request, { ...began, export_id: record.id }));

  const tally = createTally(parts.createHash);
  let held: Uint8Array<ArrayBuffer> | undefined;
  let isRecorded = false;
  try {
    const walk = walkPages(parts, request, receivedMax, tally);
    let end: Position | undefined;
    let sliceMs: number | undefined;
    for await (const page of walk) {
      // Not the record of this very export: it would make two exports of the same events differ.
      const events = page.events.filter(({ event }) => event.id !== started.id);
      for (const chunk of await writer.write(await withLogIndexes(parts, who, events, tally))) {
        tally.bytes(chunk);
        if (held !== undefined) yield held;
        held = chunk;
      }
      end = page.next;
      sliceMs = page.sliceMs;
    }
    const cursor = end &&
      {
        binding: request.binding,
        from: filter.from,
        to: filter.to,
        order: request.order,
        position: end,
        receivedMax,
        ...sliceMs === undefined ? {} : { sliceMs },
      };
    const nextCursor = cursor && parts.cursors.write(cursor, parts.now());
    const summary = { ...began, rows: tally.rows(), rows_sha256: tally.rowsSha256(), complete: end === undefined, tree_size: treeSize };
    const last = await writer.finish(manifestOf(request, summary, nextCursor, record));
    for (const chunk of last) tally.bytes(chunk);
    const fileSha256 = tally.fileSha256();
    await parts.recorder.record(
      "audit.events.exported",
      who,
      accessOf(request, { ...summary, bytes: tally.size(), file_sha256: fileSha256 }),
      "success",
      record,
    );
    isRecorded = true;
    if (held !== undefined) yield held;
    for (const chunk of last) yield chunk;
    return { rows: tally.rows(), rowsSha256: summary.rows_sha256, fileSha256, complete: summary.complete, nextCursor, recordId: record.id };
  } finally {
    if (!isRecorded) {
      // Cut short, by a fault or by whoever was reading: what may have been seen is recorded as far as it went.
      const cut = accessOf(request, { ...began, rows: tally.rows(), rows_sha256: tally.rowsSha256(), complete: false, tree_size: treeSize });
      await parts.recorder.record("audit.events.exported", who, cut, "failure", record).catch(() => undefined);
    }
  }
}

/** Pages up to the end of the filter or of the bounds. A page that runs out of time is continued; one that comes nowhere, again and again, is a fault. */
async function* walkPages(parts: ExportParts, request: ExportRequest, receivedMax: string, tally: Tally): AsyncGenerator<Page> {
  const { bounds, filter, order, who, writer } = request;
  const endsAt = bounds === undefined ? Infinity : parts.elapsedMs() + bounds.ms;
  let after = request.resume?.position;
  let sliceMs = request.resume?.sliceMs;
  let standstills = 0;
  let pageRows = pageRowsFor(limits.leafBytesMax);
  for (;;) {
    const limit = Math.min(pageRows, (bounds?.rowsMax ?? Infinity) - tally.rows());
    const weight = writer.weightBytes();
    const page = await parts.reader.page(who.caller.claims, { filter, order, limit, after, sliceMs, receivedMax });
    standstills = page.partial && page.events.length === 0 && page.next?.occurredAt === after?.occurredAt ? standstills + 1 : 0;
    if (standstills > limits.exportStandstillsMax) {
      throw new AuditError("unavailable", "export events: the database is too slow to come anywhere; narrow the filter", { retryAfterSeconds: 30 });
    }
    yield page;
    if (page.next === undefined) return;
    if (bounds !== undefined && (tally.rows() >= bounds.rowsMax || writer.weightBytes() >= bounds.bytesMax || parts.elapsedMs() >= endsAt)) return;
    if (page.events.length > 0) pageRows = pageRowsFor((writer.weightBytes() - weight) / page.events.length);
    after = page.next;
    sliceMs = page.partial ? page.sliceMs : undefined;
  }
}

/** How many rows to ask for when one weighs so much: the first page allows for the heaviest, each further one takes after the page before it. */
function pageRowsFor(rowBytes: number): number {
  return Math.max(1, Math.min(limits.exportPageRows, Math.floor(limits.exportPageBytes / rowBytes)));
}

async function withLogIndexes(parts: ExportParts, who: Reader, events: readonly StoredEvent[], tally: Tally): Promise<readonly ExportRow[]> {
  if (events.length === 0) return [];
  const hot = events.filter(({ logIndex }) => logIndex === undefined).map(({ event }) => event);
  const indexes = hot.length === 0 ? [] : await parts.reader.leafIndexes(who.caller.claims, who.tenantId, hot);
  const indexOf = new Map(hot.map((event, place) => [event, indexes[place]]));
  return events.map(({ event, leafHash, logIndex }) => {
    tally.row(leafHash);
    return { event, leafHash, logIndex: logIndex ?? indexOf.get(event) };
  });
}

type Tally = ReturnType<typeof createTally>;

/** Counts and hashes what goes out. */
function createTally(createHash: () => RunningHash) {
  const rowsHash = createHash();
  const fileHash = createHash();
  let rows = 0;
  let size = 0;
  let rowsSha256: string | undefined;
  return {
    row: (leafHash: Uint8Array) => {
      rows++;
      rowsHash.update(leafHash);
    },
    bytes: (chunk: Uint8Array) => {
      size += chunk.length;
      fileHash.update(chunk);
    },
    rows: () => rows,
    size: () => size,
    rowsSha256: () => rowsSha256 ??= toHex(rowsHash.digest()),
    fileSha256: () => toHex(fileHash.digest()),
  };
}

function accessOf(request: ExportRequest, detail: { readonly [key: string]: Json }): Access {
  return { objectType: "audit.filter", subject: request.binding, detail };
}

function manifestOf(
  request: ExportRequest,
  summary: ExportManifest,
  nextCursor: string | undefined,
  record: { readonly id: string; readonly occurredAt: string },
): ExportManifest {
  return {
    version: 1,
    tenant_id: request.who.tenantId,
    exported_by: request.who.caller.principal,
    record: { id: record.id, occurred_at: record.occurredAt },
    ...summary,
    ...nextCursor === undefined ? {} : { next_cursor: nextCursor },
  };
}

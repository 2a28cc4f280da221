import { Hono } from "hono";
import type { ExportOutcome, ExportRequest } from "../../core/export.ts";
import { exportEvents } from "../../core/export.ts";
import { createExportWriter } from "../../core/export-writer.ts";
import { faultRecord } from "../../core/fault-record.ts";
import { limits } from "../../core/limits.ts";
import { filterOf, questionBinding, questionJson, questionOf } from "../../core/query.ts";
import { exportParameters } from "../../core/query-parameters.ts";
import { z } from "zod";
import { readerOf, requireAdminFor, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { archiveFault, operation } from "../operation.ts";
import { query } from "../validate.ts";
import { nextLink, orderOf } from "./events.ts";

const description = `Every event that the filter asks for, without a cap, as CSV, NDJSON or Parquet. The export is itself recorded: its last bytes are
sent once an event audit.events.exported holds its rows and their SHA-256. NDJSON ends with a line that holds only audit_events_export, Parquet has it in the
file's metadata: a file without it was cut. As an Edge Function one call hands out a part; Audit-Export-Complete is then false and Link leads on.`;

const files = { "text/csv": z.string(), "application/x-ndjson": z.string(), "application/vnd.apache.parquet": z.string().meta({ format: "binary" }) };

/** `GET /events/export`. */
export function exportRoutes(parts: ApiParts) {
  const reader = readerOf(parts);
  return new Hono<ApiEnv>().get(
    "/events/export",
    operation("Export events", files, { description, refusals: archiveFault, sends: { 200: ["Content-Disposition", "Link", ...partHeaders] } }),
    requireScope(parts.authenticate, "export"),
    query(exportParameters),
    async (context) => {
      const parameters = context.req.valid("query");
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, parameters.tenant_id);
      requireAdminFor(caller, parameters.include_deleted);
      const question = questionOf(parameters, tenantId);
      const binding = questionBinding(question, parts.sha256);
      const now = parts.now();
      const cursor = parameters.cursor === undefined ? undefined : parts.cursors.read(parameters.cursor, binding, now);
      const asked = filterOf(question, now, parts.settings.eventMaxAheadMinutes);
      const filter = cursor === undefined ? asked : { ...asked, from: cursor.from, to: cursor.to };
      const format = parameters.format ?? "csv";
      const writer = createExportWriter(format);
      const request: ExportRequest = {
        who: reader(context, tenantId),
        filter,
        question: questionJson(question),
        binding,
        order: orderOf(parameters.order, cursor),
        format,
        writer,
        resume: cursor,
        bounds: parts.exportBounds,
      };
      const headers = new Headers({
        "content-type": writer.contentType,
        "content-disposition": `attachment; filename="${fileName(filter.from, filter.to, format)}"`,
      });
      // Whoever asks for the head alone takes nothing away: nothing to read, nothing to record.
      if (context.req.raw.method === "HEAD") return new Response(null, { headers });
      const place = await parts.exportRoom.enter(tenantId, context.req.raw.signal);
      const chunks = inPlace(place, exportEvents(parts, request));
      if (parts.exportBounds === undefined) {
        // The first step records that an export begins: whatever fails there is still an answer, not a file that breaks off.
        const first = await chunks.next();
        return new Response(streamOf(first, chunks, parts, context.get("requestId")), { headers });
      }
      const { body, outcome } = await gather(chunks);
      for (const [name, value] of Object.entries(outcomeHeaders(outcome))) headers.set(name, value);
      if (outcome.nextCursor !== undefined) headers.set("link", nextLink(context.req.url, outcome.nextCursor));
      return new Response(body, { headers });
    },
  );
}

/** What CSV has no place for; a whole file has it in itself, as far as its format can. */
const partHeaders = ["Audit-Export-Rows", "Audit-Export-Complete", "Audit-Export-Sha256", "Audit-Export-Record"] as const;

type Chunk = Uint8Array<ArrayBuffer>;
type Chunks = AsyncGenerator<Chunk, ExportOutcome>;

/** `chunks`, after whose end the place is free. They must be begun: a generator that was not has no end. */
async function* inPlace(place: { readonly leave: () => void }, chunks: Chunks): Chunks {
  try {
    return yield* chunks;
  } finally {
    place.leave();
  }
}

/**
 * Hands out chunks as fast as they are taken and no faster. A fault breaks the connection off: an answer that has begun cannot become another. So does a
 * client that takes nothing more and does not go away either: others wait for its place.
 */
function streamOf(first: IteratorResult<Chunk, ExportOutcome>, chunks: Chunks, parts: ApiParts, requestId: string): ReadableStream<Chunk> {
  let waiting: IteratorResult<Chunk, ExportOutcome> | undefined = first;
  let isGone = false;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  // The generator's own ending records how far the reader came.
  const leave = async () => {
    isGone = true;
    clearTimeout(stalled);
    await chunks.return(undefined as never);
  };
  const giveUp = (controller: ReadableStreamDefaultController<Chunk>) => {
    parts.log({ level: "warn", event: "export.stalled", request_id: requestId });
    controller.error(new Error("export events: the client takes no more of it"));
    const left = leave().catch(() => undefined);
    parts.waitUntil?.(left);
  };
  return new ReadableStream<Chunk>({
    pull: async (controller) => {
      clearTimeout(stalled);
      try {
        const step: IteratorResult<Chunk, ExportOutcome> = waiting ?? await chunks.next();
        waiting = undefined;
        // The reader went away while the chunk was made: there is nobody to hand it to, and nothing is broken.
        if (isGone) return;
        if (step.done) return controller.close();
        controller.enqueue(step.value);
        stalled = setTimeout(giveUp, limits.exportStallMs, controller);
      } catch (error) {
        parts.log({ level: "error", event: "export.broken_off", request_id: requestId, ...faultRecord(error) });
        controller.error(new Error("export events: broken off"));
      }
    },
    cancel: leave,
  }, { highWaterMark: 0 });
}

/** A bounded part as a whole: CSV has no place for a manifest, so what is known at the end goes into headers. */
async function gather(chunks: Chunks): Promise<{ readonly body: Blob; readonly outcome: ExportOutcome }> {
  const pieces: Chunk[] = [];
  for (;;) {
    const step = await chunks.next();
    if (step.done) return { body: new Blob(pieces), outcome: step.value };
    pieces.push(step.value);
  }
}

function outcomeHeaders({ rows, complete, fileSha256, recordId }: ExportOutcome): Record<string, string> {
  return {
    "audit-export-rows": String(rows),
    "audit-export-complete": String(complete),
    "audit-export-sha256": fileSha256,
    "audit-export-record": recordId,
  };
}

function fileName(from: string, to: string, format: string): string {
  return `audit-events-${from.slice(0, 10)}-${to.slice(0, 10)}.${format}`;
}

import { type BackgroundParts, backgroundStore } from "./background-store.ts";
import { bodyRoom, type Lease } from "./body-room.ts";
import { corsHeaders, preflight } from "./cors.ts";
import { AuditError, problemResponse } from "./errors.ts";
import { faultRecord } from "./fault-record.ts";
import { type IngestLimits, type IngestParts, prepare, store } from "./ingest.ts";
import { type Answer, type AnswerFrame, answerOf, asyncAnswerOf, timingOf } from "./ingest-answer.ts";
import { type IngestRequest, ingestRequestReader, type ReadingParts } from "./ingest-request.ts";
import type { PreparedBatch } from "./batch.ts";
import { limits } from "./limits.ts";
import { preferenceApplied, type Preferences } from "./prefer.ts";
import { requestIdOf } from "./request-id.ts";

/** What both doors need; `settings` as `readSettings` gives them. */
export type IngestHandlerParts = Omit<IngestParts, "settings"> & Omit<ReadingParts, "settings"> & BackgroundParts & {
  readonly settings: IngestLimits & ReadingParts["settings"] & { readonly allowedOrigins: "*" | readonly string[] };
};

/** Which way batches come in: how the answer calls it, and how many events it takes at once. */
export type Door = { readonly method: "edge" | "api"; readonly eventsMax: number };

const methods = ["POST", "OPTIONS"] as const;

/** The one handler behind both doors: a request becomes a batch, the batch is stored, the answer gives a verdict per event. It never throws. */
export function createIngestHandler(parts: IngestHandlerParts, door: Door): (request: Request) => Promise<Response> {
  const { allowedOrigins } = parts.settings;
  const read = ingestRequestReader(parts, door.eventsMax);
  const startInBackground = backgroundStore(parts);
  const room = bodyRoom({
    heldBytesMax: limits.bodiesHeldBytesMax,
    atWorkBytesMax: limits.bodiesAtWorkBytesMax,
    perRequestBytes: limits.requestBytes,
    waitMs: limits.bodyTurnWaitMs,
    slowMs: limits.bodySlowMs,
  });

  return async (request) => {
    if (request.method === "OPTIONS") return preflight(request, allowedOrigins, methods);
    const startedMs = parts.elapsedMs();
    const requestId = requestIdOf(request, parts.randomBytes);
    const headers = { ...corsHeaders(request.headers.get("origin"), allowedOrigins), "cache-control": "no-store" };
    const about = { event: "ingest", request_id: requestId, door: door.method };
    const lease = room.open();
    let isStillAtWork = false;
    try {
      if (request.method !== "POST") throw new AuditError("method_not_allowed", "ingest events: the method must be POST");
      const asked = await read(request, lease);
      const { answer, applied, prepared } = await serve(asked, lease, requestId, startedMs);
      isStillAtWork = applied.respondAsync;
      parts.log({ level: "info", ...about, status: answer.status, bytes: asked.bodyBytes, ...tenantsOf(prepared), ...countsOf(answer) });
      return responseOf(answer, applied, requestId, { ...headers, ...asked.ticket?.headers() });
    } catch (error) {
      // The rest of a refused body is not wanted. Cancelling it fails when it is being read or has been: that changes nothing.
      request.body?.cancel().catch(() => undefined);
      const response = refusalOf(error, requestId, headers);
      const totalMs = Math.round((parts.elapsedMs() - startedMs) * 100) / 100;
      parts.log({ level: response.status >= 500 ? "error" : "warn", ...about, status: response.status, total_ms: totalMs, ...faultRecord(error) });
      return response;
    } finally {
      if (!isStillAtWork) lease.release();
    }
  };

  async function serve(asked: IngestRequest, lease: Lease, requestId: string, startedMs: number): Promise<Served> {
    const { batch, idempotency, preferences } = asked;
    const frame = (batchNow: PreparedBatch, insertMs: number): AnswerFrame => ({
      method: door.method,
      principal: batch.caller.principal,
      requestId,
      minimal: preferences.minimal,
      timing: timingOf(parts.elapsedMs() - startedMs, asked.parseMs, batchNow, insertMs),
    });
    const prepared = prepare(batch, idempotency, parts);
    const about = { request_id: requestId, principal: batch.caller.principal, events: batch.events.length };
    const work = () => store(batch, prepared, idempotency, parts).then(({ verdicts }) => verdicts).finally(lease.release);
    if (preferences.respondAsync && maySucceed(prepared, batch.strict) && startInBackground(work, about)) {
      return { answer: asyncAnswerOf(prepared, idempotency !== undefined, frame(prepared, 0)), applied: preferences, prepared };
    }
    const ingested = await store(batch, prepared, idempotency, parts);
    const answer = answerOf(ingested.prepared, ingested.verdicts, frame(ingested.prepared, ingested.insertMs));
    return { answer, applied: { ...preferences, respondAsync: false }, prepared };
  }
}

function refusalOf(error: unknown, requestId: string, headers: Record<string, string>): Response {
  const isWrongMethod = error instanceof AuditError && error.code === "method_not_allowed";
  return problemResponse(error, requestId, isWrongMethod ? { ...headers, allow: methods.join(", ") } : headers);
}

/** What a batch came to. `applied.respondAsync` says that it is still at work. */
type Served = { readonly answer: Answer; readonly applied: Preferences; readonly prepared: PreparedBatch };

/** False when nothing of the batch will be stored, so that there is nothing to answer before. */
function maySucceed(prepared: PreparedBatch, strict: boolean): boolean {
  return prepared.rows.length > 0 && !(strict && prepared.entries.some(({ errors }) => errors !== undefined));
}

/** The tenant of a batch that has one, else how many there are. */
function tenantsOf({ rows }: PreparedBatch): Record<string, unknown> {
  const tenants = new Set(rows.map(({ event }) => event.tenant_id));
  return tenants.size === 1 ? { tenant_id: [...tenants][0] } : { tenants: tenants.size };
}

function countsOf({ body }: Answer): Record<string, unknown> {
  const { principal, accepted_count, created_count, duplicate_count, rejected_count, unlisted_count, timing } = body;
  return { principal, accepted_count, created_count, duplicate_count, rejected_count, unlisted_count, ...(timing as Record<string, number>) };
}

function responseOf(answer: Answer, applied: Preferences, requestId: string, headers: Record<string, string>): Response {
  const all = new Headers({ ...headers, "content-type": answer.contentType, "x-request-id": requestId });
  const timing = Object.entries(answer.body["timing"] as Record<string, number>);
  all.set("server-timing", timing.map(([name, ms]) => `${name.replace(/_ms$/, "")};dur=${ms}`).join(", "));
  const preference = preferenceApplied(applied);
  if (preference !== undefined) all.set("preference-applied", preference);
  return new Response(JSON.stringify(answer.body), { status: answer.status, headers: all });
}

import { Hono } from "hono";
import { z } from "zod";
import { AuditError } from "../../core/errors.ts";
import { faultRecord } from "../../core/fault-record.ts";
import { limits } from "../../core/limits.ts";
import { questionOf } from "../../core/query.ts";
import { streamParameters } from "../../core/query-parameters.ts";
import type { StreamOutcome, StreamRequest } from "../../core/stream.ts";
import { startOf, streamFrames } from "../../core/stream.ts";
import { requireAdminFor, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation } from "../operation.ts";
import { query } from "../validate.ts";

const description = `New events as Server-Sent Events, in the order of the log, as soon as they are sealed: some seconds after they were stored. The id of an
event is a position: send the last one as Last-Event-ID, and the stream goes on behind it without a gap, on any server; 0 begins with the first event. Frames
without data only move the position. The server ends a stream now and then, and when its credential is good no longer: connect again. Positions whose events
are archived are refused with position_archived.`;

const [beginning, end] = ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"];

/** `GET /events/stream`. */
export function streamRoutes(parts: ApiParts) {
  const open = parts.openStreams;
  return new Hono<ApiEnv>().get(
    "/events/stream",
    operation("Follow the log", { "text/event-stream": z.string() }, {
      description,
      refusals: { 410: "The position lies in archived days: read the list, then follow from its end" },
      headers: { "last-event-id": "position behind which to go on; absent: what is sealed from now on" },
    }),
    requireScope(parts.authenticate, "read"),
    query(streamParameters),
    async (context) => {
      const parameters = context.req.valid("query");
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, parameters.tenant_id);
      requireAdminFor(caller, parameters.include_deleted);
      const question = questionOf(parameters, tenantId);
      const scope = { tenantId, includeDeleted: question.includeDeleted };
      const start = await startOf(parts.feed, scope, context.req.header("last-event-id"), parts.stopping);
      const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no" };
      if (context.req.raw.method === "HEAD") return new Response(null, { headers });
      const place = takePlace(open, tenantId);
      const gone = new AbortController();
      const request: StreamRequest = {
        scope,
        filter: { ...question, from: question.from ?? beginning, to: question.to ?? end },
        recheck: async () => {
          const again = await parts.authenticate(context.req.raw);
          if (!again.scopes.has("read")) throw new AuditError("forbidden", "go on with stream: the credential lacks the scope read");
          tenantOf(again, tenantId);
          requireAdminFor(again, parameters.include_deleted);
        },
        signal: AbortSignal.any([gone.signal, parts.stopping]),
      };
      const frames = streamFrames({ ...parts, bounds: parts.streamBounds }, request, start);
      const startedMs = parts.elapsedMs();
      const ended = (outcome: Partial<StreamOutcome> | { readonly reason: string }, fault: unknown) => {
        place.leave();
        // What was waited for is waited for no longer, also when it was the credential or the bounds that ended the stream.
        gone.abort(new Error("follow the log: the stream has ended"));
        const ms = Math.round(parts.elapsedMs() - startedMs);
        const known = { request_id: context.get("requestId"), principal: caller.principal, tenant_id: tenantId, ms };
        parts.log({ level: "info", event: "stream.ended", ...known, ...outcome, ...fault === undefined ? {} : faultRecord(fault) });
      };
      return new Response(bodyOf(frames, ended, gone), { headers });
    },
  );
}

type Ended = (outcome: StreamOutcome | { readonly reason: string }, fault?: unknown) => void;

/**
 * The frames as a body that asks for the next only when the one before was taken. Whatever ends them, the body ends between two frames and whole: the
 * client cannot be told more, and finds out when it connects again. A client that takes nothing more and does not go away either loses its place.
 */
function bodyOf(frames: AsyncGenerator<string, StreamOutcome>, ended: Ended, gone: AbortController): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let isStalled = false;
  let isLeft = false;
  /** The next frame; undefined at the end, which is told once. */
  const next = async (): Promise<string | undefined> => {
    try {
      const step = await frames.next();
      if (!step.done) return step.value;
      // A generator that was at its end before has no outcome any more.
      if (step.value !== undefined) ended(isStalled ? { ...step.value, reason: "stalled" } : step.value);
    } catch (error) {
      ended({ reason: error instanceof AuditError ? error.code : "internal" }, error);
    }
    return undefined;
  };
  /** Whoever waits for the next frame is woken by the signal, and ends as closed. */
  const leave = async () => {
    isLeft = true;
    clearTimeout(stalled);
    gone.abort(new Error("follow the log: the client is gone"));
    while (await next() !== undefined);
  };
  const giveUp = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    isStalled = true;
    controller.error(new Error("follow the log: the client takes no more of it"));
    void leave();
  };
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      clearTimeout(stalled);
      const text = await next();
      if (isLeft) return;
      if (text === undefined) return controller.close();
      controller.enqueue(encoder.encode(text));
      stalled = setTimeout(giveUp, limits.streamStallMs, controller);
    },
    cancel: leave,
  }, { highWaterMark: 0 });
}

/** A place among the streams of this process; throws `unavailable` when there is none left. */
function takePlace(open: Map<string, number>, tenantId: string): { readonly leave: () => void } {
  const own = open.get(tenantId) ?? 0;
  const all = [...open.values()].reduce((sum, count) => sum + count, 0);
  if (own >= limits.streamsPerTenantMax || all >= limits.streamsMax) {
    throw new AuditError("unavailable", "follow the log: too many streams are open", { retryAfterSeconds: 10 });
  }
  open.set(tenantId, own + 1);
  let left = false;
  return {
    leave: () => {
      if (left) return;
      left = true;
      const rest = (open.get(tenantId) ?? 1) - 1;
      if (rest === 0) open.delete(tenantId);
      else open.set(tenantId, rest);
    },
  };
}

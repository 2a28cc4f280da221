import { Hono } from "hono";
import { resolver } from "hono-openapi";
import { batchSchema } from "../../core/event-schema.ts";
import { createIngestHandler } from "../../core/ingest-handler.ts";
import { limits } from "../../core/limits.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { answer, described, problem, quotaUsedUp } from "../operation.ts";
import { type HeaderName, quotaHeaders } from "../response-headers.ts";
import { ingestBody } from "../response-schemas.ts";

const description = `Up to ${limits.eventsPerApiRequestMax} events, with a verdict each; one bare event will do too. The answer comes after COMMIT unless
Prefer: respond-async was sent. An Idempotency-Key makes a retry safe when events have no ids.`;

/** A batch that was refused as a whole says nothing of quotas, unless it was for one. */
const withVerdicts: readonly HeaderName[] = [...quotaHeaders, "Server-Timing", "Preference-Applied"];

/** `POST /events`, the bulk door: the same handler as the Edge Function's. */
export function ingestRoutes(parts: ApiParts) {
  const ingest = createIngestHandler(parts, { method: "api", eventsMax: limits.eventsPerApiRequestMax });
  const documented = described({
    summary: "Store events",
    description,
    parameters: [
      { in: "header", name: "idempotency-key", schema: { type: "string", maxLength: limits.idempotencyKeyBytesMax } },
      { in: "header", name: "prefer", schema: { type: "string" }, description: "handling=strict, return=minimal, respond-async" },
    ],
    requestBody: { required: true, content: { "application/json": { schema: resolver(batchSchema(limits.eventsPerApiRequestMax), { io: "input" }) } } },
    responses: {
      200: answer("Nothing new", ingestBody),
      201: answer("All were stored", ingestBody),
      202: answer("Accepted, not durable yet", ingestBody),
      207: answer("Some were refused", ingestBody),
      400: problem("The body or a header is not valid"),
      401: problem("The credential is missing or not valid"),
      403: problem("The credential does not allow this"),
      408: problem("The body took too long"),
      413: problem("Too many events or bytes"),
      415: problem("The content type or encoding is not supported"),
      422: problem("Every event was refused, or the Idempotency-Key came with another body"),
      429: problem(quotaUsedUp),
      503: problem("A part of the service is not available"),
    },
  }, { isLimited: false, sends: { 200: withVerdicts, 201: withVerdicts, 202: withVerdicts, 207: withVerdicts, 422: withVerdicts, 429: quotaHeaders } });
  return new Hono<ApiEnv>().post("/events", documented, (context) => ingest(context.req.raw));
}

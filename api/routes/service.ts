import { Hono } from "hono";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation } from "../operation.ts";
import { healthBody, limitsBody } from "../response-schemas.ts";

/** What a caller can run into; the rest bounds our own work. */
const shown = [
  "eventsPerRequestMax",
  "eventsPerApiRequestMax",
  "bodyBytesMax",
  "bodyDepthMax",
  "leafBytesMax",
  "contextBytesMax",
  "contextDepthMax",
  "keysPerObjectMax",
  "indexedBytesMax",
  "messageBytesMax",
  "userAgentBytesMax",
  "typeNameLengthMax",
  "durationMsMax",
  "idempotencyKeyBytesMax",
  "idempotencyHours",
  "queryRowsMax",
  "queryRowsDefault",
  "queryOffsetMax",
  "queryStatementTimeoutMs",
  "queryStringBytesMax",
  "queryDefaultDays",
  "queryTermsMax",
  "cursorHours",
  "viewRecordMinutes",
  "exportEdgeRowsMax",
  "statsBucketsMax",
  "statsFacetRowsMax",
  "statsFacetValuesMax",
] as const satisfies readonly (keyof typeof limits)[];

/** `GET /limits`: every bound of the system, stated once. */
export function limitsRoutes({ settings }: ApiParts) {
  return new Hono<ApiEnv>().get("/limits", operation("Limits and settings that callers meet", limitsBody, { isPublic: true }), (context) => {
    context.header("cache-control", "public, max-age=300");
    return context.json({
      limits: Object.fromEntries(shown.map((name) => [snakeCase(name), limits[name]])),
      settings: {
        event_max_age_days: settings.eventMaxAgeDays,
        event_max_ahead_minutes: settings.eventMaxAheadMinutes,
        hot_days: settings.hotDays,
        retention_years: settings.retentionYears,
      },
    });
  });
}

/** `GET /healthz`, the process answers, and `GET /readyz`, so does its database. */
export function healthRoutes(parts: ApiParts) {
  return new Hono<ApiEnv>()
    .get("/healthz", operation("The process runs", healthBody, { isPublic: true }), (context) => context.json({ status: "ok" }))
    .get("/readyz", operation("The process can serve", healthBody, { isPublic: true }), async (context) => {
      await parts.reader.ready().catch((cause: unknown) => {
        throw new AuditError("unavailable", "check readiness: the database does not answer, or is not migrated", { retryAfterSeconds: 2, cause });
      });
      return context.json({ status: "ready" });
    });
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

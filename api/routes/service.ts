import { Hono } from "hono";
import { AuditError } from "../../core/errors.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation } from "../operation.ts";
import { healthBody } from "../response-schemas.ts";

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

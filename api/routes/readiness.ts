import { Hono } from "hono";
import { z } from "zod";
import { createReadiness } from "../../core/readiness.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation } from "../operation.ts";
import { healthBody } from "../response-schemas.ts";

const check = z.object({ status: z.enum(["ok", "warning", "fault"]), reason: z.string().optional() });
const readinessBody = z.object({
  status: z.enum(["ready", "degraded", "not_ready"]).meta({
    description: "503 comes with not_ready alone; degraded: requests are served, and somebody has to look",
  }),
  checks: z.record(z.string(), check),
});

/** `GET /healthz`, the process answers, and `GET /readyz`, what it and the log as a whole can do. */
export function readinessRoutes(parts: ApiParts) {
  const readiness = createReadiness(parts);
  return new Hono<ApiEnv>()
    .get("/healthz", operation("The process runs", healthBody, { isPublic: true }), (context) => context.json({ status: "ok" }))
    .get(
      "/readyz",
      operation("The process can serve, and the log is well", readinessBody, {
        isPublic: true,
        alike: { 503: "Requests would fail here: send them elsewhere" },
      }),
      async (context) => {
        const answer = await readiness();
        return answer.status === "not_ready" ? context.json(answer, 503, { "retry-after": "2" }) : context.json(answer);
      },
    );
}

import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { AuditError, problemResponse } from "../core/errors.ts";
import { faultRecord } from "../core/fault-record.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import type { Routes } from "./methods.ts";
import { methodsOf } from "./methods.ts";
import { accessLog, cors, noStore, queryLimit, requestId } from "./middleware.ts";
import { limitedReads } from "./rates.ts";
import { archiveRoutes } from "./routes/archives.ts";
import { checkpointRoutes } from "./routes/checkpoints.ts";
import { deletionRoutes } from "./routes/deletions.ts";
import { docsRoutes } from "./routes/docs.ts";
import { eventRoutes } from "./routes/events.ts";
import { exportRoutes } from "./routes/export.ts";
import { holdRoutes } from "./routes/holds.ts";
import { ingestRoutes } from "./routes/ingest.ts";
import { keyRoutes } from "./routes/keys.ts";
import { limitsRoutes } from "./routes/limits.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { openApiDocument } from "./routes/openapi.ts";
import { producerRoutes } from "./routes/producers.ts";
import { proofRoutes } from "./routes/proofs.ts";
import { reportRoutes } from "./routes/report.ts";
import { retentionRoutes } from "./routes/retention.ts";
import { retentionRunRoutes } from "./routes/retention-run.ts";
import { readinessRoutes } from "./routes/readiness.ts";
import { statsRoutes } from "./routes/stats.ts";
import { streamRoutes } from "./routes/stream.ts";

/** Where the routes of the audit log begin. */
const apiPath = "/api/v1/audit";

/** What has a path of its own is no event, whatever the method: without these a deletion would ask for the id of an event. */
const noEvents = new Hono<ApiEnv>();
for (const path of ["/events/export", "/events/stream"]) noEvents.all(path, (context) => context.notFound());

/** The query service. One app for every runtime; its routes are chained so that `hc<AppType>` knows them. */
export function createApp(given: ApiParts) {
  const reads = limitedReads(given.authenticate, given.rates);
  const parts: ApiParts = { ...given, authenticate: reads.authenticate };
  const routes = (): Routes => app.routes;
  const document = (): Promise<unknown> => makeDocument();
  const app = new Hono<ApiEnv>()
    .use(secureHeaders({ crossOriginResourcePolicy: false }), noStore)
    // The door has its own request ids, log lines and CORS headers, just as when it is an Edge Function; so it stands before ours.
    .route(apiPath, ingestRoutes(given))
    .use(requestId(parts), accessLog(parts), cors(parts, () => routes()), queryLimit, reads.headers)
    // Before /events/:id, which would take "export" and "stream" for ids.
    .route(apiPath, exportRoutes(parts))
    .route(apiPath, streamRoutes(parts))
    .route(apiPath, noEvents)
    .route(apiPath, eventRoutes(parts))
    .route(apiPath, checkpointRoutes(parts))
    .route(apiPath, proofRoutes(parts))
    .route(apiPath, statsRoutes(parts))
    .route(apiPath, producerRoutes(parts))
    .route(apiPath, reportRoutes(parts))
    .route(apiPath, keyRoutes(parts))
    .route(apiPath, holdRoutes(parts))
    .route(apiPath, deletionRoutes(parts))
    .route(apiPath, retentionRoutes(parts))
    .route(apiPath, retentionRunRoutes(parts))
    .route(apiPath, archiveRoutes(parts))
    .route(apiPath, limitsRoutes(parts))
    .route("/", readinessRoutes(parts))
    .route("/", metricsRoutes(parts))
    .route("/", docsRoutes(() => document()))
    .get("/openapi.json", async (context) => context.json(await document()));

  const makeDocument = openApiDocument(app as unknown as Hono<ApiEnv>);
  app.notFound((context) => {
    const methods = methodsOf(app.routes, context.req.path);
    if (methods.length === 0) {
      const nothing = new AuditError("not_found", "route request: nothing is served at this path; /openapi.json of the service lists what is");
      return problemResponse(nothing, context.get("requestId"));
    }
    const fault = new AuditError("method_not_allowed", "route request: this path does not answer to the method; Allow names those that it answers to");
    return problemResponse(fault, context.get("requestId"), { allow: [...methods, "OPTIONS"].join(", ") });
  });
  app.onError((error, context) => {
    const isOurs = error instanceof AuditError && error.code !== "internal";
    if (!isOurs) parts.log({ level: "error", event: "request.failed", request_id: context.get("requestId"), ...faultRecord(error) });
    return problemResponse(error, context.get("requestId"));
  });
  return app;
}

export type AppType = ReturnType<typeof createApp>;

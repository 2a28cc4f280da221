import { Hono } from "hono";
import { type Catalogue, describeOwn } from "../../core/catalogue.ts";
import { limits } from "../../core/limits.ts";
import { filterOf, questionBinding, questionJson, questionOf } from "../../core/query.ts";
import { statsParameters } from "../../core/query-parameters.ts";
import { readerOf, requireAdminFor, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { archiveFault, operation } from "../operation.ts";
import { statsBody } from "../response-schemas.ts";
import { query } from "../validate.ts";

/** `GET /stats`. */
export function statsRoutes(parts: ApiParts) {
  const reader = readerOf(parts);
  const readScope = requireScope(parts.authenticate, "read");
  return new Hono<ApiEnv>().get(
    "/stats",
    operation("Count events by time, result and facet", statsBody, { refusals: archiveFault }),
    readScope,
    query(statsParameters),
    async (context) => {
      const parameters = context.req.valid("query");
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, parameters.tenant_id);
      requireAdminFor(caller, parameters.include_deleted);
      const question = questionOf(parameters, tenantId);
      const filter = filterOf(question, parts.now(), parts.settings.eventMaxAheadMinutes);
      const stats = await parts.reader.stats(caller.claims, { filter, buckets: parameters.buckets ?? limits.statsBucketsMax });
      const binding = questionBinding(question, parts.sha256);
      parts.recorder.viewed(reader(context, tenantId), { objectType: "audit.filter", subject: binding, detail: { question: questionJson(question) } });
      const total = stats.buckets.reduce((sum, { success, failure, warning }) => sum + success + failure + warning, 0);
      context.set("counts", { counted_events: total });
      return context.json({
        from: filter.from,
        to: filter.to,
        total,
        histogram: { bucket_ms: stats.bucketMs, counted_from: stats.countedFrom ?? null, buckets: stats.buckets },
        facets: { counted_events: stats.facetEvents, capped: stats.facetsCapped, values: stats.facets },
        descriptions: descriptionsOf(stats.facets.event_type.map(({ value }) => value), parts.catalogue),
        duration_ms: stats.duration ?? null,
        fresh_as_of: stats.freshAsOf,
        ...stats.partial ? { partial: true as const } : {},
      });
    },
  );
}

/** What the event types in the facets mean, of those that somebody described. */
function descriptionsOf(eventTypes: readonly string[], catalogue: Catalogue | undefined): Record<string, string> {
  const described = eventTypes.map((type) => [type, catalogue?.describe(type) ?? describeOwn(type)] as const);
  return Object.fromEntries(described.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

const allowedHeaders = "authorization, apikey, content-type, content-encoding, idempotency-key, last-event-id, prefer, x-client-info, x-request-id";
const exposedHeaders = "x-request-id, server-timing, preference-applied, retry-after, ratelimit, ratelimit-policy, location, link, content-disposition, " +
  "audit-export-record, audit-export-rows, audit-export-complete, audit-export-sha256";

/** CORS headers of an answer to `origin`, which may be null; none when pages of that origin may not call us. */
export function corsHeaders(origin: string | null, allowed: "*" | readonly string[]): Record<string, string> {
  if (allowed === "*") return { "access-control-allow-origin": "*", "access-control-expose-headers": exposedHeaders };
  // Caches must keep the answers to different origins apart, also the one that allows nothing.
  if (origin === null || !allowed.includes(origin)) return { vary: "Origin" };
  return { "access-control-allow-origin": origin, "access-control-expose-headers": exposedHeaders, vary: "Origin" };
}

/** The answer to an OPTIONS request, Fetch standard section 3.3; `methods` are those of the resource. No cookies are involved, so none are allowed. */
export function preflight(request: Request, allowed: "*" | readonly string[], methods: readonly string[]): Response {
  const headers = new Headers(corsHeaders(request.headers.get("origin"), allowed));
  headers.set("allow", methods.join(", "));
  if (headers.has("access-control-allow-origin")) {
    headers.set("access-control-allow-methods", methods.join(", "));
    headers.set("access-control-allow-headers", allowedHeaders);
    headers.set("access-control-max-age", "86400");
  }
  return new Response(null, { status: 204, headers });
}

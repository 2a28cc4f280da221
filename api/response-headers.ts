/**
 * What the service says in header fields, once each; the OpenAPI document refers to them by name. Fields of CORS, of the connection and of browsers' own
 * protection say nothing about an answer, and are left out. Bytes, seconds and milliseconds stand where the unit is not in the value.
 */
export const responseHeaders = {
  "X-Request-Id": header("id of the request, as in the operator's log; the one that was sent, if it could be kept", { required: true }),
  "Cache-Control": header("RFC 9111: no-store; public only where no credential was sent and none is needed", { required: true }),
  "Vary": header("RFC 9110 section 12.5.5: the fields of the request that the answer depends on"),
  "WWW-Authenticate": header("RFC 6750 section 3: Bearer", { required: true }),
  "Retry-After": header("RFC 9110 section 10.2.3: seconds after which the same request may succeed; absent where none will", { type: "integer", minimum: 1 }),
  "RateLimit-Policy": header("draft-ietf-httpapi-ratelimit-headers-09, for the tenant and the caller: q tokens in any w seconds; absent where no quota is"),
  "RateLimit": header("draft-ietf-httpapi-ratelimit-headers-09: r tokens are left, in t seconds there are more; absent where no quota is"),
  "Link": header('RFC 8288: rel="next", relative to the request; absent at the end'),
  "Location": header("RFC 9110 section 10.2.2: what was made, relative to the request", { required: true }),
  "Content-Disposition": header("RFC 6266: attachment, with a name for the file", { required: true }),
  "Server-Timing": header("W3C Server Timing: milliseconds of each part of the work; absent where a batch was refused before it began"),
  "Preference-Applied": header("RFC 7240 section 3: preferences of Prefer that were honoured; absent when there were none"),
  "Audit-Export-Rows": header("events in the part; of an Edge Function's only", { type: "integer", minimum: 0 }),
  "Audit-Export-Complete": header("false when Link leads on; of an Edge Function's part only", { type: "boolean" }),
  "Audit-Export-Sha256": header("SHA-256 of the part's bytes in hexadecimal; of an Edge Function's part only"),
  "Audit-Export-Record": header("id of the event audit.events.exported that tells of the part; of an Edge Function's part only", { format: "uuid" }),
} as const;

export type HeaderName = keyof typeof responseHeaders;

/** With every answer that drew from the caller's quotas. */
export const quotaHeaders: readonly HeaderName[] = ["RateLimit-Policy", "RateLimit"];

const byStatus: Readonly<Record<string, readonly HeaderName[]>> = {
  401: ["WWW-Authenticate"],
  408: ["Retry-After"],
  429: ["Retry-After"],
  503: ["Retry-After"],
};

/** The `headers` of an answer of the OpenAPI document: what every answer has, what those with `status` have, and `own`. */
export function headersOf(status: string, own: readonly HeaderName[]): Readonly<Record<string, { readonly $ref: string }>> {
  const names: readonly HeaderName[] = ["X-Request-Id", "Cache-Control", ...byStatus[status] ?? [], ...own];
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

type HeaderOptions = { readonly required?: boolean; readonly type?: "string" | "integer" | "boolean"; readonly minimum?: number; readonly format?: string };

/** `required`: never absent where an answer names it. */
function header(description: string, { required, type = "string", ...form }: HeaderOptions = {}) {
  return { description, ...required ? { required } : {}, schema: { type, ...form } };
}

// Fields are put on a finished answer by `context.res.headers`: `context.header` makes a new Response of it, whose body is a stream, each time.
import type { MiddlewareHandler } from "hono";
import { corsHeaders, preflight } from "../core/cors.ts";
import { AuditError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { requestIdOf } from "../core/request-id.ts";
import { methodName } from "../core/request-metrics.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import type { Routes } from "./methods.ts";
import { methodsOf } from "./methods.ts";
import { printableName } from "./validate.ts";

/** The request's id, in the context and on every answer. */
export function requestId(parts: Pick<ApiParts, "randomBytes">): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const id = requestIdOf(context.req.raw, parts.randomBytes);
    context.set("requestId", id);
    await next();
    context.res.headers.set("x-request-id", id);
  };
}

/**
 * One line a request, with the pattern of its route: the path and its parameters may hold what somebody looked for, and a method that is none anything.
 * The tenant is the one that was asked about, if it is the caller's; `counts` are what the handler left.
 */
export function accessLog(parts: Pick<ApiParts, "log" | "elapsedMs">): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const startedMs = parts.elapsedMs();
    await next();
    const caller: ApiEnv["Variables"]["caller"] | undefined = context.get("caller");
    const { method, routePath } = context.req;
    const ms = Math.round((parts.elapsedMs() - startedMs) * 100) / 100;
    const who = caller === undefined ? {} : { principal: caller.principal, tenant_id: tenantAsked(caller, context.req.query("tenant_id")) };
    const { status } = context.res;
    parts.log({
      level: "info",
      event: "request",
      request_id: context.get("requestId"),
      method: methodName(method),
      route: routePath,
      status,
      ...who,
      ...context.get("counts"),
      ms,
    });
  };
}

function tenantAsked({ tenants }: ApiEnv["Variables"]["caller"], named: string | undefined): string | undefined {
  if (tenants === "any") return undefined;
  return named === undefined ? tenants.length === 1 ? tenants[0] : undefined : tenants.find((tenant) => tenant === named.toLowerCase());
}

/** CORS on every answer, refusals too: a page must be able to read why it was refused. Preflights are answered here. */
export function cors(parts: Pick<ApiParts, "settings">, routes: () => Routes): MiddlewareHandler<ApiEnv> {
  const { allowedOrigins } = parts.settings;
  return async (context, next) => {
    const methods = context.req.method === "OPTIONS" ? methodsOf(routes(), context.req.path) : [];
    if (methods.length > 0) return preflight(context.req.raw, allowedOrigins, [...methods, "OPTIONS"]);
    await next();
    for (const [name, value] of Object.entries(corsHeaders(context.req.header("origin") ?? null, allowedOrigins))) {
      // An answer may depend on more than the origin.
      context.res.headers[name === "vary" ? "append" : "set"](name, value);
    }
    return undefined;
  };
}

/** Refuses a query string that no honest filter needs, by the name of its longest parameter. */
export const queryLimit: MiddlewareHandler = async (context, next) => {
  const { search, searchParams } = new URL(context.req.url);
  if (search.length > limits.queryStringBytesMax) {
    const [name = ""] = [...searchParams].reduce((longest, entry) => entry[1].length > longest[1].length ? entry : longest, ["", ""]);
    const pointer = printableName(name);
    throw new AuditError("invalid_parameter", `read parameters: together they are longer than ${limits.queryStringBytesMax} bytes; shorten one`, { pointer });
  }
  for (const pair of search.slice(1).split("&")) {
    if (isUtf8(pair)) continue;
    const [name = ""] = new URLSearchParams(pair).keys();
    const pointer = printableName(name);
    throw new AuditError("invalid_parameter", `read parameters: ${pointer} must be UTF-8, percent-encoded`, { pointer });
  }
  for (const name of searchParams.keys()) {
    // Neither would reach a schema: the router leaves out what has no name, and an object takes the other for its prototype.
    if (name !== "" && name !== "__proto__") continue;
    const pointer = printableName(name);
    throw new AuditError("unknown_parameter", `read parameters: ${pointer} is not a parameter of this route`, { pointer });
  }
  await next();
};

/** False when escapes of `text` are no UTF-8. A percent sign that begins no escape stands for itself, as in the URL standard. */
function isUtf8(text: string): boolean {
  try {
    decodeURIComponent(text.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
    return true;
  } catch {
    return false;
  }
}

/** Nothing that a tenant may see belongs in a shared cache. */
export const noStore: MiddlewareHandler = async (context, next) => {
  await next();
  if (!context.res.headers.has("cache-control")) context.res.headers.set("cache-control", "no-store");
};

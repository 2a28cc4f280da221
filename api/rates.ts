import type { MiddlewareHandler } from "hono";
import type { Authenticate, Caller } from "../core/caller.ts";
import { parseUuid } from "../core/format/uuid7.ts";
import type { RateLimiter, RateTicket } from "../core/rate-limiter.ts";
import { onlyTenant } from "../core/rate-tokens.ts";
import type { ApiEnv } from "./context.ts";

/** Reading under quotas: `authenticate` in place of the plain one, and what puts the quotas' fields on answers. */
export type LimitedReads = { readonly authenticate: Authenticate; readonly headers: MiddlewareHandler<ApiEnv> };

/**
 * Draws one request from the caller's quota, and from his tenant's, as soon as it is known who calls. Being part of authentication it holds for
 * every route, those too that do not exist yet. A request that is authenticated again, as a stream's is, is not counted again.
 */
export function limitedReads(authenticate: Authenticate, rates: RateLimiter | undefined): LimitedReads {
  if (rates === undefined) return { authenticate, headers: (_, next) => next() };
  const tickets = new WeakMap<Request, RateTicket>();
  return {
    authenticate: async (request) => {
      const caller = await authenticate(request);
      if (tickets.has(request)) return caller;
      const tenantId = askedTenant(request, caller);
      const ticket = rates.open("reads", caller, tenantId);
      tickets.set(request, ticket);
      ticket.admit();
      ticket.take(tenantId === undefined ? noTenant : new Map([[tenantId, 1]]));
      return caller;
    },
    headers: async (context, next) => {
      await next();
      for (const [name, value] of Object.entries(tickets.get(context.req.raw)?.headers() ?? {})) context.res.headers.set(name, value);
    },
  };
}

const noTenant: ReadonlyMap<string, number> = new Map();

/** The tenant whose quota a request draws from: the one it names, when it is the caller's, else the caller's only one. */
function askedTenant(request: Request, caller: Caller): string | undefined {
  const named = parseUuid(new URL(request.url).searchParams.get("tenant_id") ?? "");
  return named !== undefined && caller.tenants !== "any" && caller.tenants.includes(named) ? named : onlyTenant(caller);
}

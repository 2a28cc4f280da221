/** Middleware for Hono: every request gets a client that knows who asked. */
import type { Context, MiddlewareHandler } from "hono";
import type { AuditClient } from "./client.ts";
import type { EventContext, EventInput } from "./event.ts";
import { fromRequest, type RequestContextOptions } from "./request-context.ts";

/** What the middleware knows of requests, and which of them it logs. */
export type AuditMiddlewareOptions = RequestContextOptions & {
  /** Fields known from the request, such as the signed-in actor; asked when the first event is logged, so it may stand before authentication. */
  readonly context?: (context: Context) => EventContext;
  /** Log the request itself once it is answered: the event, or undefined for requests that are not worth one. `duration_ms` and `result` are set. */
  readonly event?: (context: Context) => EventInput | undefined;
};

/** What the middleware sets: `c.var.audit`. */
export type AuditVariables = {
  /** The client for this request. */
  audit: AuditClient;
};

/**
 * Sets `c.var.audit`, a view of `client` whose events carry address, user agent, request id and fingerprint of the request, and what `context` says.
 * On platforms with an execution context the request is kept alive until its events are away; the answer never waits.
 */
export function audit(client: AuditClient, options: AuditMiddlewareOptions = {}): MiddlewareHandler<{ Variables: AuditVariables }> {
  return async (context, next) => {
    const startedAt = performance.now();
    const request = fromRequest(context.req.raw, options);
    const known = () => client.withContext({ ...request, ...defined(options.context?.(context as unknown as Context)) });
    let view: AuditClient | undefined;
    context.set("audit", lazily(() => view ??= known()));
    try {
      await next();
    } finally {
      try {
        const event = options.event?.(context as unknown as Context);
        // Hono keeps what a handler threw in `error`, and has made an answer of it by now.
        const failed = context.error !== undefined || context.res.status >= 500;
        const result = event?.result ?? (failed ? "failure" : "success");
        if (event !== undefined) (view ??= known()).logEventFireAndForget({ ...event, result, duration_ms: Math.round(performance.now() - startedAt) });
      } catch (cause) {
        client.logEventFireAndForget(unwritten(cause));
      }
      keepAlive(context as unknown as Context, () => client.flush());
    }
  };
}

/** An event that counts as one that could not be written: what the options throw is no reason to take back an answer. */
function unwritten(cause: unknown): EventInput {
  return {
    get event_type(): never {
      throw cause;
    },
  };
}

/** A client that is made when it is first used. */
function lazily(client: () => AuditClient): AuditClient {
  return new Proxy({} as AuditClient, { get: (_, name) => client()[name as keyof AuditClient], has: (_, name) => name in client() });
}

function defined(fields: EventContext | undefined): EventContext {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined));
}

function keepAlive(context: Context, flush: () => Promise<unknown>): void {
  let execution: Context["executionCtx"];
  try {
    execution = context.executionCtx;
  } catch {
    // Hono throws where the platform has none: there the process lives on by itself.
    return;
  }
  execution.waitUntil(flush());
}

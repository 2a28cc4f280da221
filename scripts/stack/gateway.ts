import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { AuditError } from "../../core/errors.ts";
import type { Check } from "../../core/readiness.ts";
import { forward, refuse } from "./proxy.ts";

/** Where requests go. A port is undefined while that part is down, "absent" when the stack has no such part. */
export type Routes = {
  functionPort(name: string): number | undefined | "absent";
  apiPort(): number | undefined | "absent";
  /** The JWKS of user tokens. */
  keySet(): unknown;
  /** What each part says of itself, for `/readyz`. */
  readiness(): Promise<StackReadiness>;
};

/** `ready` says whether requests are served; a warning among the checks is for somebody to look at. */
export type StackReadiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, Check>> };

export type Gateway = {
  /** Takes no more connections, lets requests in flight end for at most `graceMs`, then breaks them off. */
  stop(graceMs: number): Promise<void>;
};

/** The address is taken: `cause` is the system's error. */
export class PortTakenError extends Error {
  override name = "PortTakenError";
}

/** Serves Supabase's paths on one port of 127.0.0.1; throws PortTakenError when somebody else does. */
export async function startGateway(port: number, routes: Routes): Promise<Gateway> {
  const server = createServer({ noDelay: true, keepAliveTimeout: 65_000 }, (request, response) => {
    route(request, response, routes).catch((cause: unknown) =>
      refuse(request, response, new AuditError("internal", "route request: unexpected fault", { cause }))
    );
  });
  await listen(server, port);
  return { stop: (graceMs) => stopServer(server, graceMs) };
}

async function route(request: IncomingMessage, response: ServerResponse, routes: Routes): Promise<void> {
  const target = request.url ?? "/";
  const path = target.split("?", 1)[0] as string;
  const [, functionName] = /^\/functions\/v1\/([A-Za-z0-9_-]+)(?=\/|$)/.exec(path) ?? [];
  if (functionName !== undefined) {
    // As on Supabase, the path that a function sees starts with its own name.
    return pass(request, response, routes.functionPort(functionName), target.slice("/functions/v1".length));
  }
  if (path === "/auth/v1/.well-known/jwks.json") return answerJson(response, 200, routes.keySet(), { "cache-control": "public, max-age=600" });
  if (path === "/readyz") {
    const { ready, checks } = await routes.readiness();
    const status = !ready ? "not_ready" : Object.values(checks).some((check) => check.status === "warning") ? "degraded" : "ready";
    return answerJson(response, ready ? 200 : 503, { status, checks }, ready ? {} : { "retry-after": "1" });
  }
  if (path === "/healthz" && routes.apiPort() === "absent") return answerJson(response, 200, { status: "ok" });
  pass(request, response, path.startsWith("/functions/") || path.startsWith("/auth/") ? "absent" : routes.apiPort(), target);
}

function pass(request: IncomingMessage, response: ServerResponse, port: number | undefined | "absent", path: string): void {
  if (port === "absent") return refuse(request, response, new AuditError("not_found", "route request: path: nothing is served there"));
  if (port === undefined) {
    return refuse(request, response, new AuditError("unavailable", "route request: the service behind it is starting", { retryAfterSeconds: 1 }));
  }
  forward(request, response, port, path);
}

function answerJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", "access-control-allow-origin": "*", ...headers }).end(`${JSON.stringify(body)}\n`);
}

/**
 * Our port lies in the range from which systems lend ports to outgoing connections: such a loan ends by itself within seconds, so give up at
 * once only when somebody listens.
 */
async function listen(server: Server, port: number): Promise<void> {
  for (let attempt = 0;; attempt++) {
    const fault = await tryListen(server, port);
    if (fault === undefined) return;
    if (fault.code !== "EADDRINUSE") throw fault;
    if (attempt >= 20 || await somebodyListens(port)) throw new PortTakenError(`listen on 127.0.0.1:${port}: the port is taken`, { cause: fault });
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function tryListen(server: Server, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const settle = (fault?: NodeJS.ErrnoException) => {
      server.off("error", settle).off("listening", settle);
      resolve(fault);
    };
    server.on("error", settle).on("listening", settle).listen(port, "127.0.0.1");
  });
}

function somebodyListens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false)).once("connect", () => socket.destroy());
  });
}

async function stopServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that has had its last answer waits for the next request, and would hold `close` up until it times out.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(timer);
}

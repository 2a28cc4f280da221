import { Hono } from "hono";
import { z } from "zod";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { operationsMetrics } from "../../core/operations-metrics.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation } from "../operation.ts";

const description = `Figures of this process and of the log as a whole in Prometheus' text format; none of them names a tenant. Open to whoever has
AUDIT_METRICS_TOKEN, as a bearer; while that is not set, to requests from the server's own machine.`;

/** `GET /metrics`. */
export function metricsRoutes(parts: ApiParts) {
  const openStreams = () => [...parts.openStreams.values()].reduce((sum, count) => sum + count, 0);
  const collect = operationsMetrics({ ...parts, openStreams });
  return new Hono<ApiEnv>().get(
    "/metrics",
    operation("Figures for Prometheus", { "text/plain": z.string() }, {
      isPublic: true,
      description,
      refusals: { 401: "The token is missing or not the right one", 403: "There is no token, and you ask from elsewhere" },
    }),
    async (context) => {
      const { metricsToken } = parts.settings;
      if (metricsToken === undefined) requireOwnMachine(context.env?.incoming?.socket?.remoteAddress, context.req.header("x-forwarded-for"));
      else requireToken(parts, metricsToken, context.req.header("authorization"));
      await collect();
      return context.text(parts.metrics.text(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    },
  );
}

/** Both digests are of one length: the time tells nothing of the token. */
function requireToken({ sha256 }: Pick<ApiParts, "sha256">, token: string, header: string | undefined): void {
  const digest = (text: string) => sha256(new TextEncoder().encode(text.slice(0, limits.credentialBytesMax)));
  const [given, known] = [digest(header ?? ""), digest(`Bearer ${token}`)];
  let differing = 0;
  for (const [index, byte] of known.entries()) differing |= byte ^ (given[index] ?? 0);
  if (differing !== 0) throw new AuditError("unauthenticated", "read metrics: AUDIT_METRICS_TOKEN is needed as a bearer");
}

/** Behind a proxy of this machine the connection always comes from it: so must every hop that the proxy tells of. */
function requireOwnMachine(peer: string | undefined, forwardedFor: string | undefined): void {
  const hops = [peer ?? "unknown", ...forwardedFor?.split(",") ?? []].map((hop) => hop.trim());
  if (hops.every((hop) => /^(::ffff:)?127(\.\d{1,3}){3}$|^::1$/.test(hop))) return;
  throw new AuditError("forbidden", "read metrics: set AUDIT_METRICS_TOKEN, or ask from the machine itself");
}

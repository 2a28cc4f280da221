import type { Authenticate } from "./caller.ts";
import { AuditError, problemResponse } from "./errors.ts";
import { faultRecord } from "./fault-record.ts";
import type { Log } from "./ports.ts";
import { requestIdOf } from "./request-id.ts";
import { parseUuid } from "./format/uuid7.ts";
import { seal } from "./seal.ts";
import { retryTree } from "./seal-retry.ts";
import type { SealBounds, SealDependencies } from "./sealer.ts";

export type SealHandlerParts = SealDependencies & {
  readonly authenticate: Authenticate;
  readonly bounds: SealBounds;
  readonly log: Log;
  readonly randomBytes: (length: number) => Uint8Array;
  /** What is due after sealing, such as taking checkpoints out of the database; answers what it did. */
  readonly afterwards?: () => Promise<Readonly<Record<string, unknown>>>;
};

/**
 * Runs the sealer once for a POST with a secret key, as a scheduler sends it, and answers what it did; with `?retry=<tenant>` it only tries to take that
 * tenant back, whose tree differed from its checkpoint. When what comes afterwards fails the answer is
 * that fault: sealing is done and logged, and the next call tries the rest again.
 */
export function createSealHandler(parts: SealHandlerParts): (request: Request) => Promise<Response> {
  return async (request) => {
    const requestId = requestIdOf(request, parts.randomBytes);
    const headers = { "cache-control": "no-store", "x-request-id": requestId };
    try {
      if (request.method !== "POST") throw new AuditError("method_not_allowed", "seal events: the method must be POST");
      if ((await parts.authenticate(request)).kind !== "secret") throw new AuditError("forbidden", "seal events: credential: is not a secret key");
      const retry = retryOf(request);
      if (retry !== undefined) {
        const outcome = await retryTree(parts, parts.bounds, retry);
        parts.log({ level: outcome.status === "differs" ? "error" : "info", event: "seal.retry", request_id: requestId, tenant_id: retry, ...outcome });
        return Response.json({ ...outcome, request_id: requestId }, { headers });
      }
      const summary = await seal(parts, parts.bounds);
      const alarming = summary.problems > 0 || summary.tree_problems > 0;
      if (alarming || summary.sealed > 0) parts.log({ level: alarming ? "error" : "info", event: "seal", request_id: requestId, ...summary });
      const afterwards = await parts.afterwards?.();
      return Response.json({ ...summary, ...afterwards, request_id: requestId }, { headers });
    } catch (error) {
      const response = problemResponse(error, requestId, headers);
      parts.log({ level: response.status >= 500 ? "error" : "warn", event: "seal", request_id: requestId, status: response.status, ...faultRecord(error) });
      return response;
    }
  };
}

function retryOf(request: Request): string | undefined {
  const named = new URL(request.url).searchParams.get("retry");
  if (named === null) return undefined;
  const tenantId = parseUuid(named);
  if (tenantId === undefined) throw new AuditError("invalid_parameter", "seal events: retry: is not a UUID", { pointer: "retry" });
  return tenantId;
}

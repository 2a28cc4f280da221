import { archive, type ArchiverBounds, type ArchiverDependencies } from "./archive.ts";
import type { Authenticate } from "./caller.ts";
import { AuditError, problemResponse } from "./errors.ts";
import { faultRecord } from "./fault-record.ts";
import { requestIdOf } from "./request-id.ts";

export type ArchiveHandlerParts = ArchiverDependencies & {
  readonly authenticate: Authenticate;
  readonly bounds: ArchiverBounds;
  readonly randomBytes: (length: number) => Uint8Array;
};

/** Runs the archiver once for a POST with a secret key, as a scheduler sends it, and answers what it did. */
export function createArchiveHandler(parts: ArchiveHandlerParts): (request: Request) => Promise<Response> {
  return async (request) => {
    const requestId = requestIdOf(request, parts.randomBytes);
    const headers = { "cache-control": "no-store", "x-request-id": requestId };
    try {
      if (request.method !== "POST") throw new AuditError("method_not_allowed", "archive events: the method must be POST");
      if ((await parts.authenticate(request)).kind !== "secret") throw new AuditError("forbidden", "archive events: credential: is not a secret key");
      const summary = await archive(parts, parts.bounds);
      const didSomething = summary.closed.length + summary.written + summary.checked + summary.signed + summary.dropped.length > 0;
      const alarming = summary.failed + summary.differing.length > 0;
      if (alarming || didSomething) parts.log({ level: alarming ? "error" : "info", event: "archive", request_id: requestId, ...summary });
      return Response.json({ ...summary, request_id: requestId }, { headers });
    } catch (error) {
      const response = problemResponse(error, requestId, headers);
      parts.log({ level: response.status >= 500 ? "error" : "warn", event: "archive", request_id: requestId, status: response.status, ...faultRecord(error) });
      return response;
    }
  };
}

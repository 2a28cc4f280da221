import { Hono } from "hono";
import { consistencyOf, receiptOf } from "../../core/proofs.ts";
import { consistencyParameters, eventParameters, idParameters } from "../../core/query-parameters.ts";
import { requireAdminFor, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { archiveFault, operation } from "../operation.ts";
import { consistencyBody, noteText } from "../response-schemas.ts";
import { path, query } from "../validate.ts";
import { notFound, timeOf } from "./events.ts";

const receiptRefusals = { 404: "There is no such event", 409: "It is not sealed yet; Retry-After says when to come again", ...archiveFault };

/**
 * `GET /consistency` and `GET /events/{id}/receipt`: what an auditor takes away to check the log without us. Auditors and admins only. Nothing is
 * recorded: what shows who verified an event is the receipt, which they hold.
 */
export function proofRoutes(parts: ApiParts) {
  const auditors = requireScope(parts.authenticate, "export");
  return new Hono<ApiEnv>()
    .get(
      "/consistency",
      operation("Prove that an older tree is a prefix of a newer one", consistencyBody, { refusals: { 404: "The tenant has no checkpoint of such a size" } }),
      auditors,
      query(consistencyParameters),
      async (context) => {
        const { tenant_id, from, to } = context.req.valid("query");
        const caller = context.get("caller");
        const tenantId = tenantOf(caller, tenant_id);
        return context.json(await parts.prove(caller.claims, (store) => consistencyOf(store, parts.sha256, tenantId, from, to)));
      },
    )
    .get(
      "/events/:id/receipt",
      operation("Receipt of an event: its inclusion proof and checkpoint", { "text/plain": noteText }, {
        refusals: receiptRefusals,
        sends: { 200: ["Content-Disposition"], 409: ["Retry-After"] },
      }),
      auditors,
      path(idParameters),
      query(eventParameters),
      async (context) => {
        const { id } = context.req.valid("param");
        const { tenant_id, at, include_deleted } = context.req.valid("query");
        const caller = context.get("caller");
        const key = { tenantId: tenantOf(caller, tenant_id), occurredAt: timeOf(id, at), id };
        requireAdminFor(caller, include_deleted);
        const stored = await parts.reader.find(caller.claims, key, include_deleted ?? false);
        if (stored === undefined) throw notFound("prove event", at);
        const receipt = await parts.prove(caller.claims, (store) => receiptOf(store, parts.sha256, stored));
        return context.body(receipt, 200, { "content-type": "text/plain; charset=utf-8", "content-disposition": `attachment; filename="${id}.tlog-proof"` });
      },
    );
}

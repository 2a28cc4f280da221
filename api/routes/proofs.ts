import { Hono } from "hono";
import { consistencyOf, receiptAt, type StoredCheckpoint } from "../../core/proofs.ts";
import { AuditError } from "../../core/errors.ts";
import { leafOf } from "../../core/leaf.ts";
import { checkpointListParameters, checkpointPathParameters, consistencyParameters } from "../../core/query-parameters.ts";
import { eventParameters, idParameters, tenantParameters } from "../../core/query-parameters.ts";
import { limits } from "../../core/limits.ts";
import { requireAdminFor, requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { archiveFault, operation } from "../operation.ts";
import { checkpointListBody, consistencyBody, logKeysBody, noteText } from "../response-schemas.ts";
import { path, query } from "../validate.ts";
import { timeOf } from "./events.ts";

const plainText = { "content-type": "text/plain; charset=utf-8" };
const receiptRefusals = { 404: "There is no such event", 409: "It is not sealed yet; Retry-After says when to come again", ...archiveFault };

/**
 * What an auditor takes away to check the log without us: checkpoints, consistency proofs, receipts and keys. Auditors and admins only; the
 * record of who verified what is the receipt itself, which they hold.
 */
export function proofRoutes(parts: ApiParts) {
  const auditors = requireScope(parts.authenticate, "export");
  return new Hono<ApiEnv>()
    .get("/checkpoints", operation("List checkpoints, largest first", checkpointListBody), auditors, query(checkpointListParameters), async (context) => {
      const { tenant_id, below, limit } = context.req.valid("query");
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, tenant_id);
      const found = await parts.prove(caller.claims, (store) => store.checkpoints(tenantId, below, limit ?? limits.checkpointsPerPage));
      return context.json({ checkpoints: found.map(checkpointBody) });
    })
    .get(
      "/checkpoints/keys",
      operation("Public keys that signed checkpoints, and how each followed the one before", logKeysBody),
      auditors,
      query(tenantParameters),
      async (context) => {
        const caller = context.get("caller");
        tenantOf(caller, context.req.valid("query").tenant_id);
        const [keys, rotations] = await parts.prove(caller.claims, async (store) => [await store.keys(), await store.rotations()] as const);
        return context.json({ keys: keys.map(({ verifierKey }) => verifierKey), rotations });
      },
    )
    .get(
      "/checkpoints/:size",
      operation("One checkpoint, as it was signed", { "text/plain": noteText }, { refusals: { 404: "The tenant has no checkpoint of this size" } }),
      auditors,
      path(checkpointPathParameters),
      query(tenantParameters),
      async (context) => {
        const { size } = context.req.valid("param");
        const caller = context.get("caller");
        const tenantId = tenantOf(caller, context.req.valid("query").tenant_id);
        const found = await parts.prove(caller.claims, (store) => store.checkpoint(tenantId, size === "latest" ? undefined : Number(size)));
        if (found === undefined) throw new AuditError("not_found", "read checkpoint: there is none of this size; /checkpoints lists those there are");
        return context.body(found.note, 200, plainText);
      },
    )
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
      operation("Receipt of an event: its inclusion proof and checkpoint", { "text/plain": noteText }, { refusals: receiptRefusals }),
      auditors,
      path(idParameters),
      query(eventParameters),
      async (context) => {
        const { id } = context.req.valid("param");
        const { tenant_id, at, include_deleted } = context.req.valid("query");
        const caller = context.get("caller");
        const key = { tenantId: tenantOf(caller, tenant_id), occurredAt: timeOf(id, at), id };
        requireAdminFor(caller, include_deleted);
        // A receipt holds the whole leaf: it is shown to whom the event is shown.
        const stored = await parts.reader.find(caller.claims, key, include_deleted ?? false);
        if (stored === undefined) throw new AuditError("not_found", "prove event: event: is not there");
        const receipt = await parts.prove(caller.claims, async (store) => {
          const index = stored.logIndex ?? await store.leafIndex(key);
          if (index === undefined) throw new AuditError("conflict", "prove event: event: is not sealed yet", { retryAfterSeconds: 10 });
          return await receiptAt(store, parts.sha256, key.tenantId, index, leafOf(stored.event));
        });
        return context.body(receipt, 200, { ...plainText, "content-disposition": `attachment; filename="${id}.tlog-proof"` });
      },
    );
}

function checkpointBody({ size, signedAt, verifierKey, note }: StoredCheckpoint) {
  return { size, signed_at: signedAt, verifier_key: verifierKey, note };
}

import { Hono } from "hono";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { StoredCheckpoint } from "../../core/proofs.ts";
import { checkpointListParameters, checkpointPathParameters, tenantParameters } from "../../core/query-parameters.ts";
import { requireScope, tenantOf } from "../access.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { operation } from "../operation.ts";
import { checkpointListBody, logKeysBody, noteText } from "../response-schemas.ts";
import { path, query } from "../validate.ts";

/** `GET /checkpoints`, `/checkpoints/keys` and `/checkpoints/{size}`: what the log signed, and with which keys. For auditors and admins. */
export function checkpointRoutes(parts: ApiParts) {
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
        return context.body(found.note, 200, { "content-type": "text/plain; charset=utf-8" });
      },
    );
}

function checkpointBody({ size, signedAt, verifierKey, note }: StoredCheckpoint) {
  return { size, signed_at: signedAt, verifier_key: verifierKey, note };
}

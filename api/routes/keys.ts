import { Hono } from "hono";
import { z } from "zod";
import { makeApiKey } from "../../core/api-key.ts";
import { AuditError } from "../../core/errors.ts";
import { formatTimestamp, parseTimestamp } from "../../core/format/timestamp.ts";
import { keyBodyOf, type KeyRecord, scopes } from "../../core/key-admin.ts";
import { limits } from "../../core/limits.ts";
import { noParameters, tenantParameters, whole } from "../../core/query-parameters.ts";
import { requireScope, tenantOf } from "../access.ts";
import { bodyDescription, bodyOf } from "../body.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { adminRefusals, answer, described, operation } from "../operation.ts";
import { ownRecords } from "../own-record.ts";
import { keyBody, keyListBody, newKeyBody } from "../response-schemas.ts";
import { bodyTenant, storedText } from "../retention-schemas.ts";
import { path, query } from "../validate.ts";

const keyId = z.string().regex(/^[0-9a-z]{12}$/, { error: "must be the id of a key: 12 lower-case letters and digits" });

const pathParameters = z.strictObject({ id: keyId.meta({ description: "the part of the key between aud_ and the secret" }) });

const listParameters = z.strictObject({
  tenant_id: tenantParameters.shape.tenant_id,
  limit: whole("keys on a page", 1, limits.keysPerPageMax, limits.keysPerPage).optional(),
  cursor: keyId.meta({ description: "next_cursor of the page before" }).optional(),
});

const createBody = z.strictObject({
  tenant_id: bodyTenant,
  name: storedText("what people call the key", limits.indexedBytesMax),
  scopes: z.array(z.enum(scopes, { error: `must be one of ${scopes.join(", ")}` }), { error: "must be a list of scopes" })
    .min(1, { error: "must name a scope" }).max(scopes.length, { error: "names a scope twice" })
    .refine((list) => new Set(list).size === list.length, { error: "names a scope twice" })
    .meta({ description: "what the key allows: export includes read, admin includes export" }),
  expires_at: z.string({ error: "must be a time" }).refine((value) => parseTimestamp(value) !== undefined, {
    error: "must be an RFC 3339 time with an offset, like 2026-01-31T08:00:00Z",
  })
    .meta({ description: "when it ends; never when absent", format: "date-time" }).nullish(),
});

const createDescription =
  `The answer holds the key itself, this once: only its hash is kept. Programs send it as Authorization: Bearer or as apikey. Recorded as
audit.key.created in the tenant's log.`;
const noSuchKey = { 404: "The tenant has no such key" };
const revokeDescription = `For good, and effective everywhere within 60 seconds. A key that was revoked before stays as it is. Recorded as audit.key.revoked.`;

/** `POST`, `GET` and `DELETE /keys`, for admins. A key appears whole in one answer, once, and in no log. */
export function keyRoutes(parts: ApiParts) {
  const admins = requireScope(parts.authenticate, "admin");
  const record = ownRecords(parts);
  const shown = (key: KeyRecord) => keyBodyOf(key, parts.now());
  return new Hono<ApiEnv>()
    .get("/keys", operation("List API keys, newest first", keyListBody), admins, query(listParameters), async (context) => {
      const { tenant_id, limit = limits.keysPerPage, cursor } = context.req.valid("query");
      const caller = context.get("caller");
      const found = await parts.keys.list(caller.claims, tenantOf(caller, tenant_id), limit + 1, cursor);
      const page = found.slice(0, limit);
      return context.json({ keys: page.map(shown), next_cursor: found.length > limit ? page.at(-1)?.id ?? null : null });
    })
    .get(
      "/keys/:id",
      operation("Read one API key", keyBody, { refusals: noSuchKey }),
      admins,
      path(pathParameters),
      query(tenantParameters),
      async (context) => {
        const caller = context.get("caller");
        const key = await parts.keys.find(caller.claims, tenantOf(caller, context.req.valid("query").tenant_id), context.req.valid("param").id);
        if (key === undefined) throw notFound("read");
        return context.json({ key: shown(key) });
      },
    )
    .post("/keys", documentedCreate, admins, query(noParameters), async (context) => {
      const caller = context.get("caller");
      const wanted = await bodyOf(context.req.raw, createBody);
      const tenantId = tenantOf(caller, wanted.tenant_id ?? undefined);
      const expiresAt = expiryOf(wanted.expires_at, parts.now());
      const made = makeApiKey(parts.randomBytes);
      const asked = scopes.filter((scope) => wanted.scopes.includes(scope));
      const detail = { name: wanted.name, scopes: asked, ...expiresAt === undefined ? {} : { expires_at: expiresAt } };
      const row = record(context, tenantId, { type: "audit.key.created", objectType: "audit.key", objectId: made.id, detail });
      const hash = parts.sha256(new TextEncoder().encode(made.text));
      const key = await parts.keys.create(caller.claims, { id: made.id, tenantId, name: wanted.name, scopes: asked, expiresAt, hash }, row);
      return context.json({ key: shown(key), secret: made.text }, 201, { location: `keys/${key.id}` });
    })
    .delete(
      "/keys/:id",
      operation("Revoke an API key", keyBody, { description: revokeDescription, refusals: noSuchKey }),
      admins,
      path(pathParameters),
      query(tenantParameters),
      async (context) => {
        const { id } = context.req.valid("param");
        const caller = context.get("caller");
        const tenantId = tenantOf(caller, context.req.valid("query").tenant_id);
        const row = record(context, tenantId, { type: "audit.key.revoked", objectType: "audit.key", objectId: id, detail: {} });
        const key = await parts.keys.revoke(caller.claims, tenantId, id, row);
        if (key === undefined) throw notFound("revoke");
        return context.json({ key: shown(key) });
      },
    );
}

const documentedCreate = described({
  summary: "Make an API key",
  description: createDescription,
  requestBody: bodyDescription(createBody),
  responses: {
    201: answer("The key, shown this once", newKeyBody),
    ...adminRefusals({ 409: "The tenant has as many keys in use as it may" }),
  },
}, { sends: { 201: ["Location"] } });

/** When the key ends, to the millisecond; undefined for one that does not. Throws `invalid_request` when it would have ended before it is made. */
function expiryOf(asked: string | null | undefined, now: Date): string | undefined {
  const ms = asked ? parseTimestamp(asked) : undefined;
  if (ms === undefined) return undefined;
  if (ms <= now.getTime()) throw new AuditError("invalid_request", "create API key: expires_at has passed", { pointer: "/expires_at" });
  return formatTimestamp(ms);
}

function notFound(action: string): AuditError {
  return new AuditError("not_found", `${action} API key: the tenant has none with this id`);
}

import { Hono } from "hono";
import { z } from "zod";
import { AuditError } from "../../core/errors.ts";
import { makeUuid7 } from "../../core/format/uuid7.ts";
import type { HoldReach, HoldScope } from "../../core/hold-admin.ts";
import { limits } from "../../core/limits.ts";
import { holdIdParameters, noParameters, tenantParameters, whole } from "../../core/query-parameters.ts";
import { parseSpan } from "../../core/query-time.ts";
import { requireScope, tenantOf } from "../access.ts";
import { bodyDescription, bodyOf } from "../body.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { adminRefusals, answer, described, operation } from "../operation.ts";
import { ownRecords } from "../own-record.ts";
import { bodyTenant, bodyTime, holdBody, holdListBody, reason, storedText } from "../retention-schemas.ts";
import { path, query } from "../validate.ts";

const listParameters = z.strictObject({
  tenant_id: tenantParameters.shape.tenant_id,
  status: z.enum(["active", "released"], { error: "must be active or released" }).meta({ description: "both when absent" }).optional(),
  limit: whole("holds on a page", 1, limits.holdsPerPageMax, limits.holdsPerPage).optional(),
  cursor: holdIdParameters.shape.id.meta({ description: "next_cursor of the page before" }).optional(),
});

const placeBody = z.strictObject({
  tenant_id: bodyTenant,
  reason,
  object_type: z.string({ error: "must be text" }).regex(/^[A-Za-z0-9_.:/-]{1,100}$/, {
    error: "must be the name of a type: 1 to 100 letters, digits and _ . : / -",
  }).toLowerCase()
    .meta({ description: "only events about objects of this type" }).nullish(),
  object_id: storedText("only events about objects with this id", limits.indexedBytesMax).nullish(),
  actor_id: storedText("only events of this actor", limits.indexedBytesMax).nullish(),
  from: bodyTime("first moment that it covers; from the beginning when absent").nullish(),
  to: bodyTime("last moment that it covers, a bare date with its whole day; without end when absent").nullish(),
});

const releaseBody = z.strictObject({ tenant_id: bodyTenant, reason });

const placeDescription = `What it covers neither expires nor is softly deleted, from the answer on; it may still be archived. All that is named must be so of an
event; with nothing named the hold covers all of the tenant. An archived day that it may reach into is kept whole. Recorded as audit.hold.placed.`;
const releaseDescription = "For good; a hold that was released before stays as it is. Recorded as audit.hold.released.";

/** `POST` and `GET /holds`, `POST /holds/{id}/release`: placed and released by admins, read by auditors. */
export function holdRoutes(parts: ApiParts) {
  const admins = requireScope(parts.authenticate, "admin");
  const auditors = requireScope(parts.authenticate, "export");
  const record = ownRecords(parts);
  return new Hono<ApiEnv>()
    .get("/holds", operation("List legal holds, newest first", holdListBody), auditors, query(listParameters), async (context) => {
      const { tenant_id, status, limit = limits.holdsPerPage, cursor } = context.req.valid("query");
      const caller = context.get("caller");
      const isActive = status === undefined ? undefined : status === "active";
      const found = await parts.holds.list(caller.claims, tenantOf(caller, tenant_id), { limit: limit + 1, after: cursor, isActive });
      const page = found.slice(0, limit);
      return context.json({ holds: page.map(bodyOfHold), next_cursor: found.length > limit ? page.at(-1)?.hold.id ?? null : null });
    })
    .get(
      "/holds/:id",
      operation("Read one legal hold", holdBody, { refusals: noSuchHold }),
      auditors,
      path(holdIdParameters),
      query(tenantParameters),
      async (context) => {
        const caller = context.get("caller");
        const found = await parts.holds.find(caller.claims, tenantOf(caller, context.req.valid("query").tenant_id), context.req.valid("param").id);
        if (found === undefined) throw notFound("read");
        return context.json({ hold: bodyOfHold(found) });
      },
    )
    .post("/holds", documented("Place a legal hold", placeDescription, placeBody, 201), admins, query(noParameters), async (context) => {
      const caller = context.get("caller");
      const wanted = await bodyOf(context.req.raw, placeBody);
      const tenantId = tenantOf(caller, wanted.tenant_id ?? undefined);
      const scope = scopeOf(wanted);
      const id = makeUuid7(parts.now().getTime(), parts.randomBytes(16));
      const detail = { reason: wanted.reason, ...detailOf(scope) };
      const row = record(context, tenantId, { type: "audit.hold.placed", objectType: "audit.hold", objectId: id, detail });
      const placed = await parts.holds.place(caller.claims, { id, tenantId, reason: wanted.reason, ...scope, placedBy: caller.principal }, row);
      return context.json({ hold: bodyOfHold(placed) }, 201, { location: `holds/${id}` });
    })
    .post(
      "/holds/:id/release",
      documented("Release a legal hold", releaseDescription, releaseBody, 200),
      admins,
      path(holdIdParameters),
      query(noParameters),
      async (context) => {
        const { id } = context.req.valid("param");
        const caller = context.get("caller");
        const wanted = await bodyOf(context.req.raw, releaseBody);
        const tenantId = tenantOf(caller, wanted.tenant_id ?? undefined);
        const row = record(context, tenantId, { type: "audit.hold.released", objectType: "audit.hold", objectId: id, detail: { reason: wanted.reason } });
        const released = await parts.holds.release(caller.claims, tenantId, id, { by: caller.principal, reason: wanted.reason }, row);
        if (released === undefined) throw notFound("release");
        return context.json({ hold: bodyOfHold(released) });
      },
    );
}

const noSuchHold = { 404: "The tenant has no such hold" };

function documented(summary: string, description: string, body: z.ZodType, status: 200 | 201) {
  return described({
    summary,
    description,
    requestBody: bodyDescription(body),
    responses: {
      [status]: answer("The hold", holdBody),
      ...adminRefusals(status === 200 ? noSuchHold : { 409: "Archives that it would cover are being deleted: nothing was placed" }),
    },
  }, { sends: { 201: ["Location"], 409: ["Retry-After"] } });
}

/** What a hold is to cover. Throws `invalid_request` when it would end before it begins. */
function scopeOf({ object_type, object_id, actor_id, ...wanted }: z.output<typeof placeBody>): HoldScope {
  const from = parseSpan(wanted.from ?? "")?.first;
  const to = parseSpan(wanted.to ?? "")?.last;
  if (from !== undefined && to !== undefined && from > to) {
    throw new AuditError("invalid_request", "place hold: it ends before it begins", { pointer: "/from" });
  }
  return { objectType: object_type ?? undefined, objectId: object_id ?? undefined, actorId: actor_id ?? undefined, from, to };
}

/** The parts of a scope that are named, as the record of the hold says them. */
function detailOf({ objectType, objectId, actorId, from, to }: HoldScope): { readonly [name: string]: string } {
  const named = Object.entries({ object_type: objectType, object_id: objectId, actor_id: actorId, from, to });
  return Object.fromEntries(named.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function notFound(action: string): AuditError {
  return new AuditError("not_found", `${action} hold: the tenant has none with this id`);
}

function bodyOfHold({ hold, archivedDays }: HoldReach) {
  return {
    id: hold.id,
    tenant_id: hold.tenantId,
    status: hold.release === undefined ? "active" as const : "released" as const,
    reason: hold.reason,
    object_type: hold.objectType ?? null,
    object_id: hold.objectId ?? null,
    actor_id: hold.actorId ?? null,
    from: hold.from ?? null,
    to: hold.to ?? null,
    placed_by: hold.placedBy,
    placed_at: hold.placedAt,
    released_by: hold.release?.by ?? null,
    released_at: hold.release?.at ?? null,
    release_reason: hold.release?.reason ?? null,
    archived_days: archivedDays,
  };
}

import { Hono } from "hono";
import { z } from "zod";
import { isOwnEvent } from "../../core/deletion-admin.ts";
import { AuditError } from "../../core/errors.ts";
import { eventKeyParameters, idParameters } from "../../core/query-parameters.ts";
import { requireScope, tenantOf } from "../access.ts";
import { bodyDescription, bodyOf } from "../body.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { adminRefusals, answer, archiveFault, described } from "../operation.ts";
import { ownRecords } from "../own-record.ts";
import { deletionBody, reason } from "../retention-schemas.ts";
import { path, query } from "../validate.ts";
import { timeOf } from "./events.ts";

const deleteBody = z.strictObject({ reason });

const description = `A record beside the event hides it from everybody but admins who ask with include_deleted=true. The event stays as it was hashed, and so do
all proofs. Refused while a hold covers the event; an archived event is covered by any hold that overlaps its day. Recorded as audit.event.deleted.`;

/** `DELETE /events/{id}`: soft deletion, for admins. */
export function deletionRoutes(parts: ApiParts) {
  const record = ownRecords(parts);
  return new Hono<ApiEnv>().delete(
    "/events/:id",
    documentedDelete,
    requireScope(parts.authenticate, "admin"),
    path(idParameters),
    query(eventKeyParameters),
    async (context) => {
      const { id } = context.req.valid("param");
      const { tenant_id, at } = context.req.valid("query");
      const caller = context.get("caller");
      const wanted = await bodyOf(context.req.raw, deleteBody);
      const key = { tenantId: tenantOf(caller, tenant_id), occurredAt: timeOf(id, at), id };
      const stored = await parts.reader.find(caller.claims, key, true);
      if (stored === undefined) throw notFound();
      if (isOwnEvent(stored.event)) throw new AuditError("conflict", "delete event: it is what the log recorded about itself, which stays");
      const detail = { occurred_at: key.occurredAt, reason: wanted.reason };
      const row = record(context, key.tenantId, { type: "audit.event.deleted", objectType: "audit.event", objectId: id, detail });
      const outcome = await parts.deletions.delete(caller.claims, key, { by: caller.principal, reason: wanted.reason }, row);
      if (outcome === "not_found") throw notFound();
      if (outcome === "held") throw new AuditError("held", "delete event: a legal hold covers it; release the hold first");
      return context.json({ id, occurred_at: key.occurredAt, status: outcome });
    },
  );
}

const documentedDelete = described({
  summary: "Delete an event softly",
  description,
  requestBody: bodyDescription(deleteBody),
  responses: {
    200: answer("It is deleted, now or before", deletionBody),
    ...adminRefusals({ 404: "There is no such event", 409: "A hold covers the event, or it is a record of the log about itself", ...archiveFault }),
  },
});

function notFound(): AuditError {
  return new AuditError("not_found", "delete event: there is none");
}

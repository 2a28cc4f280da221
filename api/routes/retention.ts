import { Hono } from "hono";
import { z } from "zod";
import { AuditError } from "../../core/errors.ts";
import type { Policy } from "../../core/policy-admin.ts";
import { noParameters, tenantParameters } from "../../core/query-parameters.ts";
import { requireScope, tenantOf } from "../access.ts";
import { bodyDescription, bodyOf } from "../body.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { adminRefusals, answer, described, operation } from "../operation.ts";
import { ownRecords } from "../own-record.ts";
import { bodyTenant, retentionBody } from "../retention-schemas.ts";
import { query } from "../validate.ts";

const putBody = z.strictObject({
  tenant_id: bodyTenant,
  retention_years: z.number({ error: "must be a whole number of years, or null" }).int({ error: "must be a whole number" })
    .min(1, { error: "must be from 1 to 100" }).max(100, { error: "must be from 1 to 100" }).nullable()
    .meta({ description: "years to keep; null for the deployment's default" }),
});

const description = `Not below the deployment's floor. Archives that are there already expire by the new policy too; what is held stays. Recorded as
audit.retention.changed.`;

/** `GET` and `PUT /retention`: how long a tenant's events are kept. */
export function retentionRoutes(parts: ApiParts) {
  const readers = requireScope(parts.authenticate, "read");
  const admins = requireScope(parts.authenticate, "admin");
  const record = ownRecords(parts);
  const { retentionYears: defaultYears, retentionFloorYears: floorYears, hotDays } = parts.settings;
  const shown = (tenantId: string, policy: Policy | undefined) => ({
    tenant_id: tenantId,
    retention_years: policy?.years ?? defaultYears,
    is_default: policy?.years === undefined,
    default_years: defaultYears,
    floor_years: floorYears,
    hot_days: hotDays,
    changed_by: policy?.changedBy ?? null,
    changed_at: policy?.changedAt ?? null,
  });
  return new Hono<ApiEnv>()
    .get("/retention", operation("How long events are kept", retentionBody), readers, query(tenantParameters), async (context) => {
      const caller = context.get("caller");
      const tenantId = tenantOf(caller, context.req.valid("query").tenant_id);
      return context.json(shown(tenantId, await parts.policies.find(caller.claims, tenantId)));
    })
    .put("/retention", documentedPut, admins, query(noParameters), async (context) => {
      const caller = context.get("caller");
      const wanted = await bodyOf(context.req.raw, putBody);
      const tenantId = tenantOf(caller, wanted.tenant_id ?? undefined);
      const years = wanted.retention_years ?? undefined;
      if (years !== undefined && years < floorYears) {
        throw new AuditError("invalid_request", `set retention: retention_years is below the floor of ${floorYears}`, { pointer: "/retention_years" });
      }
      const rowOf = (wasYears: number | undefined) => {
        const detail = { from_years: wasYears ?? defaultYears, to_years: years ?? defaultYears };
        return record(context, tenantId, { type: "audit.retention.changed", objectType: "audit.retention", objectId: tenantId, detail });
      };
      const policy = await parts.policies.set(caller.claims, { tenantId, years, defaultYears, changedBy: caller.principal, record: rowOf });
      return context.json(shown(tenantId, policy));
    });
}

const documentedPut = described({
  summary: "Set how long events are kept",
  description,
  requestBody: bodyDescription(putBody),
  responses: {
    200: answer("The policy", retentionBody),
    ...adminRefusals({ 400: "The body is not valid, or the years are below the floor" }),
  },
});

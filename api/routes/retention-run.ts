import { Hono } from "hono";
import { z } from "zod";
import { dayBefore } from "../../core/archive.ts";
import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { noParameters } from "../../core/query-parameters.ts";
import { requireScope, tenantOf } from "../access.ts";
import { bodyDescription, bodyOf } from "../body.ts";
import type { ApiEnv, ApiParts } from "../context.ts";
import { adminRefusals, answer, described } from "../operation.ts";
import { bodyTenant } from "../retention-schemas.ts";
import { query } from "../validate.ts";

const runBody = z.strictObject({
  tenant_id: bodyTenant,
  dry_run: z.boolean({ error: "must be true or false" }).default(true).meta({ description: "only say what would be done; true unless it is false" }),
});

const count = z.number().int().min(0);
const day = z.object({ date: z.string().meta({ format: "date" }), rows: count, bytes: count.meta({ description: "roughly" }) });
const answerBody = z.object({
  tenant_id: z.string().meta({ format: "uuid" }),
  dry_run: z.boolean(),
  hot_days: count,
  archive: z.object({ days: z.array(day), rows: count, bytes: count }).meta({
    description: "days of the tenant that have left the hot window, as they were found",
  }),
  delete: z.object({ days: z.array(day.extend({ is_held: z.boolean() })), rows: count, bytes: count })
    .meta({ description: "archives whose time is over; what is held is listed and stays" }),
  done: z.object({ status: z.enum(["done", "out_of_time"]), archived_days: z.array(z.string()), deleted: count, failed: count }).nullable()
    .meta({ description: "what this call did, for all tenants together as the schedule does; null after a dry run. `out_of_time`: call again for the rest" }),
});

const daysMax = 400;

/** `POST /retention/run`: what the archiver would do with the tenant's events, or doing it now instead of at its time. */
export function retentionRunRoutes(parts: ApiParts) {
  const admins = requireScope(parts.authenticate, "admin");
  return new Hono<ApiEnv>().post("/retention/run", documentedRun, admins, query(noParameters), async (context) => {
    const caller = context.get("caller");
    const wanted = await bodyOf(context.req.raw, runBody);
    const tenantId = tenantOf(caller, wanted.tenant_id ?? undefined);
    const { hotDays } = parts.settings;
    const due = await parts.retentionPreview.daysToArchive(caller.claims, tenantId, dayBefore(parts.now(), hotDays), daysMax);
    const over = await parts.retentionPreview.archivesToDelete(caller.claims, tenantId, daysMax);
    const free = over.filter((archive) => !archive.isHeld);
    return context.json({
      tenant_id: tenantId,
      dry_run: wanted.dry_run,
      hot_days: hotDays,
      archive: { days: due.map(({ day, rows, bytes }) => ({ date: day, rows, bytes })), ...sumOf(due) },
      delete: { days: over.map(({ day, rows, bytes, isHeld }) => ({ date: day, rows, bytes, is_held: isHeld })), ...sumOf(free) },
      done: wanted.dry_run ? null : await run(parts),
    });
  });
}

async function run({ runArchiver }: ApiParts) {
  if (runArchiver === undefined) {
    throw new AuditError("unavailable", "run retention: this service has no archive or no signing key; the function audit-retention does the work", {
      retryAfterSeconds: 3600,
    });
  }
  const { status, dropped, expired, failed } = await runArchiver(limits.archiveBudgetMs);
  return { status, archived_days: dropped, deleted: expired, failed };
}

function sumOf(days: readonly { readonly rows: number; readonly bytes: number }[]) {
  return { rows: days.reduce((sum, { rows }) => sum + rows, 0), bytes: days.reduce((sum, { bytes }) => sum + bytes, 0) };
}

const documentedRun = described({
  summary: "Archive what is due, or say what that is",
  description:
    "A dry run unless `dry_run` is false. The same work as the schedule's, and as safe: nothing leaves Postgres before it was read back and compared.",
  requestBody: bodyDescription(runBody),
  responses: {
    200: answer("What is due, and what was done", answerBody),
    ...adminRefusals(),
  },
});

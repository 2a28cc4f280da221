import { z } from "zod";
import { limits } from "../core/limits.ts";
import { parseSpan } from "../core/query-time.ts";

const time = z.string().meta({ format: "date-time" });
const uuid = z.string().meta({ format: "uuid" });
const hash = z.string().meta({ description: "SHA-256 in hexadecimal" });
const count = z.number().int().min(0);

/** Why something was done about the log itself; it stands in the event that records it. */
export const reason = storedText("why; it is kept with the record", limits.reasonBytesMax);

/** `tenant_id` in a body. */
export const bodyTenant = z.guid({ error: "must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000" }).toLowerCase().meta({
  description: "needed when the credential is good for several tenants",
})
  .nullish();

/** Text in a body that the database can store. */
export function storedText(description: string, bytesMax: number) {
  return z.string({ error: "must be text" }).min(1, { error: "is empty" })
    .refine((value) => new TextEncoder().encode(value).length <= bytesMax, { error: `is longer than ${bytesMax} bytes` })
    .refine((value) => value.isWellFormed() && !value.includes("\0"), { error: "holds a character that cannot be stored" })
    .meta({ description });
}

/** A time or a date in a body. */
export function bodyTime(description: string) {
  return z.string({ error: "must be a time" }).refine((value) => parseSpan(value) !== undefined, {
    error: "must be a date or time like 2026-01-31 or 2026-01-31T08:00:00Z",
  })
    .meta({ description });
}

const hold = z.object({
  id: uuid,
  tenant_id: uuid,
  status: z.enum(["active", "released"]),
  reason: z.string(),
  object_type: z.string().nullable(),
  object_id: z.string().nullable(),
  actor_id: z.string().nullable(),
  from: time.nullable(),
  to: time.nullable(),
  placed_by: z.string(),
  placed_at: time,
  released_by: z.string().nullable(),
  released_at: time.nullable(),
  release_reason: z.string().nullable(),
  archived_days: count.meta({ description: "archived days that it keeps, each of them whole; 0 once released" }),
});
export const holdBody = z.object({ hold });
export const holdListBody = z.object({ holds: z.array(hold), next_cursor: z.string().nullable() });

const years = z.number().int().min(1).max(100);
export const retentionBody = z.object({
  tenant_id: uuid,
  retention_years: years.meta({ description: "years after the end of a day before its archive expires, unless it is held" }),
  is_default: z.boolean().meta({ description: "true where the tenant has no policy of its own" }),
  default_years: years,
  floor_years: years.meta({ description: "the least that a tenant's policy may say" }),
  hot_days: count.meta({ description: "days that stay in Postgres before they are archived" }),
  changed_by: z.string().nullable(),
  changed_at: time.nullable(),
});

const archive = z.object({
  tenant_id: uuid,
  day: z.string().meta({ format: "date" }),
  state: z.enum(["archived", "restored", "expiring", "deleted"]),
  rows: count,
  files: count,
  bytes: count,
  first_log_index: count,
  last_log_index: count,
  checkpoint_size: count,
  checkpoint_root: hash,
  manifest_key: z.string(),
  manifest_sha256: hash,
  archived_at: time,
  expires_at: time,
  deleted_at: time.nullable(),
  held: z.boolean().meta({ description: "true while a hold overlaps the day: it does not expire then" }),
});
export const archiveListBody = z.object({ archives: z.array(archive), next_cursor: z.string().nullable() });

export const deletionBody = z.object({
  id: uuid,
  occurred_at: time,
  status: z.enum(["deleted", "deleted_before"]),
});

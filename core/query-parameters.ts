import { z } from "zod";
import { eventResults } from "./event.ts";
import { limits } from "./limits.ts";
import { parseQuery } from "./query-language.ts";
import { parseNetwork } from "./query-network.ts";
import { parseSpan } from "./query-time.ts";

/**
 * The parameters of reading routes. These schemas validate, and the OpenAPI document is made from them. Every message is ours: none repeats
 * a value. Each value is text: `api/validate.ts` says of a parameter that is given twice that it is. Objects are strict: a parameter with a typing error would
 * otherwise silently widen what is shown.
 */
const filterShape = {
  tenant_id: uuid("tenant that is meant; needed when the credential is good for several").optional(),
  from: time("first moment of the window: RFC 3339, or a date; default seven days before the end").optional(),
  start_date: time("the same as from").optional(),
  to: time("last moment of the window; a bare date includes its whole day; default now, and what is dated ahead of it").optional(),
  end_date: time("the same as to").optional(),
  source: typeName("system that the event came from").optional(),
  event_type: typeName("what happened").optional(),
  operation_type: typeName("the same as event_type").optional(),
  result: lowered("how it ended").pipe(z.enum(eventResults, { error: `must be one of ${eventResults.join(", ")}` })).meta({ enum: eventResults }).optional(),
  actor_id: text("who did it", limits.indexedBytesMax).optional(),
  actor_type: typeName("kind of actor").optional(),
  object_type: typeName("kind of object").optional(),
  object_id: text("what it was done to", limits.indexedBytesMax).optional(),
  ip_address: text("address or network it came from, like 192.0.2.7 or 10.0.0.0/8", 64)
    .refine((value) => parseNetwork(value) !== undefined, { error: "must be an IP address or network, like 192.0.2.7 or 10.0.0.0/8" }).optional(),
  request_id: text("request it belongs to", limits.indexedBytesMax).optional(),
  q: text("query, like actor:alice action:order.* -result:success", limits.queryStringBytesMax).check(queryFaults).optional(),
  include_deleted: flag("also show softly deleted events; admins only").optional(),
};

const orderParameter = z.enum(["asc", "desc"], { error: "must be asc or desc" }).meta({ description: "by time; default desc, newest first" }).optional();
const cursorParameter = text("next_cursor of the page before", 1024).optional();

/** What says which events: shared by list, export and statistics. */
export const filterParameters = z.strictObject(filterShape).check(oneName);
export type FilterParameters = z.output<typeof filterParameters>;

export const listParameters = z.strictObject({
  ...filterShape,
  order: orderParameter,
  limit: whole("events on a page", 1, limits.queryRowsMax, limits.queryRowsDefault).optional(),
  cursor: cursorParameter,
  offset: whole("events to skip; for deep pages use cursor", 0, limits.queryOffsetMax, 0).optional(),
}).check(oneName);

/** Following the log reads as far as it goes: without a window it has none. */
export const streamParameters = z.strictObject({
  ...filterShape,
  from: time("only events of this moment or later: RFC 3339, or a date; default all").optional(),
  to: time("only events of this moment or earlier; a bare date includes its whole day; default all").optional(),
}).check(oneName);

export const exportFormats = ["csv", "ndjson", "parquet"] as const;
export type ExportFormat = (typeof exportFormats)[number];

export const exportParameters = z.strictObject({
  ...filterShape,
  order: orderParameter,
  cursor: cursorParameter,
  format: z.enum(exportFormats, { error: `must be one of ${exportFormats.join(", ")}` }).meta({ description: "default csv" }).optional(),
}).check(oneName);

export const statsParameters = z.strictObject({
  ...filterShape,
  buckets: whole("most bars of the histogram", 1, limits.statsBucketsMax, limits.statsBucketsMax).optional(),
}).check(oneName);

export const eventParameters = z.strictObject({
  tenant_id: filterShape.tenant_id,
  at: time("occurred_at of the event; not needed for a version-7 id made by the service").optional(),
  include_deleted: filterShape.include_deleted,
});

/** What names an event beside its id. */
export const eventKeyParameters = z.strictObject({ tenant_id: eventParameters.shape.tenant_id, at: eventParameters.shape.at });

export const checkpointListParameters = z.strictObject({
  tenant_id: filterShape.tenant_id,
  below: size("only checkpoints of fewer leaves").optional(),
  limit: whole("checkpoints on a page", 1, limits.checkpointsPerPageMax, limits.checkpointsPerPage).optional(),
});

export const checkpointPathParameters = z.strictObject({
  size: z.string().regex(/^(latest|0|[1-9]\d{0,14})$/, { error: "must be latest or a number of leaves" }).meta({
    description: "latest, or a number of leaves",
  }),
});

export const consistencyParameters = z.strictObject({
  tenant_id: filterShape.tenant_id,
  from: size("leaves of the older tree"),
  to: size("leaves of the newer tree; default the newest checkpoint").optional(),
});

export const idParameters = z.strictObject({ id: uuid("id of the event") });

export const holdIdParameters = z.strictObject({ id: uuid("id of the hold") });

export const windowParameters = z.strictObject({
  tenant_id: filterShape.tenant_id,
  from: filterShape.from,
  to: filterShape.to,
});

/** Of routes that read their body only: a tenant named here would go unheard, and the caller's own be changed instead. */
export const noParameters = z.strictObject({});

export const tenantParameters = z.strictObject({ tenant_id: filterShape.tenant_id });

/** Text that Postgres can store: a NUL or a lone surrogate in a parameter would be its error, not ours. */
function text(description: string, bytesMax: number) {
  return z.string().min(1, { error: "is empty; leave it out" })
    .refine((value) => new TextEncoder().encode(value).length <= bytesMax, { error: `is longer than ${bytesMax} bytes` })
    .refine((value) => value.isWellFormed() && !value.includes("\0"), { error: "holds a character that no event can hold" })
    .meta({ description });
}

function lowered(description: string) {
  return z.string().transform((value) => value.toLowerCase()).meta({ description });
}

function typeName(description: string) {
  const error = `must be 1 to ${limits.typeNameLengthMax} of the characters A-Z a-z 0-9 _ . : / -`;
  return z.string().regex(/^[A-Za-z0-9_.:/-]{1,100}$/, { error }).meta({ description });
}

function uuid(description: string) {
  const error = "must be a UUID, such as 123e4567-e89b-12d3-a456-426614174000";
  return z.string().regex(/^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/, { error })
    .transform((value) => value.toLowerCase()).meta({ description, format: "uuid" });
}

function time(description: string) {
  const error = "must be a date or time, like 2026-01-31 or 2026-01-31T08:00:00Z (write + as %2B)";
  return z.string().refine((value) => parseSpan(value) !== undefined, { error }).meta({ description });
}

export function whole(description: string, min: number, max: number, fallback: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.string().regex(/^\d{1,9}$/, { error }).transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }))
    .meta({ description: `${description}; default ${fallback}`, type: "integer", minimum: min, maximum: max, pattern: undefined });
}

/** A number of leaves. */
function size(description: string) {
  return z.string({ error: "must be given" }).regex(/^(0|[1-9]\d{0,14})$/, { error: "must be a number of leaves" }).transform(Number)
    .meta({ description, type: "integer", minimum: 0, pattern: undefined });
}

function flag(description: string) {
  return z.enum(["true", "false"], { error: "must be true or false" }).transform((value) => value === "true").meta({ description });
}

function queryFaults(context: z.core.ParsePayload<string>): void {
  for (const { message, ...place } of parseQuery(context.value).faults) {
    context.issues.push({ code: "custom", message, params: place, input: context.value });
  }
}

/** One thing under both of its names would make one of them a lie. */
function oneName(context: z.core.ParsePayload<Readonly<Record<string, unknown>>>): void {
  for (const [name, other] of [["from", "start_date"], ["to", "end_date"], ["event_type", "operation_type"]] as const) {
    if (context.value[name] === undefined || context.value[other] === undefined) continue;
    context.issues.push({ code: "custom", path: [other], message: `says the same as ${name}; give one of them`, input: context.value });
  }
  if (context.value["cursor"] !== undefined && context.value["offset"] !== undefined) {
    context.issues.push({ code: "custom", path: ["offset"], message: "cannot stand beside a cursor, which knows its place", input: context.value });
  }
}

import { z } from "zod";
import { readContext } from "./context-rule.ts";
import type { EventErrorCode } from "./errors.ts";
import { type CandidateEvent, eventResults } from "./event.ts";
import { fieldAliases } from "./event-fields.ts";
import { exceedsBytes } from "./exceeds-bytes.ts";
import { type Faults, unstorable } from "./field-rules.ts";
import { parseIpAddress } from "./format/ip-address.ts";
import { formatTimestamp, parseTimestamp } from "./format/timestamp.ts";
import { uuid7Ms } from "./format/uuid7.ts";
import { limits } from "./limits.ts";

/*
 * An event as a schema: what the API's description publishes, and what `validateEvent` is held equal to by a test. Batches are checked by
 * `validateEvent`, which takes a tenth of the time.
 */

const typeName = z.string().regex(new RegExp(`^[A-Za-z0-9_.:/-]{1,${limits.typeNameLengthMax}}$`)).toLowerCase();
const uuid = z.string().regex(/^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$/).toLowerCase().meta({ format: "uuid" });
const indexed = text(limits.indexedBytesMax);
const actorId = indexed.describe("Who did it: an id or an address of your choice");
const eventType = typeName.describe("What happened, such as order.created; stored in lower case. Types that begin with audit. are the log's own");
const context = z.unknown().transform((value, refinement) => {
  const faults: Faults = [];
  const json = readContext(value, "", faults);
  // A pointer "/a/0" is the path ["a", "0"]; where its last keys were too long to repeat, the path ends before them too.
  for (const fault of faults) refuse(refinement, fault.code, fault.message, fault.pointer.split("/").slice(1).map(unescaped));
  return json === undefined ? z.NEVER : { value: value as CandidateEvent["context"], json };
}).meta({ type: "object", description: `Anything else: an object of at most ${limits.contextBytesMax} bytes as canonical JSON` });
const time = z.string().transform((value, refinement) => {
  const ms = parseTimestamp(value);
  if (ms === undefined) refuse(refinement, "invalid_value", "must be an RFC 3339 time with an offset");
  return ms ?? z.NEVER;
}).meta({ format: "date-time", description: "When it happened, RFC 3339; cut to milliseconds. Absent: the id's time, else when it arrived" });

/** The fields of an event under all their names; null counts as absent. What several fields say together is in `eventSchema`. */
export const eventFieldsSchema = z.strictObject({
  id: uuid.describe("Identity within tenant and time; must be of version 7 when occurred_at is absent").nullish(),
  tenant_id: uuid.describe("Absent: the credential's only tenant, or the default one").nullish(),
  occurred_at: time.nullish(),
  timestamp: time.nullish(),
  source: typeName.describe("Which system speaks").nullish(),
  actor_id: actorId.nullish(),
  operator: actorId.nullish(),
  actor_type: typeName.nullish(),
  event_type: eventType.nullish(),
  operation_type: eventType.nullish(),
  object_type: typeName.nullish(),
  object_id: indexed.describe("What it was done to").nullish(),
  result: z.enum(eventResults).describe("Absent: success").nullish(),
  message: text(limits.messageBytesMax).nullish(),
  duration_ms: z.number().transform((ms, refinement) => {
    if (ms >= 0 && Math.round(ms) <= limits.durationMsMax) return Math.round(ms) + 0;
    return refuse(refinement, "number_out_of_range", "must be a number of milliseconds");
  }).meta({ minimum: 0, maximum: limits.durationMsMax, description: "How long it took; rounded to whole milliseconds" }).nullish(),
  context: context.nullish(),
  extra_info: context.nullish(),
  ip_address: z.string().transform((value, refinement) => {
    return parseIpAddress(value) ?? refuse(refinement, "invalid_value", "must be an IPv4 or IPv6 address");
  }).meta({ description: "IPv4 or IPv6 without port, mask or zone; an end user's request fills it in" }).nullish(),
  user_agent: text(limits.userAgentBytesMax).nullish(),
  device_fingerprint: indexed.nullish(),
  request_id: indexed.nullish(),
  producer_id: indexed.nullish(),
  producer_seq: z.number().transform((value, refinement) => {
    if (Number.isSafeInteger(value) && value >= 0) return value + 0;
    return refuse(refinement, Number.isInteger(value) ? "number_out_of_range" : "invalid_value", "must be a whole number");
  }).meta({ type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }).nullish(),
});

type Fields = z.output<typeof eventFieldsSchema>;

/** An event as a caller sends it, turned into stored form with its context's canonical JSON beside it. */
export const eventSchema = eventFieldsSchema.transform((fields, refinement) => {
  for (const [alias, name] of Object.entries(fieldAliases) as [keyof typeof fieldAliases, (typeof fieldAliases)[keyof typeof fieldAliases]][]) {
    const [one, other] = [comparable(fields[name]), comparable(fields[alias])];
    if (one !== undefined && other !== undefined && one !== other) refuse(refinement, "ambiguous_field", `differs from ${name}`, [alias]);
  }
  const { timestamp, operator, operation_type, extra_info, ...named } = fields;
  const type = named.event_type ?? operation_type;
  if (!type) refuse(refinement, "required", "is required", ["event_type"]);
  const ms = named.occurred_at ?? timestamp ?? (named.id ? uuid7Ms(named.id) : undefined);
  if (ms === undefined && named.id) refuse(refinement, "id_needs_time", "must be a version-7 UUID when occurred_at is absent", ["id"]);
  const held = named.context ?? extra_info;
  const event = {
    ...named,
    occurred_at: ms === undefined ? undefined : formatTimestamp(ms),
    actor_id: named.actor_id ?? operator,
    event_type: type,
    result: named.result ?? "success",
    context: held?.value,
  };
  const present = Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined && value !== null));
  return { event: present as CandidateEvent, contextJson: held?.json };
}).meta({ anyOf: [{ required: ["event_type"] }, { required: ["operation_type"] }] });

/** One request to a door that takes `eventsMax` events. */
export function batchSchema(eventsMax: number) {
  return z.union([z.strictObject({ events: z.array(eventSchema).min(1).max(eventsMax) }), eventSchema]);
}

function text(bytesMax: number) {
  return z.string().max(bytesMax).superRefine((value, refinement) => {
    if (exceedsBytes(value, bytesMax)) return void refuse(refinement, "too_long", `must not have more than ${bytesMax} bytes of UTF-8`);
    const reason = unstorable(value);
    if (reason !== undefined) refuse(refinement, reason.code, reason.message);
  });
}

function refuse(refinement: z.RefinementCtx, code: EventErrorCode, message: string, path: string[] = []): never {
  refinement.addIssue({ code: "custom", message, path, params: { code } });
  return z.NEVER;
}

function comparable(value: Fields[keyof Fields]): string | number | undefined {
  if (value === null || value === undefined) return undefined;
  return typeof value === "object" ? value.json : value;
}

function unescaped(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

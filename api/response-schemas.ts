import { z } from "zod";
import { eventResults } from "../core/event.ts";
import { scopes } from "../core/key-admin.ts";

const time = z.string().meta({ format: "date-time" });
const uuid = z.string().meta({ format: "uuid" });
const hash = z.string().meta({ description: "SHA-256 in hexadecimal" });

/** An event as it is answered: its stored fields, those that are absent left out. */
const eventFields = z.object({
  tenant_id: uuid,
  occurred_at: time,
  id: uuid,
  received_at: time,
  principal: z.string(),
  source: z.string().optional(),
  actor_id: z.string().optional(),
  actor_type: z.string().optional(),
  event_type: z.string(),
  object_type: z.string().optional(),
  object_id: z.string().optional(),
  result: z.enum(eventResults),
  message: z.string().optional(),
  duration_ms: z.number().int().optional(),
  context: z.record(z.string(), z.unknown()).optional(),
  ip_address: z.string().optional(),
  user_agent: z.string().optional(),
  device_fingerprint: z.string().optional(),
  request_id: z.string().optional(),
  producer_id: z.string().optional(),
  producer_seq: z.number().int().optional(),
  leaf_hash: hash,
});

const deleted = z.object({ by: z.string(), at: time, reason: z.string() }).optional().meta({
  description: "only with include_deleted: who deleted it softly, when and why",
});

export const listBody = z.object({
  events: z.array(eventFields.extend({ deleted, href: z.string().meta({ description: "the event itself, relative to this list" }) })),
  next_cursor: z.string().nullable(),
  fresh_as_of: time.meta({ description: "everything acknowledged before this moment was taken into account" }),
  partial: z.literal(true).optional().meta({ description: "time ran out: next_cursor goes on" }),
});

export const eventBody = z.object({ event: eventFields.extend({ deleted }) });

export const noteText = z.string();

const checkpoint = z.object({
  size: z.number().int().min(0).meta({ description: "leaves of the tree" }),
  signed_at: time,
  verifier_key: z.string().meta({ description: "C2SP signed-note verifier key" }),
  note: z.string().meta({ description: "the checkpoint itself, C2SP tlog-checkpoint" }),
});
export const checkpointListBody = z.object({ checkpoints: z.array(checkpoint) });
export const logKeysBody = z.object({ keys: z.array(z.string()), rotations: z.array(z.string().meta({ description: "statement signed with the older key" })) });
export const consistencyBody = z.object({
  old_size: z.number().int(),
  new_size: z.number().int(),
  proof: z.array(z.string().meta({ description: "hash in Base 64, RFC 6962 section 2.1.2" })),
  old_root: z.string().optional(),
  new_root: z.string().optional(),
});

const count = z.number().int().min(0);
const facet = z.array(z.object({ value: z.string(), count }));

export const statsBody = z.object({
  from: time,
  to: time,
  total: count.meta({ description: "events in the histogram" }),
  histogram: z.object({
    bucket_ms: count,
    counted_from: time.nullable().meta({ description: "counts are exact from here on; later than from when time ran out, null when nothing could be counted" }),
    buckets: z.array(z.object({ from: time, to: time, success: count, failure: count, warning: count })),
  }),
  facets: z.object({
    counted_events: count.meta({ description: "newest matching events that facets and percentiles are counted over" }),
    capped: z.boolean().meta({ description: "true when there are more: counts are then of the newest only" }),
    values: z.object({ event_type: facet, source: facet, actor_id: facet, object_type: facet, result: facet }),
  }),
  descriptions: z.record(z.string(), z.string()).meta({ description: "what the event types in the facets mean, of those that the catalogue describes" }),
  duration_ms: z.object({ count, p50: count, p95: count, p99: count, max: count }).nullable(),
  fresh_as_of: time,
  partial: z.literal(true).optional(),
});

export const producersBody = z.object({
  from: time,
  to: time,
  counted_events: count.meta({ description: "newest events with a counter that were compared" }),
  counted_from: time.meta({ description: "events were compared from here on; later than from when there were too many, or no time for all archived ones" }),
  capped: z.boolean().meta({ description: "true when the window was not compared whole" }),
  producers: z.array(z.object({
    producer_id: z.string(),
    events: count,
    first_seq: count,
    last_seq: count,
    first_at: time,
    last_at: time,
    missing: count.meta({ description: "numbers between first_seq and last_seq that no event carries" }),
    gaps: z.array(z.object({ first_seq: count, last_seq: count, after: time, before: time })).meta({ description: "the latest of them" }),
  })),
  fresh_as_of: time,
});

const apiKey = z.object({
  id: z.string(),
  prefix: z.string().meta({ description: "how the key begins; what follows is secret" }),
  tenant_id: uuid,
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  status: z.enum(["active", "expired", "revoked"]),
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable().meta({ description: "true to a minute" }),
  revoked_at: time.nullable(),
});
export const keyBody = z.object({ key: apiKey });
export const newKeyBody = z.object({ key: apiKey, secret: z.string().meta({ description: "the whole key; it is shown nowhere else and never again" }) });
export const keyListBody = z.object({ keys: z.array(apiKey), next_cursor: z.string().nullable() });

const quota = z.object({
  per_second: count,
  burst: count,
  remaining: count.optional().meta({ description: "tokens that are left" }),
  reset_seconds: count.optional().meta({ description: "seconds until there are tokens again or, when there are, until the bucket is full" }),
}).nullable().meta({ description: "null where nothing is limited, or where the credential is for several tenants" });
export const limitsBody = z.object({
  limits: z.record(z.string(), z.number()),
  settings: z.record(z.string(), z.number()),
  quotas: z.object({
    of: z.enum(["deployment", "caller"]),
    ingest: z.object({ unit: z.literal("events"), tenant: quota, caller: quota }),
    reads: z.object({ unit: z.literal("requests"), tenant: quota, caller: quota }),
  }),
});

export const healthBody = z.object({ status: z.string() });

const eventFault = z.object({ code: z.string(), pointer: z.string(), message: z.string() });

export const ingestBody = z.object({
  created_count: count.optional(),
  duplicate_count: count.optional(),
  rejected_count: count,
  accepted_count: count.optional(),
  durable: z.literal(false).optional(),
  method: z.enum(["edge", "api"]),
  received_at: time,
  principal: z.string(),
  tenant_id: uuid.optional(),
  unlisted_count: count.optional().meta({
    description: "events that do not agree with the deployment's catalogue of event types, and were stored all the same",
  }),
  request_fields: z.record(z.string(), z.string()).optional(),
  results: z.array(z.object({
    index: count,
    id: uuid.optional(),
    occurred_at: time.optional(),
    status: z.enum(["created", "duplicate", "conflict", "rejected", "accepted"]),
    leaf_hash: hash.optional(),
    stored: z.record(z.string(), z.unknown()).optional(),
    error: eventFault.optional(),
    errors: z.array(eventFault).optional(),
  })),
  timing: z.record(z.string(), z.number()),
  request_id: z.string(),
});

const link = z.string().meta({ description: "the query behind the figure, relative to the report" });

export const reportBody = z.object({
  tenant_id: uuid,
  from: time,
  to: time,
  fresh_as_of: time,
  partial: z.literal(true).optional().meta({ description: "there was no time for all archived events: ask for a shorter period" }),
  archived_counted_from: time.optional().meta({ description: "archived events before this moment are not counted" }),
  created_by: z.string(),
  record: z.object({ id: uuid, occurred_at: time }),
  events: z.object({
    total: count,
    query: link,
    by_type: z.array(z.object({ event_type: z.string(), success: count, failure: count, warning: count, query: link })),
    has_more_types: z.boolean(),
  }),
  access: z.object({
    by_principal: z.array(z.object({ principal: z.string(), event_type: z.string(), count, rows: count, last_at: time, query: link })),
    has_more: z.boolean(),
    query: link,
  }),
  seal: z.object({
    tree_size: count,
    sealed: count,
    not_yet_sealed: count,
    changed_before_sealing: count,
    tree_problem: z.string().nullable(),
    query: link,
  }),
  verification: z.object({
    outcome: z.enum(["verified", "tampered", "nothing_signed"]),
    message: z.string(),
    checkpoint: z.object({ size: count, signed_at: time, verifier_key: z.string(), root: hash, note: z.string() }).optional(),
    query: link,
  }),
  deletions: z.object({
    events: count.meta({ description: "events of the period that are softly deleted; the query, for admins, counts them too" }),
    query: link,
  }),
  retention: z.object({ hot_days: count, retention_years: count, is_default: z.boolean(), query: link }),
  holds: z.object({
    active: count.meta({ description: "holds in force now" }),
    query: link,
    placed: count.meta({ description: "placed in the period" }),
    placed_query: link,
    released: count.meta({ description: "released in the period" }),
    released_query: link,
  }),
  archives: z.object({ days: count, rows: count, bytes: count, held: count, expired: count, query: link }),
});

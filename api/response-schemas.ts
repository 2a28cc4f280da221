import { z } from "zod";
import { eventResults } from "../core/event.ts";

const time = z.string().meta({ format: "date-time" });
const uuid = z.string().meta({ format: "uuid" });
const hash = z.string().meta({ description: "SHA-256 in hexadecimal" });

/** An event as it is answered: its stored fields, those that are absent left out. */
export const eventFields = z.object({
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

export const listBody = z.object({
  events: z.array(eventFields.extend({ href: z.string().meta({ description: "the event itself, relative to this list" }) })),
  next_cursor: z.string().nullable(),
  fresh_as_of: time.meta({ description: "everything acknowledged before this moment was taken into account" }),
  partial: z.literal(true).optional().meta({ description: "time ran out: next_cursor goes on" }),
});

export const eventBody = z.object({ event: eventFields });

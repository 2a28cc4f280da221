import { v7 } from "uuid";

/** A producer's event as it posts it, before anything of ours touched it. */
export type SampleEvent = Record<string, unknown> & { readonly id: string; readonly occurred_at: string };

/** How many bytes of JSON an event should have; the context is filled until it does. */
export type EventSize = 300 | 600 | 4096;

const verbs = ["order.created", "order.updated", "order.cancelled", "user.login", "invoice.sent", "config.updated"];
const results = ["success", "success", "success", "success", "failure", "warning"];

/** A small seeded generator (mulberry32), so that both sides of a comparison get the same rows. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * `count` events of about `size` bytes each for `tenantId`, one millisecond apart from `from` on: 10,000 actors, 100,000 objects, so that the
 * text indexes are hit at random as they are in life.
 */
export function sampleEvents(options: { tenantId: string; count: number; size: EventSize; from: number; seed: number }): SampleEvent[] {
  const random = seededRandom(options.seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const events: SampleEvent[] = [];
  for (let index = 0; index < options.count; index++) {
    const at = options.from + index;
    const base = {
      id: v7({ msecs: at }),
      tenant_id: options.tenantId,
      occurred_at: new Date(at).toISOString(),
      actor_id: `user-${Math.floor(random() * 10_000)}`,
      event_type: pick(verbs),
      object_type: "order",
      object_id: `order-${Math.floor(random() * 100_000)}`,
      result: pick(results),
    };
    events.push(fill(base, options.size, random));
  }
  return events;
}

function fill(base: SampleEvent, size: EventSize, random: () => number): SampleEvent {
  const context: Record<string, unknown> = {};
  const rich = size === 300 ? base : {
    ...base,
    source: "checkout-service",
    actor_type: "user",
    duration_ms: Math.floor(random() * 900),
    ip_address: `10.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}.7`,
    request_id: `req-${Math.floor(random() * 1e9).toString(16)}`,
  };
  const event = { ...rich, context };
  for (let key = 0; JSON.stringify(event).length < size - 24; key++) {
    if (key % 3 === 0) context[`amount_${key}`] = Math.floor(random() * 1e6) / 100;
    else context[`note_${key}`] = Math.floor(random() * 2 ** 52).toString(36).padEnd(size > 1000 ? 40 : 12, "x");
  }
  return event;
}

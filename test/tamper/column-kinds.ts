import { letters, otherText, pick, sealedEvent, type Tamper } from "./tamper.ts";

/** Each column of the leaf but those of the key, and what a forger writes there. */
const columnValues: Readonly<Record<string, (random: () => number, value: unknown) => unknown>> = {
  received_at: (random, value) => new Date(Date.parse(String(value)) + 1 + Math.floor(random() * 50)).toISOString(),
  principal: otherText,
  source: otherText,
  actor_id: otherText,
  actor_type: otherText,
  event_type: otherText,
  object_type: otherText,
  object_id: otherText,
  result: (random, value) => pick(random, ["success", "failure", "warning"].filter((other) => other !== value)),
  message: otherText,
  duration_ms: (random, value) => (Number(value ?? 0) + 1 + Math.floor(random() * 99)) % 2_147_483_647,
  context: (random, value) => ({ ...value as object, [`added ${letters(random)}`]: true }),
  ip_address: (random) => `198.51.100.${Math.floor(random() * 256)}`,
  user_agent: otherText,
  device_fingerprint: otherText,
  request_id: otherText,
  producer_id: otherText,
  producer_seq: (random, value) => Number(value ?? 0) === 0 ? 1 + Math.floor(random() * 1000) : Number(value) - 1,
};
/** Columns whose old value a checker finds again, because there are few candidates near the new one. */
const derivable = new Set(["result", "received_at", "duration_ms", "producer_seq"]);

export const columnKinds = Object.entries(columnValues).map(([column, value]): Tamper => ({
  name: `column ${column}`,
  apply: (log, random) => {
    const event = sealedEvent(log, random);
    const hadValue = event.event[column] !== undefined;
    event.event[column] = value(random, event.event[column]);
    // A value where there was none is found by taking it away again; the context's added member too.
    return { id: event.id, kind: "event_changed", ...(!hadValue || derivable.has(column) || column === "context" ? { column } : {}) };
  },
}));

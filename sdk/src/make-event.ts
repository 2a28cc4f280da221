import type { EventContext, EventFields, EventInput } from "./event.ts";
import { redacted } from "./redact.ts";
import type { Runtime } from "./runtime.ts";
import { uuid7Maker, uuid7Time } from "./uuid7.ts";

/** An event made: its id, time and bytes never change again, however often it is sent. */
export type MadeEvent = {
  readonly id: string;
  readonly occurredAt: string;
  readonly tenantId: string | undefined;
  readonly json: string;
  readonly bytes: number;
};

/** Makes events of one producer. Throws when an event cannot be written as JSON at all, for instance because its `toJSON` throws. */
export type EventMaker = (input: EventInput, context: EventContext) => MadeEvent;

export type MakerSettings = {
  readonly producerId: string;
  readonly defaults: EventContext;
  readonly redact: readonly string[];
};

/**
 * A maker that stamps id, time, producer and its counter. The counter counts every event made, also those dropped afterwards: that is what makes a
 * loss visible as a gap.
 */
export function eventMaker(settings: MakerSettings, runtime: Runtime): EventMaker {
  const uuid7 = uuid7Maker(runtime.randomBytes);
  const hidden = new Set(settings.redact.map((name) => name.toLowerCase()));
  let sequence = 0;
  return (input, context) => {
    const event = merged([settings.defaults, context, renamed(input)]);
    if (hidden.size > 0 && event["context"] !== undefined) {
      event["context"] = redacted(event["context"], hidden);
    }
    stampTime(event, uuid7, runtime.now());
    if (event["producer_id"] === undefined) {
      Object.assign(event, {
        producer_id: settings.producerId,
        producer_seq: ++sequence,
      });
    }
    const json = stringify(event);
    const text = (name: string) => typeof event[name] === "string" ? event[name] : undefined;
    return {
      id: text("id") ?? "",
      occurredAt: text("occurred_at") ?? "",
      tenantId: text("tenant_id"),
      json,
      bytes: utf8Length(json),
    };
  };
}

const olderNames = {
  timestamp: "occurred_at",
  operator: "actor_id",
  operation_type: "event_type",
  extra_info: "context",
} as const;

function renamed(input: EventFields): Record<string, unknown> {
  const event: Record<string, unknown> = { ...input };
  for (const [older, name] of Object.entries(olderNames)) {
    if (!(older in event)) continue;
    event[name] ??= event[older];
    delete event[older];
  }
  return event;
}

/** Later layers win; null and undefined are absent; contexts are merged key by key. */
function merged(layers: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const event: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const name in layer) {
      const value = layer[name];
      if (value === undefined || value === null) continue;
      event[name] = name === "context" && isRecord(value) && isRecord(event[name]) ? { ...event[name], ...value } : value;
    }
  }
  return event;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Fixes id and time. An id that came without a time says the time itself when it is of version 7; otherwise the server refuses it, which is better
 * than a time of now: a caller who logs the same id again would store the event twice.
 */
function stampTime(event: Record<string, unknown>, uuid7: (timeMs: number) => string, nowMs: number): void {
  if (event["occurred_at"] instanceof Date) {
    event["occurred_at"] = isoTime(event["occurred_at"].getTime());
  }
  if (event["occurred_at"] === undefined) {
    const ms = event["id"] === undefined ? nowMs : uuid7Time(String(event["id"]));
    if (ms !== undefined) event["occurred_at"] = isoTime(ms);
  }
  if (event["id"] === undefined) {
    const ms = Date.parse(String(event["occurred_at"]));
    event["id"] = uuid7(Number.isNaN(ms) ? nowMs : ms);
  }
}

let isoMs = NaN;
let iso = "";

/** Events come many to a millisecond, and a Date is dearer than a comparison. */
function isoTime(ms: number): string {
  if (ms === isoMs) return iso;
  // An invalid Date is passed on as it reads, for the server to refuse by name.
  iso = Number.isNaN(ms) ? "Invalid Date" : new Date(ms).toISOString();
  isoMs = ms;
  return iso;
}

/** JSON of `event`. What JSON cannot hold is written as text rather than lost: BigInt as digits, a cycle as "[circular]". */
function stringify(event: Record<string, unknown>): string {
  try {
    return JSON.stringify(event);
  } catch {
    const path: unknown[] = [];
    return JSON.stringify(
      event,
      function (this: unknown, _key, value: unknown) {
        if (typeof value === "bigint") return String(value);
        if (typeof value !== "object" || value === null) return value;
        path.length = path.indexOf(this) + 1;
        if (path.includes(value)) return "[circular]";
        path.push(value);
        return value;
      },
    );
  }
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // A surrogate is one half of four bytes: two each.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

import type { EventContext, EventInput } from "./event.ts";
import type { Runtime } from "./runtime.ts";
import { uuid7Maker } from "./uuid7.ts";

type Fields = Record<string, unknown>;

/** An event made: its id, time and bytes never change again, however often it is sent. */
export type MadeEvent = {
  readonly id: string;
  readonly occurredAt: string;
  readonly tenantId: string | undefined;
  readonly json: string;
  readonly bytes: number;
};

/** Makes events of one producer. Throws when an event cannot be written as JSON at all, for instance because it contains itself. */
export type EventMaker = (input: EventInput, context: EventContext) => MadeEvent;

export type MakerOptions = { readonly producerId?: string; readonly redact?: readonly string[] };

const olderNames = [["timestamp", "occurred_at"], ["operator", "actor_id"], ["operation_type", "event_type"], ["extra_info", "context"]] as const;

/**
 * A maker that stamps id, time, producer and its counter. The counter counts every event made for a tenant, also those dropped afterwards: that is
 * what makes a loss visible as a gap.
 */
export function eventMaker(options: MakerOptions, { randomUuid, now }: Runtime): EventMaker {
  const uuid7 = uuid7Maker(randomUuid);
  const hidden = new Set(options.redact?.map((name) => name.toLowerCase()));
  const producer_id = options.producerId ?? uuid7(now());
  const sequences = new Map<unknown, number>();
  return (input, context) => {
    const event = layered(context, renamed(input));
    stampTime(event, uuid7, now());
    if (!event["producer_id"]) {
      const producer_seq = (sequences.get(event["tenant_id"]) ?? 0) + 1;
      sequences.set(event["tenant_id"], producer_seq);
      Object.assign(event, { producer_id, producer_seq });
    }
    return madeOf(event, stringify(event, hidden));
  };
}

/** The event that was made before and written as `json`. */
export function madeFrom(json: string): MadeEvent {
  return madeOf(JSON.parse(json) as Fields, json);
}

function madeOf(event: Fields, json: string): MadeEvent {
  const { id = "", occurred_at: occurredAt = "", tenant_id: tenantId } = event as {
    readonly id?: string;
    readonly occurred_at?: string;
    readonly tenant_id?: string;
  };
  // At most three bytes for each UTF-16 unit beyond ASCII: a bound, and found faster than by encoding.
  const bytes = json.length + 2 * (json.match(/[^\0-\x7f]/g)?.length ?? 0);
  return { id, occurredAt, tenantId, json, bytes };
}

/** What has an older name goes under its own, unless that is there too. */
function renamed(input: Fields): Fields {
  let event = input;
  for (const [older, name] of olderNames) {
    if (!(older in event)) continue;
    const { [older]: value, ...rest } = event;
    event = { [name]: value, ...rest };
  }
  return event;
}

/** `inner` over `outer`: null and undefined are absent, contexts are merged key by key. */
export function layered(outer: Readonly<Fields>, inner: Readonly<Fields>): Fields {
  const both: Fields = { ...outer, ...inner };
  for (const name in both) both[name] ??= outer[name] ?? undefined;
  if (outer["context"] && inner["context"]) both["context"] = { ...outer["context"], ...inner["context"] };
  return both;
}

/**
 * Fixes id and time. To an id that came without a time none is added: the server takes the one in a version-7 id and refuses others, while a time of
 * now would store the event twice when its caller logs the same id again.
 */
function stampTime(event: Fields, uuid7: (timeMs: number) => string, nowMs: number): void {
  const { occurred_at: time = event["id"] ? undefined : nowMs } = event;
  const ms = Number(new Date(time as string | number | Date));
  if (time && typeof time !== "string") event["occurred_at"] = new Date(ms).toISOString();
  // As it will stand in the JSON, and in the answer: some databases have a class for it.
  event["id"] = String(event["id"] ?? uuid7(ms || nowMs));
}

/** JSON of `value`, without what stands under a name of `hidden`; a BigInt, which JSON cannot hold and databases give for ids, as its digits. */
export function stringify(value: unknown, hidden?: ReadonlySet<string>): string {
  try {
    if (!hidden?.size) return JSON.stringify(value);
  } catch {
    // Another try with more care.
  }
  return JSON.stringify(value, (name, each: unknown) => hidden?.has(name.toLowerCase()) ? "[redacted]" : typeof each === "bigint" ? String(each) : each);
}

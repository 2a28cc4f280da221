import type { EventError } from "./errors.ts";
import type { CandidateEvent, Json } from "./event.ts";
import { type KnownField, knownFields } from "./event-fields.ts";
import { fault, type Faults } from "./field-rules.ts";
import { formatTimestamp, rewriteTimestamp } from "./format/timestamp.ts";
import { uuid7Ms } from "./format/uuid7.ts";
import { limits } from "./limits.ts";
import { refuseUnknown } from "./unknown-field.ts";

/** Times that are accepted, both ends included, in milliseconds since 1970. */
export type TimeWindow = { readonly earliestMs: number; readonly latestMs: number };

/** An event in stored form with its context's canonical JSON, or all that is wrong with it: pointers are relative to the event. */
export type Validated =
  | { readonly event: CandidateEvent; readonly contextJson: string | undefined; readonly errors?: undefined }
  | { readonly errors: readonly EventError[] };

/** A candidate while it is read: every property is there from the start, so that all of them have one shape in memory. */
type Draft = { -readonly [Key in keyof CandidateEvent]: CandidateEvent[Key] | undefined };

/**
 * One event of a body in stored form: aliases resolved, null as absent, times cut, names lower-cased; or every fault that it has.
 * Written by hand for speed and held equal to `eventSchema` by a test.
 */
export function validateEvent(input: unknown, window: TimeWindow): Validated {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return { errors: [{ code: "invalid_type", pointer: "", message: "an event must be a JSON object" }] };
  }
  const faults: Faults = [];
  const reading = read(input as { readonly [key: string]: unknown }, faults);
  if (reading.draft.event_type === undefined && !isNamed(faults, "event_type", "operation_type")) {
    fault(faults, "required", "/event_type", "is required: say what happened, such as order.created");
  }
  settleTime(reading, window, faults);
  if (faults.length > 0) return { errors: faults.slice(0, limits.faultsPerEventMax) };
  reading.draft.result ??= "success";
  return { event: reading.draft as CandidateEvent, contextJson: reading.contextJson };
}

type Reading = {
  readonly draft: Draft;
  contextJson: string | undefined;
  occurredMs: number | undefined;
  occurredText: string;
  /** The field that the time comes from. */
  timePointer: string;
};

function read(input: { readonly [key: string]: unknown }, faults: Faults): Reading {
  const reading: Reading = { draft: emptyDraft(), contextJson: undefined, occurredMs: undefined, occurredText: "", timePointer: "/occurred_at" };
  const keys = Object.keys(input);
  if (keys.length > limits.keysPerObjectMax) {
    fault(faults, "too_many_keys", "", `must not have more than ${limits.keysPerObjectMax} keys: put what is no field of an event into context`);
    return reading;
  }
  for (const key of keys) {
    const field = knownFields.get(key);
    const value = input[key];
    if (field === undefined) {
      refuseUnknown(key, faults);
    } else if (value !== null) {
      const stored = field.rule(value, field.pointer, faults);
      if (stored !== undefined) keep(reading, field, stored, value, faults);
    }
  }
  return reading;
}

/** Puts a value in its place; a second one, sent by an alias, must be the same. */
function keep(reading: Reading, field: KnownField, stored: string | number, value: unknown, faults: Faults): void {
  const earlier = field.name === "context" ? reading.contextJson : field.name === "occurred_at" ? reading.occurredMs : reading.draft[field.name];
  if (earlier !== undefined) {
    if (earlier !== stored) {
      fault(faults, "ambiguous_field", field.pointer, `differs from ${otherNameOf(field)}, which names the same field: send only one of them`);
    }
  } else if (field.name === "context") {
    reading.draft.context = value as { readonly [key: string]: Json };
    reading.contextJson = stored as string;
  } else if (field.name === "occurred_at") {
    reading.occurredMs = stored as number;
    reading.occurredText = value as string;
    reading.timePointer = field.pointer;
  } else {
    (reading.draft as { [name: string]: unknown })[field.name] = stored;
  }
}

function otherNameOf({ name, pointer }: KnownField): string | undefined {
  for (const [spelling, other] of knownFields) if (other.name === name && other.pointer !== pointer) return spelling;
  return undefined;
}

/** Sets `occurred_at` from what was sent or from a version-7 id: a time of ours would be another one at the next try, and the event stored twice. */
function settleTime(reading: Reading, window: TimeWindow, faults: Faults): void {
  const { draft } = reading;
  if (reading.occurredMs === undefined && draft.id !== undefined && !isNamed(faults, "occurred_at", "timestamp")) {
    reading.occurredMs = uuid7Ms(draft.id);
    reading.timePointer = "/id";
    if (reading.occurredMs === undefined) {
      fault(faults, "id_needs_time", "/id", "must be a version-7 UUID when occurred_at is absent: send occurred_at, or leave the id out");
    }
  }
  const ms = reading.occurredMs;
  if (ms === undefined) return;
  if (ms < window.earliestMs) {
    fault(faults, "time_too_old", reading.timePointer, `is older than is accepted: the earliest time is ${formatTimestamp(window.earliestMs)}`);
  } else if (ms > window.latestMs) {
    fault(faults, "time_too_new", reading.timePointer, `is further ahead than is accepted: the latest time is ${formatTimestamp(window.latestMs)}`);
  } else draft.occurred_at = rewriteTimestamp(reading.occurredText, ms);
}

/** True when one of these names has a fault already: then a second one about its absence would mislead. */
function isNamed(faults: Faults, ...names: readonly string[]): boolean {
  return faults.some(({ pointer }) => names.some((name) => pointer === `/${name}`));
}

function emptyDraft(): Draft {
  return {
    tenant_id: undefined,
    occurred_at: undefined,
    id: undefined,
    source: undefined,
    actor_id: undefined,
    actor_type: undefined,
    event_type: undefined,
    object_type: undefined,
    object_id: undefined,
    result: undefined,
    message: undefined,
    duration_ms: undefined,
    context: undefined,
    ip_address: undefined,
    user_agent: undefined,
    device_fingerprint: undefined,
    request_id: undefined,
    producer_id: undefined,
    producer_seq: undefined,
  };
}

import type { EventError } from "./errors.ts";

/**
 * The fault of an event type that only the log itself writes; undefined for all others. A caller who could say `audit.events.exported` would forge a
 * record of an export, and hide an event of his own from live counts, which leave reads out. What a client says of itself (`audit.sdk.…`) comes through
 * the door.
 */
export function reservedType(type: string): EventError | undefined {
  return type.startsWith("audit.") && !type.startsWith("audit.sdk.") ? reserved : undefined;
}

const reserved: EventError = {
  code: "reserved_event_type",
  pointer: "/event_type",
  message: "event_type must not begin with audit. because such events are written by the log itself: choose another name",
};

import { AuditError } from "./errors.ts";
import { knownFields } from "./event-fields.ts";

/**
 * The events of a parsed body: those of `{"events": […]}`, or a single bare event. Throws `invalid_request` when it is neither, `too_many_events`.
 */
export function eventsOf(body: unknown, eventsMax: number): readonly unknown[] {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("", 'must be a JSON object: send {"events": […]}, or one event');
  if (!Object.hasOwn(body, "events")) {
    // An object without a single field of an event is a wrong envelope, not a wrong event.
    if (Object.keys(body).some((key) => knownFields.has(key))) return [body];
    throw invalid("/events", 'is missing: send {"events": […]}, or one event with its event_type');
  }
  const { events, ...others } = body as { readonly events: unknown };
  if (Object.keys(others).length > 0) throw invalid("", "must hold nothing beside events: an event's fields go into the event");
  if (!Array.isArray(events)) throw invalid("/events", "must be a list");
  if (events.length === 0) throw invalid("/events", "must hold at least one event");
  if (events.length > eventsMax) {
    throw new AuditError("too_many_events", `read events: there are more than ${eventsMax}; send them in several requests`, { pointer: "/events" });
  }
  return events;
}

function invalid(pointer: string, wording: string): AuditError {
  return new AuditError("invalid_request", `read events: ${pointer === "" ? "the body" : pointer.slice(1)} ${wording}`, { pointer });
}

import { describe, expect, it } from "vitest";
import { eventsOf } from "./envelope.ts";
import { AuditError } from "./errors.ts";

const event = { event_type: "t" };

function fault(body: unknown): { readonly code: string; readonly pointer: string | undefined; readonly message: string } {
  try {
    eventsOf(body, 3);
  } catch (error) {
    if (error instanceof AuditError) return { code: error.code, pointer: error.pointer, message: error.message };
  }
  throw new Error("it was not refused");
}

describe("eventsOf()", () => {
  it("gives the events of an envelope, whatever they are", () => {
    expect(eventsOf({ events: [event, null, 5] }, 3)).toEqual([event, null, 5]);
  });

  it("takes a single bare event by either of its names", () => {
    expect(eventsOf(event, 3)).toEqual([event]);
    expect(eventsOf({ operation_type: "t" }, 3)).toEqual([{ operation_type: "t" }]);
    expect(eventsOf({ actor_id: "a", typo: 1 }, 3)).toHaveLength(1);
  });

  it.each([null, 5, "events", true, [event]])("refuses the body %j", (body) => {
    expect(fault(body)).toMatchObject({ code: "invalid_request", pointer: "" });
  });

  it.each([
    ["an envelope without events", {}, "/events", "is missing"],
    ["a mistyped envelope", { evnets: [event] }, "/events", "is missing"],
    ["events of Object.prototype", { toString: 1, __proto__: 2 }, "/events", "is missing"],
    ["no events", { events: [] }, "/events", "at least one"],
    ["an object for the list", { events: { 0: event } }, "/events", "must be a list"],
    ["null for the list", { events: null }, "/events", "must be a list"],
    ["something beside events", { events: [event], tenant_id: "x" }, "", "nothing beside events"],
  ])("refuses %s", (_what, body, pointer, wording) => {
    expect(fault(body)).toEqual({ code: "invalid_request", pointer, message: expect.stringContaining(wording) });
  });

  it("refuses one event more than the door takes", () => {
    expect(eventsOf({ events: [event, event, event] }, 3)).toHaveLength(3);
    expect(fault({ events: [event, event, event, event] })).toMatchObject({ code: "too_many_events", pointer: "/events" });
  });
});

import { describe, expect, it } from "vitest";
import type { EventContext, EventInput } from "./event.ts";
import { eventMaker, layered, madeFrom } from "./make-event.ts";
import { platformRuntime } from "./runtime.ts";
import { uuid7Ms } from "../../core/format/uuid7.ts";

const now = Date.parse("2026-11-22T10:11:12.345Z");
const runtime = { ...platformRuntime, now: () => now };

function made(input: EventInput, context: EventContext = {}, defaults: EventContext = {}, options = {}): Record<string, unknown> {
  return JSON.parse(eventMaker({ producerId: "p1", ...options }, runtime)(input, layered(defaults, context)).json);
}

describe("eventMaker()", () => {
  it("stamps id, time, producer and counter", () => {
    const event = made({ event_type: "order.created" });
    expect(event).toEqual({ event_type: "order.created", occurred_at: "2026-11-22T10:11:12.345Z", id: expect.any(String), producer_id: "p1", producer_seq: 1 });
    expect(uuid7Ms(String(event["id"]))).toBe(now);
  });

  it("adds no time to an id that came without one: the server takes it from the id", () => {
    const id = "019ab2c3-d4e5-7000-8000-000000000001";
    expect(made({ event_type: "a", id })).toEqual({ event_type: "a", id, producer_id: "p1", producer_seq: 1 });
  });

  it("makes the id of the time that came, a Date or text", () => {
    const at = "2026-11-20T08:00:00.999+02:00";
    expect(made({ event_type: "a", occurred_at: at })["occurred_at"]).toBe(at);
    expect(uuid7Ms(String(made({ event_type: "a", occurred_at: at })["id"]))).toBe(Date.parse(at));
    expect(made({ event_type: "a", occurred_at: new Date(now) })["occurred_at"]).toBe("2026-11-22T10:11:12.345Z");
  });

  it("sends older names under their own, which win when both are there", () => {
    const event = made({ operation_type: "scan", operator: "a@b.c", timestamp: "2026-11-22T10:00:00Z", extra_info: { scan: 1 } });
    expect(event).toMatchObject({ event_type: "scan", actor_id: "a@b.c", occurred_at: "2026-11-22T10:00:00Z", context: { scan: 1 } });
    expect(Object.keys(event).filter((name) => /operat|timestamp|extra/.test(name))).toEqual([]);
    expect(made({ event_type: "new", operation_type: "old" })["event_type"]).toBe("new");
  });

  it("layers defaults, context and event, merging contexts and leaving out what is null", () => {
    const input = { event_type: "a", actor_id: null as unknown as string, context: { b: 2 } };
    const event = made(input, { actor_id: "alice", context: { a: 1, b: 1 } }, { source: "shop", context: { z: 0 } });
    expect(event).toMatchObject({ source: "shop", actor_id: "alice", context: { z: 0, a: 1, b: 2 } });
  });

  it("redacts names anywhere, in whatever case", () => {
    const event = made({ event_type: "a", context: { user: { Password: "x", name: "n" }, list: [{ token: 1 }] } }, {}, {}, { redact: ["password", "TOKEN"] });
    expect(event["context"]).toEqual({ user: { Password: "[redacted]", name: "n" }, list: [{ token: "[redacted]" }] });
  });

  it("writes BigInt as digits, and refuses what contains itself", () => {
    expect(made({ event_type: "a", context: { id: 2n ** 60n } })["context"]).toEqual({ id: "1152921504606846976" });
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(() => made({ event_type: "a", context: circle })).toThrow();
  });

  it("knows an event by the id that its JSON has, whatever class the id is of", () => {
    const id = "0198f0c1-8000-7000-8000-000000000001";
    const made = eventMaker({}, runtime)({ event_type: "a", id: { toString: () => id } as unknown as string }, {});
    expect(made.id).toBe(id);
    expect(JSON.parse(made.json).id).toBe(id);
  });

  it("leaves a producer of the caller's alone, and counts its own events only", () => {
    const make = eventMaker({ producerId: "p1" }, runtime);
    expect(JSON.parse(make({ event_type: "a", producer_id: "x", producer_seq: 9 }, {}).json)).toMatchObject({ producer_id: "x", producer_seq: 9 });
    expect(JSON.parse(make({ event_type: "a" }, {}).json)).toMatchObject({ producer_seq: 1 });
  });

  it("counts tenant by tenant: another tenant's events are no gap", () => {
    const make = eventMaker({ producerId: "p1" }, runtime);
    const seqOf = (tenant_id: string) => JSON.parse(make({ event_type: "a", tenant_id }, {}).json).producer_seq;
    expect(["a", "b", "a", "b", "a"].map(seqOf)).toEqual([1, 1, 2, 2, 3]);
  });

  it("knows a bound for the bytes of what it made, exact in ASCII, and reads back what it wrote", () => {
    const ascii = eventMaker({}, runtime)({ event_type: "a" }, {});
    expect(ascii.bytes).toBe(Buffer.byteLength(ascii.json));
    const event = eventMaker({}, runtime)({ event_type: "a", tenant_id: "t", message: "é€😀" }, {});
    expect(event.bytes).toBeGreaterThanOrEqual(Buffer.byteLength(event.json));
    expect(event.bytes).toBeLessThan(Buffer.byteLength(event.json) * 1.1);
    expect(madeFrom(event.json)).toEqual(event);
  });
});

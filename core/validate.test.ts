import { describe, expect, it } from "vitest";
import type { EventErrorCode } from "./errors.ts";
import { limits } from "./limits.ts";
import { type TimeWindow, validateEvent } from "./validate.ts";

const nowMs = Date.parse("2026-11-22T12:00:00Z");
const window: TimeWindow = { earliestMs: nowMs - 7 * 86_400_000, latestMs: nowMs + 3_600_000 };
const uuid4 = "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d";
const uuid7 = "019aab3c-0c00-7abc-8def-0123456789ab";
const uuid7Time = new Date(parseInt("019aab3c0c00", 16)).toISOString();

/** What is stored of an event that has `fields`, beside its type and result. */
function stored(fields: Record<string, unknown>, within = window) {
  const validated = validateEvent({ event_type: "t", ...fields }, within);
  if (validated.errors !== undefined) throw new Error(JSON.stringify(validated.errors));
  return Object.fromEntries(Object.entries(validated.event).filter(([name, value]) => value !== undefined && name !== "event_type" && name !== "result"));
}

/** Code and pointer of every fault. */
function refused(input: unknown, within = window): string[] {
  return (validateEvent(input, within).errors ?? []).map(({ code, pointer }) => `${code} ${pointer}`);
}

const always = { earliestMs: -Infinity, latestMs: Infinity };

describe("validateEvent()", () => {
  it("needs nothing but an event_type, and lower-cases it", () => {
    expect(validateEvent({ event_type: "Order.Created" }, window)).toEqual({
      event: { event_type: "order.created", result: "success" },
      contextJson: undefined,
    });
  });

  it("takes the first seed's names", () => {
    const event = {
      timestamp: "2026-11-22T11:00:00+01:00",
      operator: "ann@example.com",
      operation_type: "STOCK_PRICE_DOWNLOAD",
      extra_info: { symbol: "X" },
      result: "warning",
    };
    expect(validateEvent(event, window)).toEqual({
      event: {
        occurred_at: "2026-11-22T10:00:00.000Z",
        actor_id: "ann@example.com",
        event_type: "stock_price_download",
        context: { symbol: "X" },
        result: "warning",
      },
      contextJson: '{"symbol":"X"}',
    });
  });

  it("takes the second seed's event", () => {
    const fields = {
      tenant_id: "123E4567-e89b-12d3-a456-426614174000",
      actor_id: "user-123",
      actor_type: "USER",
      object_type: "ORDER",
      object_id: "order-456",
    };
    expect(stored({ ...fields, context: { order_total: 150.00 }, ip_address: "192.168.1.1" })).toEqual({
      ...fields,
      tenant_id: "123e4567-e89b-12d3-a456-426614174000",
      actor_type: "user",
      object_type: "order",
      context: { order_total: 150 },
      ip_address: "192.168.1.1",
    });
  });

  it("takes null for absent, in every optional field and alias", () => {
    const names = [
      "id",
      "tenant_id",
      "occurred_at",
      "timestamp",
      "source",
      "actor_id",
      "operator",
      "actor_type",
      "object_type",
      "object_id",
      "result",
      "message",
    ];
    const more = ["duration_ms", "context", "extra_info", "ip_address", "user_agent", "device_fingerprint", "request_id", "producer_id", "producer_seq"];
    expect(stored(Object.fromEntries([...names, ...more, "operation_type"].map((name) => [name, null])))).toEqual({});
    expect(refused({ event_type: null })).toEqual(["required /event_type"]);
  });

  it.each([null, 1, "x", true, undefined, [], [{ event_type: "t" }]])("refuses %j as an event", (input) => {
    expect(refused(input)).toEqual(["invalid_type "]);
  });

  it("tells several faults at once, and not more than faultsPerEventMax", () => {
    expect(refused({ event_type: "", actor_id: 1, result: "ok" })).toEqual(["invalid_value /event_type", "invalid_type /actor_id", "invalid_value /result"]);
    expect(refused(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x${index}`, 1])))).toHaveLength(limits.faultsPerEventMax);
  });

  it("refuses a context after as many other faults as are told", () => {
    const others = Object.fromEntries(Array.from({ length: limits.faultsPerEventMax }, (_, index) => [`x${index}`, 1]));
    expect(refused({ event_type: "t", ...others, context: { a: Infinity } })).toHaveLength(limits.faultsPerEventMax);
  });

  it("never repeats a value in a message", () => {
    const secret = "S3CRET";
    const inputs = ["id", "tenant_id", "occurred_at", "event_type", "result", "context", "ip_address", "duration_ms", "producer_seq"].map((name) => ({
      [name]: `${secret}\0 ü`,
    }));
    const messages = inputs.flatMap((input) => validateEvent(input, window).errors ?? []).map(({ message }) => message);
    expect(messages.length).toBeGreaterThanOrEqual(inputs.length);
    for (const message of messages) expect(message).not.toContain(secret);
  });

  it("begins every message with what it is about", () => {
    expect(validateEvent({ event_type: "t", context: { a: { "b/c": "\0" } } }, window).errors?.[0]).toMatchObject({
      pointer: "/context/a/b~1c",
      message: expect.stringMatching(/^context\/a\/b~1c must not hold the character U\+0000/),
    });
  });
});

describe("validateEvent(): names", () => {
  it("takes an alias beside its name when both say the same", () => {
    const same = {
      timestamp: "2026-11-22T10:00:00Z",
      occurred_at: "2026-11-22T11:00:00.000+01:00",
      operator: "a",
      actor_id: "a",
      operation_type: "T",
      extra_info: { b: 1, a: 2 },
      context: { a: 2, b: 1 },
    };
    expect(stored(same)).toEqual({ occurred_at: "2026-11-22T10:00:00.000Z", actor_id: "a", context: { b: 1, a: 2 } });
  });

  it.each([
    [{ timestamp: "2026-11-22T10:00:00Z", occurred_at: "2026-11-22T10:00:01Z" }, "ambiguous_field /occurred_at"],
    [{ actor_id: "a", operator: "b" }, "ambiguous_field /operator"],
    [{ operation_type: "other" }, "ambiguous_field /operation_type"],
    [{ context: { a: 1 }, extra_info: {} }, "ambiguous_field /extra_info"],
  ])("refuses %j", (fields, fault) => {
    expect(refused({ event_type: "t", ...fields })).toEqual([fault]);
  });

  it("names the other of the two names that differ", () => {
    const said = (...fields: readonly (readonly [string, string])[]) =>
      validateEvent(Object.fromEntries([["event_type", "t"], ...fields]), window).errors?.map(({ message }) => message);
    expect(said(["operator", "a"], ["actor_id", "b"])).toEqual(["actor_id differs from operator, which names the same field: send only one of them"]);
    expect(said(["actor_id", "a"], ["operator", "b"])).toEqual(["operator differs from actor_id, which names the same field: send only one of them"]);
  });

  it.each([
    ["actorId", "did you mean actor_id?"],
    ["ACTOR-ID", "did you mean actor_id?"],
    ["acter_id", "did you mean actor_id?"],
    ["eventType", "did you mean event_type?"],
    ["action", "did you mean event_type?"],
    ["metadata", "did you mean context?"],
    ["created_at", "did you mean occurred_at?"],
    ["received_at", "is set by the server"],
    ["principal", "is set by the server"],
    ["colour", "put it into context"],
  ])("says of the unknown field %s: %s", (key, advice) => {
    const errors = validateEvent({ event_type: "t", [key]: 1 }, window).errors;
    expect(errors).toEqual([{ code: "unknown_field", pointer: `/${key}`, message: expect.stringContaining(advice) }]);
  });

  it("points at no key that is too long to repeat", () => {
    expect(refused({ event_type: "t", ["k".repeat(101)]: 1, ["\ud800"]: 1 })).toEqual(["unknown_field ", "unknown_field "]);
  });

  it.each(["__proto__", "constructor", "prototype"])("refuses the key %s, in an event and at any depth of its context", (key) => {
    expect(refused(JSON.parse(`{"event_type":"t","${key}":{"a":1}}`))).toEqual(["forbidden_key "]);
    expect(refused(JSON.parse(`{"event_type":"t","context":{"${key}":1}}`))).toEqual(["forbidden_key /context"]);
    expect(refused(JSON.parse(`{"event_type":"t","context":{"a":[{"${key}":1}]}}`))).toEqual(["forbidden_key /context/a/0"]);
    expect(Object.prototype).not.toHaveProperty("a");
  });
});

describe("validateEvent(): identity and time", () => {
  it("takes the time of a version-7 id when there is no other", () => {
    expect(stored({ id: uuid7.toUpperCase() }, always)).toEqual({ id: uuid7, occurred_at: uuid7Time });
  });

  it("lets id and time differ when both are sent, whatever the id's version", () => {
    const occurred_at = "2026-11-22T10:00:00.000Z";
    expect(stored({ id: uuid7, occurred_at })).toEqual({ id: uuid7, occurred_at });
    expect(stored({ id: uuid4, occurred_at })).toEqual({ id: uuid4, occurred_at });
  });

  it("refuses another id without a time, but does not when the time itself is at fault", () => {
    expect(refused({ event_type: "t", id: uuid4 })).toEqual(["id_needs_time /id"]);
    expect(refused({ event_type: "t", id: uuid4, timestamp: "yesterday" })).toEqual(["invalid_value /timestamp"]);
  });

  it("cuts times to milliseconds", () => {
    expect(stored({ occurred_at: "2026-11-22t10:00:00.999999z" })).toEqual({ occurred_at: "2026-11-22T10:00:00.999Z" });
  });

  it.each([
    ["2026-11-15T12:00:00.000Z", undefined],
    ["2026-11-15T11:59:59.999Z", "time_too_old /timestamp"],
    ["2026-11-22T13:00:00.000Z", undefined],
    ["2026-11-22T13:00:00.001Z", "time_too_new /timestamp"],
  ])("holds the window: %s is %s", (timestamp, fault) => {
    expect(refused({ event_type: "t", timestamp })).toEqual(fault === undefined ? [] : [fault]);
  });

  it("holds the window for an id's time as well, also past the year 9999", () => {
    expect(refused({ event_type: "t", id: uuid7 })).toEqual(["time_too_old /id"]);
    expect(refused({ event_type: "t", id: "01ffffff-ffff-7fff-bfff-ffffffffffff" })).toEqual(["time_too_new /id"]);
    expect(refused({ event_type: "t", id: "ffffffff-ffff-7fff-bfff-ffffffffffff" })).toEqual(["id_needs_time /id"]);
  });
});

describe("validateEvent(): values", () => {
  const text = ["actor_id", "object_id", "device_fingerprint", "request_id", "producer_id"];

  it.each([
    ...text.map((name) => [name, limits.indexedBytesMax] as const),
    ["message", limits.messageBytesMax] as const,
    ["user_agent", limits.userAgentBytesMax] as const,
  ])(
    "bounds %s by %i bytes of UTF-8, whatever the characters' length",
    (name, max) => {
      for (const character of ["a", "é", "€", "😀"]) {
        const bytes = new TextEncoder().encode(character).length;
        const longest = character.repeat(Math.floor(max / bytes)) + "a".repeat(max % bytes);
        expect(stored({ [name]: longest })).toEqual({ [name]: longest });
        expect(refused({ event_type: "t", [name]: `${longest}a` })).toEqual([`too_long /${name}`]);
      }
    },
  );

  it.each([...text, "message", "user_agent"])("refuses what Postgres or UTF-8 cannot hold in %s, and what is no string", (name) => {
    expect(refused({ event_type: "t", [name]: "a\0b" })).toEqual([`nul_character /${name}`]);
    expect(refused({ event_type: "t", [name]: "a\ud800b" })).toEqual([`lone_surrogate /${name}`]);
    expect(refused({ event_type: "t", [name]: 5 })).toEqual([`invalid_type /${name}`]);
    expect(stored({ [name]: "" })).toEqual({ [name]: "" });
  });

  it.each(["source", "actor_type", "event_type", "object_type"])("takes 1 to 100 plain characters as %s", (name) => {
    const longest = "A9_.:/-".repeat(15).slice(0, 100);
    expect(validateEvent({ event_type: "t", [name]: longest }, window)).toMatchObject({ event: { [name]: longest.toLowerCase() } });
    expect(refused({ event_type: "t", [name]: `${longest}a` })).toEqual([`too_long /${name}`]);
    for (const bad of ["", "a b", "é", "a\n", "a\0", "\u212a"]) expect(refused({ event_type: "t", [name]: bad })).toEqual([`invalid_value /${name}`]);
    expect(refused({ event_type: "t", [name]: 1 })).toEqual([`invalid_type /${name}`]);
  });

  it.each(
    [
      ["id", "{9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d}", "invalid_value"],
      ["id", 7, "invalid_type"],
      ["tenant_id", "acme", "invalid_value"],
      ["tenant_id", [uuid4], "invalid_type"],
      ["occurred_at", 1_763_805_600_000, "invalid_type"],
      ["occurred_at", "2026-11-22", "invalid_value"],
      ["result", "ok", "invalid_value"],
      ["result", "Success", "invalid_value"],
      ["result", 0, "invalid_type"],
      ["ip_address", "AWS Internal", "invalid_value"],
      ["ip_address", 167772161, "invalid_type"],
      ["duration_ms", "5", "invalid_type"],
      ["duration_ms", -0.1, "number_out_of_range"],
      ["duration_ms", 2_147_483_647.5, "number_out_of_range"],
      ["duration_ms", Infinity, "number_out_of_range"],
      ["producer_seq", "1", "invalid_type"],
      ["producer_seq", 1.5, "invalid_value"],
      ["producer_seq", -1, "number_out_of_range"],
      ["producer_seq", 2 ** 53, "number_out_of_range"],
      ["producer_seq", Infinity, "number_out_of_range"],
      ["context", [], "invalid_type"],
      ["context", "{}", "invalid_type"],
    ] satisfies [string, unknown, EventErrorCode][],
  )("refuses %s: %j as %s", (name, value, code) => {
    expect(refused({ event_type: "t", occurred_at: "2026-11-22T10:00:00Z", [name]: value })).toEqual([`${code} /${name}`]);
  });

  it.each([[0, 0], [-0, 0], [0.4, 0], [0.5, 1], [12.5, 13], [2_147_483_647.4, 2_147_483_647]])("rounds a duration of %d to %d", (sent, kept) => {
    expect(stored({ duration_ms: sent })).toEqual({ duration_ms: kept });
  });

  it("writes an address in one spelling", () => {
    expect(stored({ ip_address: "::FFFF:10.0.0.1" })).toEqual({ ip_address: "10.0.0.1" });
  });
});

import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Door, event, openDoor, summary, tenantA, tenantB } from "./door.ts";

const day = 86_400_000;
const at = (ms: number) => new Date(Date.now() + ms).toISOString();
const nested = (levels: number): unknown => levels === 0 ? 1 : { a: nested(levels - 1) };
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));

describe("a request that is no batch", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor()));
  afterAll(() => door.close());

  const good = JSON.stringify({ events: [event()] });
  const json = "application/json";
  const cases: readonly [string, string | Uint8Array, Record<string, string>, number, string][] = [
    ["text/plain", good, { "content-type": "text/plain" }, 415, "unsupported_media_type"],
    ["no content type", Buffer.from(good), { "content-type": "" }, 415, "unsupported_media_type"],
    ["Latin 1", good, { "content-type": `${json}; charset=latin1` }, 415, "unsupported_media_type"],
    ["an unknown encoding", good, { "content-encoding": "br" }, 415, "unsupported_media_type"],
    ["gzip that is none", good, { "content-encoding": "gzip" }, 400, "invalid_request"],
    ["not UTF-8", Buffer.from(good.replace("order", "\xff"), "latin1"), {}, 400, "invalid_utf8"],
    ["not JSON", good.slice(1), {}, 400, "malformed_json"],
    ["empty", "", {}, 400, "malformed_json"],
    ["a list", "[]", {}, 400, "invalid_request"],
    ["events missing", "{}", {}, 400, "invalid_request"],
    ["events empty", '{"events": []}', {}, 400, "invalid_request"],
    ["events no list", '{"events": {}}', {}, 400, "invalid_request"],
    ["1001 events", JSON.stringify({ events: Array(1001).fill({ event_type: "a" }) }), {}, 413, "too_many_events"],
    ["over 4 MiB", `{"events": [${" ".repeat(4 * 1024 * 1024)}]}`, {}, 413, "body_too_large"],
    ["over 4 MiB once unpacked", gzipSync(" ".repeat(5 * 1024 * 1024)), { "content-encoding": "gzip" }, 413, "body_too_large"],
    ["100 levels", `{"events": [${"[".repeat(100)}${"]".repeat(100)}]}`, {}, 400, "body_too_deep"],
    ["a million levels", "[".repeat(1_000_000), {}, 400, "body_too_deep"],
  ];

  it.each(cases)("is refused with a problem document: %s", async (_, body, headers, status, code) => {
    const answer = await door.post(body, headers);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ title: expect.any(String), detail: expect.any(String), request_id: answer.headers.get("x-request-id") });
  });

  it("costs nothing else: nothing is stored, and the next request works", async () => {
    expect(await door.stored()).toEqual([]);
    expect(summary(await door.post(good))).toEqual([201, 1, 0, 0]);
  });

  it("takes 1000 events, 4 MiB to the byte, gzip and a byte-order mark", async () => {
    expect(summary(await door.post(Array.from({ length: 1000 }, () => event())))).toEqual([201, 1000, 0, 0]);
    const batch = JSON.stringify({ events: [event()] });
    expect(summary(await door.post(batch + " ".repeat(4 * 1024 * 1024 - batch.length)))).toEqual([201, 1, 0, 0]);
    expect(summary(await door.post(gzipSync(JSON.stringify({ events: [event()] })), { "content-encoding": "gzip" }))).toEqual([201, 1, 0, 0]);
    expect(summary(await door.post(`\ufeff${JSON.stringify({ events: [event()] })}`))).toEqual([201, 1, 0, 0]);
  });
});

describe("one bad event", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor()));
  afterAll(() => door.close());

  /** What is wrong with an event, as JSON text where JavaScript could not write it, and what is said of it. */
  const cases: readonly [string, Record<string, unknown> | string, string, string][] = [
    ["no event_type", { event_type: undefined }, "required", "/event_type"],
    ["not an object", "null", "invalid_type", ""],
    ["an unknown field", { action: "login" }, "unknown_field", "/action"],
    ["a field of the server", { received_at: at(0) }, "unknown_field", "/received_at"],
    ["a name and its alias that differ", { operation_type: "other.thing" }, "ambiguous_field", "/operation_type"],
    ["a type with a space", { event_type: "order created" }, "invalid_value", "/event_type"],
    ["a type of the log itself", { event_type: "Audit.Events.Exported", source: "audit-events" }, "reserved_event_type", "/event_type"],
    ["a type of 101 characters", { event_type: "a".repeat(101) }, "too_long", "/event_type"],
    ["an actor of 256 bytes", { actor_id: "é".repeat(128) }, "too_long", "/actor_id"],
    ["a message over 8 KiB", { message: "m".repeat(8193) }, "too_long", "/message"],
    ["a context over 32 KiB", { context: { a: "x".repeat(32_768) } }, "too_long", "/context"],
    ["a context 33 levels deep", { context: nested(33) }, "too_deep", "/context"],
    ["257 keys", { context: keys(257) }, "too_many_keys", "/context"],
    ["a leaf over 65,535 bytes", { context: { a: "\u0001".repeat(5000) }, message: "\u0001".repeat(8192) }, "event_too_large", ""],
    ["NUL in a string", { message: "a\0b" }, "nul_character", "/message"],
    ["NUL in the context", { context: { a: ["\0"] } }, "nul_character", "/context/a/0"],
    ["NUL in a key", { context: { "a\0": 1 } }, "nul_character", "/context"],
    ["a lone surrogate", { actor_id: "\ud800" }, "lone_surrogate", "/actor_id"],
    ["a lone surrogate in the context", { context: { a: "x\udfff" } }, "lone_surrogate", "/context/a"],
    ["1e400", '{"event_type": "a", "tenant_id": "T", "context": {"n": 1e400}}', "number_out_of_range", "/context/n"],
    ["2^53+1", '{"event_type": "a", "tenant_id": "T", "context": {"n": 9007199254740993}}', "number_out_of_range", "/context/n"],
    ["5e-324", { context: { n: 5e-324 } }, "number_out_of_range", "/context/n"],
    ["__proto__", '{"event_type": "a", "tenant_id": "T", "context": {"a": {"__proto__": {}}}}', "forbidden_key", "/context/a"],
    ["constructor", { context: { constructor: 1 } }, "forbidden_key", "/context"],
    ["a foreign address form", { ip_address: "10.1" }, "invalid_value", "/ip_address"],
    ["a result that is none", { result: "ok" }, "invalid_value", "/result"],
    ["a negative duration", { duration_ms: -1 }, "number_out_of_range", "/duration_ms"],
    ["a time without offset", { occurred_at: "2026-11-22T10:00:00" }, "invalid_value", "/occurred_at"],
    ["a time in words", { occurred_at: "now" }, "invalid_value", "/occurred_at"],
    // Said when the file is read, judged when its turn comes: the limit of an hour is nearer then, however busy the machine.
    ["a time too old", { occurred_at: at(-7 * day - 60_000) }, "time_too_old", "/occurred_at"],
    ["a time too far ahead", { occurred_at: at(75 * 60_000) }, "time_too_new", "/occurred_at"],
    ["a version-4 id without a time", { occurred_at: undefined }, "id_needs_time", "/id"],
    ["an id that is no UUID", { id: "{123e4567-e89b-12d3-a456-426614174000}" }, "invalid_value", "/id"],
    ["a tenant that is no UUID", { tenant_id: "acme" }, "invalid_value", "/tenant_id"],
    ["no tenant", { tenant_id: undefined }, "tenant_required", "/tenant_id"],
  ];

  it.each(cases)("costs only itself: %s", async (_, fault, code, pointer) => {
    const bad = typeof fault === "string" ? fault.replace('"T"', `"${tenantA}"`) : JSON.stringify(event(fault));
    const answer = await door.post(`{"events": [${JSON.stringify(event())}, ${bad}, ${JSON.stringify(event())}]}`);
    expect(summary(answer)).toEqual([207, 2, 0, 1]);
    expect(answer.body.results[1]).toMatchObject({ index: 1, status: "rejected", error: { code, pointer } });
  });

  it("costs only itself among 1000, first, last or between", async () => {
    for (const place of [0, 500, 999]) {
      const batch = Array.from({ length: 1000 }, (_, index) => event(index === place ? { message: "\0" } : {}));
      const answer = await door.post(batch);
      expect(summary(answer)).toEqual([207, 999, 0, 1]);
      expect(answer.body.results[place]).toMatchObject({ index: place, status: "rejected", error: { code: "nul_character" } });
    }
  });

  it("never has its values repeated in an answer or in the log", async () => {
    const canary = "c4n4ry";
    const texts = [
      await door.post([
        event({ [canary.repeat(20)]: canary, message: `${canary}\0`, context: { a: `${canary}\0` }, ip_address: canary, event_type: `${canary} x` }),
      ]),
      await door.post(`{"events": [{"event_type": "${canary}"}`),
      await door.post(canary),
      await door.post([event()], { "content-type": canary, "idempotency-key": canary.repeat(50) }),
    ].map(({ text }) => text);
    expect(texts.join("\n")).not.toContain(canary);
    expect(door.process.stderr()).not.toContain(canary);
  });

  it("at each limit is accepted", async () => {
    const limits = event({
      event_type: "a".repeat(100),
      actor_id: `${"é".repeat(127)}a`,
      message: "m".repeat(8192),
      context: { a: nested(31), n: 9007199254740991, m: -9007199254740991, small: 1e-30 },
      ip_address: "::ffff:192.0.2.1",
      occurred_at: at(-7 * day + 60_000),
    });
    const answer = await door.post([limits, event({ context: keys(256) }), event({ occurred_at: at(59 * 60_000) })]);
    expect(summary(answer)).toEqual([201, 3, 0, 0]);
    const [stored] = await door.stored(`id = '${limits["id"]}'`);
    expect(stored?.event).toMatchObject({ ip_address: "192.0.2.1", context: limits["context"] });
  });

  // V8's JSON.parse takes the key "\"" for "\\" once an object of the same shape had that one.
  it("is none that has a quotation mark for a key, whatever keys another tenant's had before", async () => {
    await door.post([event({ tenant_id: tenantB, context: { z: 1, "\\": 1 } })]);
    const sent = event({ context: { z: 1, '"': 1 } });
    expect(summary(await door.post([sent]))).toEqual([201, 1, 0, 0]);
    expect((await door.stored(`id = '${sent["id"]}'`))[0]?.event.context).toEqual({ z: 1, '"': 1 });
    expect(await door.admin("select id from audit_log.events where context = $1", ['{"z": 1, "\\"": 1}'])).toHaveLength(1);
  });

  it("of one tenant does not stop another tenant's in the same batch", async () => {
    const answer = await door.post([event({ tenant_id: tenantB }), event({ result: 1 })]);
    expect(summary(answer)).toEqual([207, 1, 0, 1]);
  });
});

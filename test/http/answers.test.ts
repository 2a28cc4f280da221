import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../core/event.ts";
import { leafHashOf, leafOf } from "../../core/leaf.ts";
import { signToken } from "../support/tokens.ts";
import { type Door, event, openDoor, summary, tenantA, tenantB, until } from "./door.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const hashOf = (stored: AuditEvent) => Buffer.from(leafHashOf(leafOf(stored), sha256)).toString("hex");

describe("the answer of audit-logger", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor()));
  afterAll(() => door.close());

  it("is 201 when everything was stored, 200 when nothing was new, and 201 when something was", async () => {
    const first = event();
    expect(summary(await door.post([first, event()]))).toEqual([201, 2, 0, 0]);
    expect(summary(await door.post([first]))).toEqual([200, 0, 1, 0]);
    expect(summary(await door.post([first, event()]))).toEqual([201, 1, 1, 0]);
  });

  it("is 207 when some were refused, and 422 as a problem document when all were", async () => {
    expect(summary(await door.post([event(), event({ event_type: "a b" })]))).toEqual([207, 1, 0, 1]);
    const refused = await door.post([event({ result: "fine" }), event({ event_type: undefined })]);
    expect(summary(refused)).toEqual([422, 0, 0, 2]);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.body).toMatchObject({ code: "events_rejected", status: 422 });
    expect(refused.body.results.map(({ error }) => [error?.code, error?.pointer])).toEqual([["invalid_value", "/result"], ["required", "/event_type"]]);
  });

  it("lets a caller compute the leaf of every event, whatever the server set", async () => {
    const bare = { event_type: "Order.Created", tenant_id: tenantA, context: { b: 1.5, a: "ü" } };
    const { status, body } = await door.post([bare]);
    const [result] = body.results;
    expect([status, result?.status]).toEqual([201, "created"]);
    const rebuilt = {
      tenant_id: tenantA,
      event_type: "order.created",
      context: bare.context,
      result: "success",
      id: result?.id,
      occurred_at: result?.occurred_at,
      received_at: body.received_at,
      principal: body.principal,
    } as AuditEvent;
    expect(hashOf(rebuilt)).toBe(result?.leaf_hash);
    const [stored] = await door.stored(`id = '${result?.id}'`);
    expect(stored).toEqual({ event: rebuilt, leafHash: result?.leaf_hash });
    expect(result?.id?.[14]).toBe("7");
    expect(result?.occurred_at).toBe(body.received_at);
  });

  it("tells of a duplicate what stands in the row, so that its leaf can be computed too", async () => {
    const sent = event({ context: { n: 1 } });
    const first = await door.post([sent]);
    const second = await door.post([sent]);
    expect(second.body.results[0]).toMatchObject({ status: "duplicate", leaf_hash: first.body.results[0]?.leaf_hash });
    expect(second.body.results[0]?.stored).toEqual({ received_at: first.body.received_at, principal: "secret:default" });
  });

  it("calls the same id with other content a conflict, and leaves the row as it is", async () => {
    const sent = event({ message: "first" });
    await door.post([sent]);
    const other = await door.post([{ ...sent, message: "second" }, event()]);
    expect(summary(other)).toEqual([207, 1, 0, 1]);
    expect(other.body.results[0]).toMatchObject({ status: "conflict", error: { code: "conflict", pointer: "/id" } });
    expect((await door.stored(`id = '${sent["id"]}'`)).map(({ event: { message } }) => message)).toEqual(["first"]);
  });

  it("judges an event that comes twice in one batch: the same again is a duplicate, another a conflict", async () => {
    const sent = event();
    const { body } = await door.post([sent, sent, { ...sent, message: "other" }]);
    expect(body.results.map(({ status }) => status)).toEqual(["created", "duplicate", "conflict"]);
    expect(await door.stored(`id = '${sent["id"]}'`)).toHaveLength(1);
  });

  it("keeps the order of a batch in the order it stores", async () => {
    const batch = Array.from({ length: 50 }, (_, index) => event({ event_type: "ordered.event", object_id: String(index) }));
    await door.post(batch);
    const stored = await door.stored("event_type = 'ordered.event'");
    expect(stored.map(({ event: { object_id } }) => object_id)).toEqual(batch.map(({ object_id }) => object_id));
  });

  it("takes a bare event for a batch of one, and the seeds' names for ours", async () => {
    const occurred = new Date(Date.now() - 60_000).toISOString();
    const bare = { tenant_id: tenantB, operation_type: "Scan_Process", operator: "a@b.example", timestamp: occurred, extra_info: { n: 1 }, duration_ms: 12.5 };
    const { status, body } = await door.post(bare);
    expect([status, body.created_count]).toEqual([201, 1]);
    const [stored] = await door.stored(`id = '${body.results[0]?.id}'`);
    expect(stored?.event).toMatchObject({ event_type: "scan_process", actor_id: "a@b.example", occurred_at: occurred, context: { n: 1 }, duration_ms: 13 });
  });

  it("stores nothing of a strict batch with a fault, and says which event it was", async () => {
    const good = event({ event_type: "strict.event" });
    const answer = await door.post([good, event({ id: "no" })], { prefer: "handling=strict" });
    expect(summary(answer)).toEqual([422, 0, 0, 2]);
    expect(answer.body.results.map(({ error }) => error?.code)).toEqual(["batch_rejected", "invalid_value"]);
    expect(answer.headers.get("preference-applied")).toBe("handling=strict");
    expect(await door.stored("event_type = 'strict.event'")).toEqual([]);
    const alone = await door.post([good], { prefer: "handling=strict" });
    expect(summary(alone)).toEqual([201, 1, 0, 0]);
  });

  it("takes a strict batch back when only the database knows of the conflict", async () => {
    const old = event({ event_type: "strict.old" });
    await door.post([old]);
    const answer = await door.post([event({ event_type: "strict.new" }), { ...old, message: "changed" }], { prefer: "handling=strict" });
    expect(answer.status).toBe(422);
    expect(answer.body.results.map(({ error }) => error?.code)).toEqual(["batch_rejected", "conflict"]);
    expect(await door.stored("event_type = 'strict.new'")).toEqual([]);
  });

  it("lists only what was not created when asked for little", async () => {
    const old = event();
    await door.post([old]);
    const answer = await door.post([event(), old, event({ ip_address: "localhost" })], { prefer: "return=minimal" });
    expect(summary(answer)).toEqual([207, 1, 1, 1]);
    expect(answer.body.results.map(({ index, status }) => [index, status])).toEqual([[1, "duplicate"], [2, "rejected"]]);
    expect(answer.headers.get("preference-applied")).toBe("return=minimal");
  });

  it("is 202 and not durable when asked to respond before COMMIT, and the events arrive", async () => {
    const answer = await door.post([event({ event_type: "async.event" }), event({ event_type: "" })], { prefer: "respond-async" });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ accepted_count: 1, rejected_count: 1, durable: false });
    expect(answer.headers.get("preference-applied")).toBe("respond-async");
    const [stored] = await until(async () => {
      const rows = await door.stored("event_type = 'async.event'");
      return rows.length === 1 && rows;
    });
    expect(stored?.event.id).toBe(answer.body.results[0]?.id);
  });

  it("says how long each part took, in the body and as Server-Timing", async () => {
    const { body, headers } = await door.post([event()]);
    expect(Object.keys(body.timing)).toEqual(["total_ms", "parse_ms", "validate_ms", "hash_ms", "insert_ms"]);
    const named = Object.entries(body.timing).map(([name, ms]) => `${name.slice(0, -3)};dur=${ms}`).join(", ");
    expect(headers.get("server-timing")).toBe(named);
    expect(body.timing["total_ms"]).toBeGreaterThan(body.timing["insert_ms"] ?? Infinity);
  });

  it("repeats a harmless request id and makes one of its own otherwise", async () => {
    const { body, headers } = await door.post([event()], { "x-request-id": "req-42" });
    expect([body.request_id, headers.get("x-request-id")]).toEqual(["req-42", "req-42"]);
    expect((await door.post([event()], { "x-request-id": "a b<c>" })).body.request_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it("stamps an end user's address, agent and device, says so, and never those of a server", async () => {
    const browser = { "user-agent": "Browser/1.0", "x-forwarded-for": "198.51.100.1, 203.0.113.7", "accept-language": "de" };
    const authorization = `Bearer ${await signToken({ app_metadata: { tenant_id: tenantA } })}`;
    const user = await door.post([{ event_type: "user.event" }, { event_type: "user.event", ip_address: "192.0.2.9" }], { ...browser, authorization });
    const fields = { ip_address: "203.0.113.7", user_agent: "Browser/1.0", device_fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(user.body.request_fields).toEqual(fields);
    const [first, second] = await door.stored("event_type = 'user.event'");
    expect(first?.event).toMatchObject(fields);
    expect(second?.event).toMatchObject({ ip_address: "192.0.2.9", user_agent: "Browser/1.0" });
    const server = await door.post([event()], browser);
    expect(server.body.request_fields).toBeUndefined();
    const [row] = await door.stored(`id = '${server.body.results[0]?.id}'`);
    expect(Object.keys(row?.event ?? {})).not.toEqual(expect.arrayContaining(["ip_address"]));
    expect(row?.event.user_agent ?? row?.event.device_fingerprint).toBeUndefined();
  });

  it("logs one line of JSON a request, without a body, a key or a caller's words", async () => {
    await door.post([event({ message: "c4n4ry" })], { "x-request-id": "logged-1" });
    await door.post('{"c4n4ry": ', { "x-request-id": "logged-2" });
    const lines = () => door.log().filter(({ request_id }) => String(request_id).startsWith("logged-"));
    await until(() => lines().length >= 2);
    const [stored, refused, ...others] = lines();
    expect(others).toEqual([]);
    expect(stored).toMatchObject({ level: "info", event: "ingest", request_id: "logged-1", status: 201, principal: "secret:default", created_count: 1 });
    expect(refused).toMatchObject({ level: "warn", event: "ingest", request_id: "logged-2", status: 400, code: "malformed_json" });
    expect(door.process.stderr()).not.toMatch(/c4n4ry|sb_secret/);
  });
});

describe("audit-logger for browsers", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor({ env: { AUDIT_ALLOWED_ORIGINS: "https://app.example.com,https://other.example.com" } })));
  afterAll(() => door.close());

  it("answers a preflight of an allowed origin, and gives another one nothing", async () => {
    const preflight = (origin: string) => fetch(door.url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    const allowed = await preflight("https://app.example.com");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(allowed.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(allowed.headers.get("access-control-allow-methods")).toContain("POST");
    expect((await preflight("https://attacker.example.com")).headers.get("access-control-allow-origin")).toBeNull();
  });

  it("lets an allowed origin read answers and refusals", async () => {
    const origin = "https://app.example.com";
    const stored = await door.post([event()], { origin });
    expect([stored.status, stored.headers.get("access-control-allow-origin")]).toEqual([201, origin]);
    const refused = await door.post([event()], { origin, apikey: "nonsense" });
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, origin]);
    expect((await door.post([event()], { origin: "https://attacker.example.com" })).headers.get("access-control-allow-origin")).toBeNull();
  });

  it("takes POST and nothing else", async () => {
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const answer = await fetch(door.url, { method, headers: { apikey: "any" } });
      expect([method, answer.status, answer.headers.get("allow")]).toEqual([method, 405, "POST, OPTIONS"]);
      await answer.body?.cancel();
    }
  });
});

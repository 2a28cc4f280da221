import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ingestFixture, keyOfA, secret, tenantA, tenantB, userOfA } from "../test/support/ingest-fixture.ts";
import { sha256 } from "../test/support/sha256.ts";
import { AuditError } from "./errors.ts";
import type { AuditEvent } from "./event.ts";
import { toHex } from "./format/hex.ts";
import { leafHashOf, leafOf } from "./leaf.ts";
import { limits } from "./limits.ts";

const event = { event_type: "order.created", actor_id: "ann" };

describe("createIngestHandler(): the answer", () => {
  it("is 201 with a verdict per event and all that the server set", async () => {
    const { post } = ingestFixture();
    const { response, body } = await post({ events: [event, { ...event, occurred_at: "2026-11-22T11:00:00Z" }] });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({
      created_count: 2,
      duplicate_count: 0,
      rejected_count: 0,
      method: "edge",
      received_at: "2026-11-22T12:00:00.000Z",
      principal: keyOfA.principal,
      tenant_id: tenantA,
      results: [
        { index: 0, id: expect.any(String), occurred_at: "2026-11-22T12:00:00.000Z", status: "created", leaf_hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { index: 1, id: expect.any(String), occurred_at: "2026-11-22T11:00:00.000Z", status: "created", leaf_hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
      timing: {
        total_ms: expect.any(Number),
        parse_ms: expect.any(Number),
        validate_ms: expect.any(Number),
        hash_ms: expect.any(Number),
        insert_ms: expect.any(Number),
      },
      request_id: response.headers.get("x-request-id"),
    });
  });

  it("lets an end user recompute the leaf from what was sent and what was answered", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    const { body } = await fixture.post(event, { "user-agent": "Mozilla/5.0", "x-forwarded-for": "6.6.6.6, 203.0.113.9" });
    expect(body["request_fields"]).toEqual({
      ip_address: "203.0.113.9",
      user_agent: "Mozilla/5.0",
      device_fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const [result] = body.results;
    const rebuilt = {
      ...event,
      result: "success",
      ...body["request_fields"] as object,
      tenant_id: body["tenant_id"],
      received_at: body["received_at"],
      principal: body["principal"],
      id: result?.id,
      occurred_at: result?.occurred_at,
    } as AuditEvent;
    expect(toHex(leafHashOf(leafOf(rebuilt), sha256))).toBe(result?.leaf_hash);
    expect(toHex(fixture.store.rows()[0]?.leafHash ?? new Uint8Array(0))).toBe(result?.leaf_hash);
  });

  it("stamps nothing of a server's request", async () => {
    const { post, store } = ingestFixture();
    const { body } = await post(event, { "user-agent": "node", "x-forwarded-for": "203.0.113.9" });
    expect(body).not.toHaveProperty("request_fields");
    expect(store.rows()[0]?.event).not.toMatchObject({ user_agent: "node" });
  });

  it("is 207 when some events were refused, which cost nobody else anything", async () => {
    const { post, store } = ingestFixture();
    const { response, body } = await post({ events: [event, { actor_id: 5 }, event] });
    expect(response.status).toBe(207);
    expect(body).toMatchObject({ created_count: 2, rejected_count: 1 });
    expect(body.results[1]).toEqual({
      index: 1,
      status: "rejected",
      error: { code: "invalid_type", pointer: "/actor_id", message: expect.any(String) },
      errors: [expect.objectContaining({ code: "invalid_type" }), expect.objectContaining({ code: "required" })],
    });
    expect(store.rows()).toHaveLength(2);
  });

  it("is a 422 problem that carries the results when every event was refused", async () => {
    const { response, body } = await ingestFixture().post({ events: [{}, { event_type: "t", tenant_id: tenantB }] });
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ status: 422, code: "events_rejected", created_count: 0, rejected_count: 2, request_id: response.headers.get("x-request-id") });
    expect(body.results.map(({ error }) => error?.code)).toEqual(["required", "tenant_forbidden"]);
  });

  it("lists only what was not created under return=minimal", async () => {
    const { post } = ingestFixture();
    const { response, body } = await post({ events: [event, {}, event] }, { prefer: "return=minimal" });
    expect(body.results.map(({ index }) => index)).toEqual([1]);
    expect(body).toMatchObject({ created_count: 2 });
    expect(response.headers.get("preference-applied")).toBe("return=minimal");
  });

  it("tells its timings as Server-Timing too", async () => {
    const { response, body } = await ingestFixture().post(event);
    const timing = body["timing"] as Record<string, number>;
    const header = ["total", "parse", "validate", "hash", "insert"].map((part) => `${part};dur=${timing[`${part}_ms`]}`).join(", ");
    expect(response.headers.get("server-timing")).toBe(header);
  });

  it("says which door it came through, and holds that door's bound", async () => {
    const { post } = ingestFixture({ door: { method: "api", eventsMax: 2 } });
    expect((await post({ events: [event, event] })).body).toMatchObject({ method: "api", created_count: 2 });
    expect((await post({ events: [event, event, event] })).body).toMatchObject({ status: 413, code: "too_many_events" });
  });
});

describe("createIngestHandler(): refusals of whole requests", () => {
  const ofBody = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    new Request("http://x/", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  const cases: [string, () => Request, number, string][] = [
    ["text/plain", () => ofBody("{}", { "content-type": "text/plain" }), 415, "unsupported_media_type"],
    ["an unknown encoding", () => ofBody("{}", { "content-encoding": "br" }), 415, "unsupported_media_type"],
    ["a body over the limit", () => ofBody(" ".repeat(limits.bodyBytesMax + 1)), 413, "body_too_large"],
    [
      "a body over the limit once decoded",
      () => ofBody(new Uint8Array(gzipSync(" ".repeat(limits.bodyBytesMax + 1))), { "content-encoding": "gzip" }),
      413,
      "body_too_large",
    ],
    ["1001 events", () => ofBody(JSON.stringify({ events: Array.from({ length: 1001 }, () => event) })), 413, "too_many_events"],
    ["no JSON", () => ofBody("{"), 400, "malformed_json"],
    ["no UTF-8", () => ofBody(Uint8Array.of(0x22, 0xff, 0x22)), 400, "invalid_utf8"],
    ["65 levels", () => ofBody("[".repeat(65)), 400, "body_too_deep"],
    ["an empty list", () => ofBody('{"events":[]}'), 400, "invalid_request"],
    ["an empty Idempotency-Key", () => ofBody("{}", { "idempotency-key": "" }), 400, "invalid_parameter"],
    ["a long Idempotency-Key", () => ofBody("{}", { "idempotency-key": "k".repeat(256) }), 400, "invalid_parameter"],
  ];

  it.each(cases)("answers %s with a problem", async (_what, request, status, code) => {
    const fixture = ingestFixture();
    const response = await fixture.send(request());
    const problem = await response.json();
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(problem).toMatchObject({ status, code, title: expect.any(String), detail: expect.any(String), type: expect.stringContaining(code) });
    expect(problem.request_id).toBe(response.headers.get("x-request-id"));
    expect(fixture.store.rows()).toEqual([]);
    expect(fixture.logged).toMatchObject([{ level: "warn", event: "ingest", status, code }]);
  });

  it("answers other methods with 405 and what it allows", async () => {
    for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE"]) {
      const response = await ingestFixture().send(new Request("http://x/", { method }));
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    }
  });

  it("does not read the body of a stranger, nor of a caller who may not ingest", async () => {
    const fixture = ingestFixture();
    for (const [caller, status] of [[new AuditError("unauthenticated", "no"), 401], [{ ...keyOfA, scopes: new Set(["read"] as const) }, 403]] as const) {
      fixture.caller = caller;
      let pulled = 0;
      const body = new ReadableStream<Uint8Array>({ pull: (controller) => void (pulled++, controller.enqueue(new Uint8Array(1000))) });
      const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half", headers: { "content-type": "application/json" } };
      const response = await fixture.send(new Request("http://x/", init));
      expect(response.status).toBe(status);
      expect(response.headers.has("www-authenticate")).toBe(status === 401);
      expect(pulled).toBeLessThanOrEqual(1);
    }
  });

  it("passes a store's outage on with Retry-After, and stores nothing", async () => {
    const fixture = ingestFixture();
    fixture.store.failNext(new AuditError("unavailable", "store events: the database is away", { retryAfterSeconds: 2 }));
    const { response, body } = await fixture.post(event);
    expect([response.status, response.headers.get("retry-after"), body["code"]]).toEqual([503, "2", "unavailable"]);
    expect(fixture.logged).toMatchObject([{ level: "error", status: 503 }]);
    expect((await fixture.post(event)).response.status).toBe(201);
  });

  it("says nothing about an unexpected fault, neither to the caller nor of what was sent to the log", async () => {
    const fixture = ingestFixture();
    fixture.store.failNext(new Error('duplicate key value: "S3CRET"'));
    const { response, body } = await fixture.post({ ...event, message: "S3CRET" });
    expect(response.status).toBe(500);
    expect(body).toMatchObject({ code: "internal" });
    expect(JSON.stringify([body, fixture.logged])).not.toContain("S3CRET");
  });
});

describe("createIngestHandler(): around the request", () => {
  it("answers a preflight, and lets a page read answers and problems", async () => {
    const origin = "https://app.example.com";
    const fixture = ingestFixture({ settings: { allowedOrigins: [origin] } });
    fixture.caller = new AuditError("unauthenticated", "a preflight carries no credential");
    expect((await fixture.send(new Request("http://x/", { method: "OPTIONS", headers: { origin } }))).status).toBe(204);
    for (const [from, allowed] of [[origin, origin], ["https://evil.example", null]] as const) {
      expect((await fixture.post(event, { origin: from })).response.headers.get("access-control-allow-origin")).toBe(allowed);
      fixture.caller = keyOfA;
      expect((await fixture.post(event, { origin: from })).response.headers.get("access-control-allow-origin")).toBe(allowed);
    }
  });

  it("carries a sane request id through, in answers, problems and the log", async () => {
    const fixture = ingestFixture();
    for (const body of [event, "{"]) {
      const { response, body: answer } = await fixture.post(body, { "x-request-id": "trace-1" });
      expect([response.headers.get("x-request-id"), answer["request_id"], fixture.logged.pop()?.["request_id"]]).toEqual(["trace-1", "trace-1", "trace-1"]);
    }
  });

  it("keeps answers out of caches", async () => {
    expect((await ingestFixture().post(event)).response.headers.get("cache-control")).toBe("no-store");
  });

  it("logs one line a request, with counts and timings and nothing that was sent", async () => {
    const fixture = ingestFixture();
    await fixture.post({ events: [{ ...event, message: "S3CRET", context: { S3CRET: "S3CRET" } }, { S3CRET: 1 }] }, {
      authorization: "Bearer S3CRET",
      "idempotency-key": "S3CRET",
    });
    expect(fixture.logged).toEqual([
      expect.objectContaining({ level: "info", event: "ingest", door: "edge", status: 207, principal: keyOfA.principal, created_count: 1, rejected_count: 1 }),
    ]);
    expect(JSON.stringify(fixture.logged)).not.toContain("S3CRET");
  });

  it("cuts an end user's long agent between characters", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    await fixture.post(event, { "user-agent": `${"a".repeat(limits.userAgentBytesMax - 1)}\u00e9b` });
    expect(fixture.store.rows()[0]?.event.user_agent).toBe("a".repeat(limits.userAgentBytesMax - 1));
  });
});

describe("createIngestHandler(): respond-async", () => {
  it("answers 202 at once, says that it is not durable, and stores in the background", async () => {
    const fixture = ingestFixture();
    let release = () => {};
    fixture.store.blockUntil(new Promise<void>((resolve) => release = resolve));
    const { response, body } = await fixture.post({ events: [event, {}] }, { prefer: "respond-async" });
    expect(response.status).toBe(202);
    expect(response.headers.get("preference-applied")).toBe("respond-async");
    expect(body).toMatchObject({ accepted_count: 1, rejected_count: 1, durable: false, received_at: "2026-11-22T12:00:00.000Z" });
    expect(body.results).toMatchObject([{ index: 0, status: "accepted", id: expect.any(String) }, { index: 1, status: "rejected" }]);
    expect(fixture.store.rows()).toEqual([]);
    expect(fixture.waiting).toHaveLength(1);
    release();
    await Promise.all(fixture.waiting);
    expect(fixture.store.rows()[0]?.event.id).toBe(body.results[0]?.id);
  });

  it("counts and logs what is lost there", async () => {
    const fixture = ingestFixture();
    for (const total of [1, 2]) {
      fixture.store.failNext(new AuditError("unavailable", "store events: the database is away"));
      expect((await fixture.post(event, { prefer: "respond-async" })).response.status).toBe(202);
      await Promise.all(fixture.waiting);
      expect(fixture.logged.at(-1)).toMatchObject({
        level: "error",
        event: "ingest.async.failed",
        code: "unavailable",
        failed_total: total,
        events: 1,
        principal: keyOfA.principal,
      });
    }
  });

  it("logs what the store refused there", async () => {
    const fixture = ingestFixture();
    const identified = { ...event, id: "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d", occurred_at: "2026-11-22T11:00:00Z" };
    await fixture.post(identified);
    await fixture.post({ ...identified, actor_id: "bob" }, { prefer: "respond-async" });
    await Promise.all(fixture.waiting);
    expect(fixture.logged.at(-1)).toMatchObject({ level: "warn", event: "ingest.async.refused", refused_count: 1 });
  });

  it("answers when it is stored if too many batches wait, or if nothing will be stored", async () => {
    const fixture = ingestFixture();
    let release = () => {};
    fixture.store.blockUntil(new Promise<void>((resolve) => release = resolve));
    for (let index = 0; index < limits.pendingBatchesMax; index++) expect((await fixture.post(event, { prefer: "respond-async" })).response.status).toBe(202);
    const next = fixture.post(event, { prefer: "respond-async" });
    release();
    expect((await next).response.status).toBe(201);
    expect((await next).response.headers.has("preference-applied")).toBe(false);
    await Promise.all(fixture.waiting);
    expect((await fixture.post(event, { prefer: "respond-async" })).response.status).toBe(202);
    expect((await fixture.post({}, { prefer: "respond-async" })).response.status).toBe(400);
    expect((await fixture.post({ events: [{}] }, { prefer: "respond-async" })).response.status).toBe(422);
    expect((await fixture.post({ events: [event, {}] }, { prefer: "respond-async, handling=strict" })).response.status).toBe(422);
  });

  it("promises no id under an Idempotency-Key that it may not keep", async () => {
    const fixture = ingestFixture();
    fixture.caller = secret;
    const timed = { ...event, tenant_id: tenantA, id: "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d", occurred_at: "2026-11-22T11:00:00Z" };
    const { body } = await fixture.post({ events: [timed, { ...event, tenant_id: tenantA }] }, { prefer: "respond-async", "idempotency-key": "k" });
    expect(body.results).toEqual([{ index: 0, id: timed.id, occurred_at: "2026-11-22T11:00:00.000Z", status: "accepted" }, { index: 1, status: "accepted" }]);
  });
});

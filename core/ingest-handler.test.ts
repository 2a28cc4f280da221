import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ingestFixture, keyOfA, tenantA, tenantB, userOfA } from "../test/support/ingest-fixture.ts";
import { sha256 } from "../test/support/sha256.ts";
import { AuditError } from "./errors.ts";
import { toHex } from "./format/hex.ts";
import { leafHashOf, leafOf } from "./leaf.ts";
import { limits } from "./limits.ts";

const event = { event_type: "order.created", actor_id: "ann" };

describe("createIngestHandler(): refusals of whole requests", () => {
  const ofBody = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    new Request("http://x/", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  const ofAddress = (query: string) =>
    new Request(`http://x/audit-logger?${query}`, { method: "POST", body: JSON.stringify(event), headers: { "content-type": "application/json" } });
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
    ["a tenant in the address, where nobody reads it", () => ofAddress(`tenant_id=${tenantB}`), 400, "unknown_parameter"],
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

  it("takes what gateways and clients put into an address for themselves", async () => {
    expect((await ingestFixture().send(ofAddress("forceFunctionRegion=eu-west-1"))).status).toBe(201);
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

  it("takes another caller's events while one fills the room with bodies that stall", async () => {
    const fixture = ingestFixture();
    const ends: (() => void)[] = [];
    const stalled = () => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(limits.bodiesHeldBytesMax / 4 - limits.requestBytes));
          ends.push(() => controller.close());
        },
      });
      const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half", headers: { "content-type": "application/json" } };
      return fixture.send(new Request("http://x/", init));
    };
    const answers = Array.from({ length: 4 }, stalled);
    await new Promise((resolve) => setTimeout(resolve));
    // Nobody has more than he who asks, so his fifth is refused.
    expect((await fixture.post(event)).response.status).toBe(503);
    for (const caller of [userOfA, { ...keyOfA, principal: "key:other", tenants: ["223e4567-e89b-12d3-a456-426614174000"] }]) {
      fixture.caller = caller;
      expect((await fixture.post(event)).response.status).toBe(201);
    }
    const refused = await answers[3];
    expect([refused?.status, refused?.headers.get("retry-after")]).toEqual([503, "1"]);
    for (const end of ends.slice(0, 3)) end();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([400, 400, 400, 503]);
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

/** A name that stands twice in one object: RFC 8259 leaves it to the reader what that means, docs/format/event.md says what we do. */
describe("createIngestHandler(): names that stand twice", () => {
  it.each([
    ["in an event", '{"event_type":"a.first","event_type":"a.last"}', { event_type: "a.last" }],
    ["in an event, written in two ways", '{"event_type":"a.first","\\u0065vent_type":"a.last"}', { event_type: "a.last" }],
    ["in a context, at any depth", '{"event_type":"a","context":{"k":1,"k":{"n":1,"n":[2]}}}', { context: { k: { n: [2] } } }],
    ["in a context with escapes", '{"event_type":"a","context":{"\\"q":1,"\\"q":2}}', { context: { '"q': 2 } }],
    ["around the events", '{"events":[{"event_type":"a"},{"event_type":"b"}],"events":[{"event_type":"c"}]}', { event_type: "c" }],
  ])("count with their last value %s: it is what is stored and hashed", async (_where, sent, stored) => {
    const fixture = ingestFixture();
    const { response, body } = await fixture.post(sent);
    expect([response.status, body["created_count"]]).toEqual([201, 1]);
    const rows = fixture.store.rows();
    expect(rows).toHaveLength(1);
    expect(rows[0]?.event).toMatchObject(stored);
    expect(Object.keys(rows[0]?.event.context ?? {})).toEqual(Object.keys("context" in stored ? stored.context : {}));
    expect(body.results[0]?.leaf_hash).toBe(toHex(leafHashOf(leafOf(rows[0]?.event as Parameters<typeof leafOf>[0]), sha256)));
  });

  it("are judged by their last value: a right one before it saves nothing", async () => {
    const { response, body } = await ingestFixture().post('{"event_type":"a.first","event_type":5}');
    expect([response.status, body.results[0]?.error?.code]).toEqual([422, "invalid_type"]);
  });

  it("cannot name another tenant behind the caller's own", async () => {
    const fixture = ingestFixture();
    const { body } = await fixture.post(`{"event_type":"a","tenant_id":"${tenantA}","tenant_id":"${tenantB}"}`);
    expect([body.results[0]?.error?.code, fixture.store.rows()]).toEqual(["tenant_forbidden", []]);
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

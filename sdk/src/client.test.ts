import { describe, expect, it } from "vitest";
import { someEvents, virtual } from "../test/virtual.ts";
import { AuditConfigurationError, AuditDroppedError, AuditPendingError, AuditRejectedError, createAuditClient } from "./index.ts";
import { platformRuntime, type Runtime } from "./runtime.ts";

describe("logEvent()", () => {
  it("resolves with the verdict when the event is stored", async () => {
    const { client, until, server, requests } = virtual();
    const logged = await until(client.logEvent({ event_type: "order.created", actor_id: "alice" }));
    expect(logged).toMatchObject({ status: "created", id: expect.any(String), occurredAt: expect.any(String), receivedAt: expect.any(String) });
    expect(server.stored.size).toBe(1);
    expect(requests[0]?.headers).toEqual({ authorization: "Bearer aud_test", "content-type": "application/json" });
  });

  it("rejects with the server's reason, and tells onRejected", async () => {
    const told: unknown[] = [];
    const { client, until } = virtual({ onRejected: (event, fault) => void told.push([event.context, fault.code]) });
    const error = await until(client.logEvent({ event_type: "a", context: { bad: true } })).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuditRejectedError);
    expect(error).toMatchObject({
      name: "AuditRejectedError",
      code: "invalid_value",
      pointer: "/context/bad",
      message: "log event: rejected: invalid_value: is bad",
    });
    expect(told).toEqual([[{ bad: true }, "invalid_value"]]);
  });

  it("sets no timer for a time that has passed meanwhile, of which Node would warn on the console", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const delays: number[] = [];
    let now = 0;
    const runtime: Runtime = {
      ...platformRuntime,
      // A machine so busy that each look at the clock finds it 100 ms later.
      monotonic: () => now += 100,
      setTimer: (callback, delayMs, keepAlive) => (delays.push(delayMs), platformRuntime.setTimer(callback, delayMs, keepAlive)),
      fetch: () => (resolve(), Promise.resolve(Response.json({}, { status: 400 }))),
    };
    const client = createAuditClient({ url: "http://virtual", apiKey: "k", environment: {}, batchAgeMs: 150, runtime });
    client.logEventFireAndForget({ event_type: "a" });
    await asked;
    await client.close();
    expect(delays.filter((delayMs) => delayMs < 0)).toEqual([]);
  });

  it("rejects at once when the credential is refused, with nothing left in the queue", async () => {
    const world = virtual();
    world.answer = () => ({ status: 401, body: { code: "unauthenticated", detail: "authenticate: unknown key" } });
    await expect(world.until(world.client.logEvent({ event_type: "a" }))).rejects.toMatchObject({ code: "unauthenticated" });
    expect(world.client.stats()).toMatchObject({ queued: 0, rejected: 1 });
  });

  it("does not call an event refused that an earlier try may have stored", async () => {
    const world = virtual({ logTimeoutMs: 60_000 });
    world.answer = () => world.requests.length === 1 ? "refused" : { status: 401 };
    await expect(world.until(world.client.logEvent({ event_type: "a" }))).rejects.toMatchObject({ name: "AuditPendingError", cause: { status: 401 } });
    world.answer = () => undefined;
    await world.until(world.client.flush({ timeoutMs: 100_000 }));
    expect(world.client.stats()).toMatchObject({ created: 1, rejected: 0, queued: 0 });
  });

  it("keeps the event queued when no answer comes in time, says so, and still delivers it", async () => {
    const world = virtual({ logTimeoutMs: 5000, requestTimeoutMs: 2000 });
    world.answer = () => "lost";
    const error = await world.until(world.client.logEvent({ event_type: "a" })).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuditPendingError);
    expect((error as Error).cause).toMatchObject({ code: "network", message: "no answer within 2000 ms" });
    expect(world.client.stats().queued).toBe(1);
    world.answer = () => undefined;
    await world.until(world.client.flush({ timeoutMs: 100_000 }));
    expect([...world.server.stored.values()].map((text) => JSON.parse(text).id)).toEqual([(error as AuditPendingError).id]);
  });

  it("fetches a stale token once more and goes on", async () => {
    const asked: boolean[] = [];
    const world = virtual({ getToken: ({ refresh }) => (asked.push(refresh), refresh ? "fresh" : "stale") });
    world.answer = ({ headers }) => headers["authorization"] === "Bearer stale" ? { status: 401 } : undefined;
    await expect(world.until(world.client.logEvent({ event_type: "a" }))).resolves.toMatchObject({ status: "created" });
    expect(asked).toEqual([false, true]);
  });

  it("puts Supabase's opaque keys where its gateway looks for them, beside a user's token", async () => {
    const world = virtual({ apiKey: "sb_publishable_x", getToken: () => "jwt" });
    await world.until(world.client.logEvent({ event_type: "a" }));
    expect(world.requests[0]?.headers).toMatchObject({ apikey: "sb_publishable_x", authorization: "Bearer jwt" });
  });

  it("is dropped after close", async () => {
    const { client, until } = virtual();
    await until(client.close());
    await expect(client.logEvent({ event_type: "a" })).rejects.toMatchObject({ name: "AuditDroppedError", reason: "closed" });
    expect(client.logEventFireAndForget({ event_type: "a" })).toBe(false);
    expect(client.stats()).toMatchObject({ logged: 2, dropped: { total: 2, closed: 2 } });
  });
});

describe("logEventFireAndForget()", () => {
  it("returns true at once and sends batches when they are full or old, without asking for verdicts that say created", async () => {
    const { client, requests, pass } = virtual({ batchSize: 3, batchAgeMs: 1000 });
    for (const event of someEvents(4)) expect(client.logEventFireAndForget(event)).toBe(true);
    expect(requests).toEqual([]);
    await pass(500);
    expect(requests.map(({ events }) => events.length)).toEqual([3]);
    await pass(1000);
    expect(requests.map(({ events }) => events.length)).toEqual([3, 1]);
    expect(requests[0]?.headers["prefer"]).toBe("return=minimal");
    expect(client.stats()).toMatchObject({ logged: 4, created: 4, sent: 4, queued: 0, requests: 2 });
  });

  it("never throws: what cannot be written is dropped and counted, and the log says so", async () => {
    const { client, until, server } = virtual({ tenantId: "t1" });
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(client.logEventFireAndForget({ event_type: "a", context: circle })).toBe(false);
    await until(client.flush());
    const [report] = [...server.stored.values()].map((text) => JSON.parse(text));
    expect(report).toMatchObject({
      event_type: "audit.sdk.dropped",
      tenant_id: "t1",
      result: "warning",
      context: { dropped_count: 1, reasons: { invalid: 1 }, since: expect.any(String) },
    });
  });
});

describe("logCreation(), logUpdate(), logDeletion()", () => {
  it("reject and count versions that cannot be written, and never throw at once", async () => {
    const { client } = virtual();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    await expect(client.logUpdate({ before: circle, after: { a: 1 } })).rejects.toMatchObject({ name: "AuditDroppedError", reason: "invalid" });
    expect(client.stats()).toMatchObject({ dropped: { invalid: 1, total: 1 } });
  });

  it("take no type for the default one, and reject rather than throw when an event cannot be read", async () => {
    const { client, until, requests } = virtual();
    await until(client.logCreation({ event_type: undefined, object_id: "1" }));
    await until(client.logDeletion({ event_type: undefined, operation_type: "order.purged" }));
    expect(requests.map(({ events }) => events[0]?.["event_type"])).toEqual(["create", "order.purged"]);
    const unread = {
      get object_id(): string {
        throw new Error("not loaded");
      },
    };
    await expect(client.logCreation(unread)).rejects.toThrow("not loaded");
  });

  it("say what was made, what differs and what is gone", async () => {
    const { client, until, requests } = virtual();
    const object = { object_type: "order", object_id: "1" };
    await until(client.logCreation({ ...object, after: { total: 1 } }));
    await until(client.logUpdate({ ...object, before: { total: 1, state: "open" }, after: { total: 2, state: "open" }, context: { reason: "typo" } }));
    await until(client.logDeletion({ ...object, before: { total: 2 }, event_type: "order.purged" }));
    await until(client.logCreation(object));
    expect(requests.map(({ events }) => events[0])).toMatchObject([
      { event_type: "create", object_id: "1", context: { after: { total: 1 } } },
      { event_type: "update", context: { reason: "typo", before: { total: 1 }, after: { total: 2 }, changed: ["total"] } },
      { event_type: "order.purged", context: { before: { total: 2 } } },
      { event_type: "create" },
    ]);
    expect(requests[3]?.events[0]).not.toHaveProperty("context");
  });
});

describe("withContext()", () => {
  it("adds fields to every event of its view and no other, sharing the queue", async () => {
    const { client, until, requests } = virtual({ source: "shop" });
    const view = client.withContext({ actor_id: "alice", context: { a: 1 } }).withContext({ request_id: "r", context: { b: 2 } });
    view.logEventFireAndForget({ event_type: "one" });
    client.logEventFireAndForget({ event_type: "two" });
    await until(view.flush());
    expect(requests[0]?.events).toMatchObject([{ source: "shop", actor_id: "alice", request_id: "r", context: { a: 1, b: 2 } }, { source: "shop" }]);
    expect(requests[0]?.events[1]).not.toHaveProperty("actor_id");
    expect(view.stats()).toEqual(client.stats());
  });
});

describe("AUDIT_LOGGING_ENABLED=false", () => {
  it("logs nothing, runs operations, needs no address", async () => {
    const client = createAuditClient({ environment: { AUDIT_LOGGING_ENABLED: "false" } });
    expect((await client.logHighVolumeEvents(someEvents(300_000))).results).toHaveLength(300_000);
    expect(client.logEventFireAndForget({ event_type: "a" })).toBe(false);
    expect(await client.logEvent({ event_type: "a" })).toMatchObject({ status: "disabled" });
    expect(await client.logHighVolumeEvents(someEvents(3))).toMatchObject({
      createdCount: 0,
      method: "none",
      results: [{ index: 0, status: "disabled" }, {}, {}],
    });
    expect(await client.auditOperation({ event_type: "a" }, () => 42)).toBe(42);
    expect(await client.close()).toMatchObject({ complete: true, stats: { logged: 0, dropped: { total: 0 } } });
  });
});

describe("AUDIT_LOGGING_ASYNC=false", () => {
  it("sends every event by itself at once, and operations wait for theirs", async () => {
    const { client, requests, until, pass } = virtual({ environment: { AUDIT_LOGGING_ASYNC: "false" } });
    client.logEventFireAndForget({ event_type: "a" });
    client.logEventFireAndForget({ event_type: "b" });
    await pass(1);
    expect(requests.map(({ events }) => events.length)).toEqual([1, 1]);
    await until(client.auditOperation({ event_type: "c" }, () => 1));
    expect(client.stats().created).toBe(3);
  });
});

describe("createAuditClient()", () => {
  it("reads the environment, and options win over it", async () => {
    const environment = { SUPABASE_URL: "http://one", AUDIT_API_KEY: "aud_env", AUDIT_LOGGING_QUEUE_SIZE: "2" };
    const client = createAuditClient({ environment, onWarning: () => {}, batchAgeMs: 60_000, runtime: { fetch: () => new Promise(() => {}) } });
    expect(someEvents(3).map((event) => client.logEventFireAndForget(event))).toEqual([true, true, false]);
    const larger = createAuditClient({ environment, queueSize: 3, onWarning: () => {}, batchAgeMs: 60_000, runtime: { fetch: () => new Promise(() => {}) } });
    expect(someEvents(3).map((event) => larger.logEventFireAndForget(event))).toEqual([true, true, true]);
    await Promise.all([client, larger].map((one) => one.close({ timeoutMs: 1 })));
  });

  it("knows a thousand events by default, as the seed's queue did", () => {
    const { client } = virtual({ batchAgeMs: 60_000, batchSize: 1000, concurrency: 1 });
    const queued = someEvents(1001).map((event) => client.logEventFireAndForget(event));
    expect(queued.filter(Boolean)).toHaveLength(1000);
  });

  it("names every fault at once", () => {
    const create = () => createAuditClient({ environment: { AUDIT_LOGGING_QUEUE_SIZE: "many" }, concurrency: 0, batchSize: 1001, whenFull: "spill" });
    expect(create).toThrow(AuditConfigurationError);
    expect(create).toThrow(/queueSize: .*; batchSize: .*1000.*; concurrency: .*; url: .*; apiKey or getToken: .*; spool: /);
  });

  it("finds the API beside the functions, elsewhere, and on hosted Supabase", async () => {
    const urls: string[] = [];
    const ask = async (options: { readonly url: string; readonly apiUrl?: string }) => {
      const fetch = (url: string) => (urls.push(url), Promise.reject(new Error("away")));
      const client = createAuditClient({ ...options, apiKey: "k", environment: {}, onWarning: () => {}, runtime: { fetch } });
      client.logEventFireAndForget({ event_type: "a" });
      await client.close({ timeoutMs: 20 });
    };
    await ask({ url: "http://127.0.0.1:54321/" });
    await ask({ url: "https://abcdefghijklmnopqrst.supabase.co" });
    await ask({ url: "https://x.supabase.co", apiUrl: "https://audit.example.com" });
    await ask({ url: "https://x.supabase.co", apiUrl: "https://x.supabase.co/functions/v1/audit-api/api/v1/audit" });
    expect(new Set(urls)).toEqual(
      new Set([
        "http://127.0.0.1:54321/api/v1/audit/events",
        "http://127.0.0.1:54321/functions/v1/audit-logger",
        "https://abcdefghijklmnopqrst.supabase.co/functions/v1/audit-api/api/v1/audit/events",
        "https://abcdefghijklmnopqrst.supabase.co/functions/v1/audit-logger",
        "https://audit.example.com/api/v1/audit/events",
        "https://x.supabase.co/functions/v1/audit-logger",
        "https://x.supabase.co/functions/v1/audit-api/api/v1/audit/events",
      ]),
    );
  });

  it.each([
    ["at once", () => {
      throw new Error("mine");
    }],
    ["as a promise", () => Promise.reject(new Error("mine"))],
  ])("survives callbacks that throw %s", async (_, thrower) => {
    const { client, until } = virtual({ onRejected: thrower, onMetrics: thrower, onWarning: thrower });
    client.logEventFireAndForget({ event_type: "a", context: { bad: true } });
    await expect(until(client.close())).resolves.toMatchObject({ complete: true, stats: { rejected: 1 } });
  });

  it("asks for a token again when it got none in time: one that never comes stops nothing for ever", async () => {
    let asked = 0;
    const getToken = () => ++asked <= 4 ? new Promise<string>(() => {}) : "t";
    const world = virtual({ apiKey: undefined, getToken, requestTimeoutMs: 1000, batchSize: 1 });
    someEvents(6).forEach((event) => world.client.logEventFireAndForget(event));
    await expect(world.until(world.client.flush())).resolves.toMatchObject({ complete: true });
    expect(world.client.stats()).toMatchObject({ created: 6, lastError: { message: "no answer within 1000 ms" } });
  });

  it("takes a token that was refused with anything for one that did not come", async () => {
    let asked = 0;
    const world = virtual({ apiKey: undefined, getToken: () => ++asked > 1 ? "t" : Promise.reject(Object.create(null)) });
    await expect(world.until(world.client.logEvent({ event_type: "a" }))).resolves.toMatchObject({ status: "created" });
  });
});

describe("AuditDroppedError", () => {
  it("says why, and keeps the cause", async () => {
    const { client } = virtual();
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const error = await client.logEvent({ event_type: "a", context: circle }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuditDroppedError);
    expect(error).toMatchObject({ reason: "invalid", cause: expect.any(TypeError) });
  });
});

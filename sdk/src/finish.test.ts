import { afterEach, describe, expect, it } from "vitest";
import { someEvents, virtual } from "../test/virtual.ts";

describe("flush()", () => {
  it("sends without waiting for company and resolves when all is decided", async () => {
    const world = virtual({ batchAgeMs: 60_000 });
    someEvents(3).forEach((event) => world.client.logEventFireAndForget(event));
    await expect(world.until(world.client.flush())).resolves.toEqual({ complete: true, queued: 0 });
    expect(world.requests[0]?.at).toBe(0);
  });

  it("does not wait for events logged later", async () => {
    const world = virtual({ batchAgeMs: 1000 });
    world.client.logEventFireAndForget({ event_type: "a" });
    const flushed = world.client.flush();
    const timer = setInterval(() => world.client.logEventFireAndForget({ event_type: "more" }), 0);
    await expect(world.until(flushed)).resolves.toMatchObject({ complete: true });
    clearInterval(timer);
  });

  it("gives up waiting, not sending, after its time", async () => {
    const world = virtual();
    world.answer = () => "refused";
    world.client.logEventFireAndForget({ event_type: "a" });
    await expect(world.until(world.client.flush({ timeoutMs: 500 }))).resolves.toEqual({ complete: false, queued: 1 });
  });

  it("does not wait for a client that is closed, nor when it closes meanwhile", async () => {
    const world = virtual();
    world.answer = () => "lost";
    world.client.logEventFireAndForget({ event_type: "a" });
    const flushed = world.client.flush({ timeoutMs: 3_600_000 });
    await world.until(world.client.close({ timeoutMs: 100 }));
    // Not in virtual time, which no longer passes: by themselves.
    await expect(flushed).resolves.toEqual({ complete: false, queued: 0 });
    await expect(world.client.flush()).resolves.toEqual({ complete: true, queued: 0 });
  });

  it("resolves at once when there is nothing", async () => {
    const { client } = virtual();
    await expect(client.flush()).resolves.toEqual({ complete: true, queued: 0 });
  });
});

describe("close()", () => {
  it("sends what is left, also through an open breaker", async () => {
    const world = virtual({ breakerFailures: 1 });
    world.answer = () => "refused";
    world.client.logEventFireAndForget({ event_type: "a" });
    await world.pass(5000);
    world.answer = () => undefined;
    await expect(world.until(world.client.close({ timeoutMs: 1000 }))).resolves.toMatchObject({ complete: true, stats: { created: 1, queued: 0 } });
  });

  it("drops and counts what it cannot send in time, and rejects those who wait", async () => {
    const world = virtual();
    world.answer = () => "lost";
    const waiting = world.client.logEvent({ event_type: "a" }).catch((error: unknown) => error);
    someEvents(4).forEach((event) => world.client.logEventFireAndForget(event));
    const closed = await world.until(world.client.close({ timeoutMs: 700 }));
    expect(closed).toMatchObject({ complete: false, stats: { logged: 5, queued: 0, inFlight: 0, dropped: { total: 5, closed: 5 } } });
    await expect(waiting).resolves.toMatchObject({ name: "AuditDroppedError", reason: "closed" });
  });

  it("is done once, however often it is asked, also by `await using`", async () => {
    const world = virtual();
    world.client.logEventFireAndForget({ event_type: "a" });
    const [first, second] = [world.client.close(), world.client.close()];
    expect(await world.until(first)).toBe(await second);
    await world.client[Symbol.asyncDispose]();
    expect(world.client.stats()).toMatchObject({ created: 1 });
  });
});

describe("waitUntil", () => {
  it("gets one promise for a burst of events, which is settled when they are away", async () => {
    const promises: Promise<unknown>[] = [];
    const world = virtual({ waitUntil: (promise) => void promises.push(promise), batchAgeMs: 60_000 });
    someEvents(5).forEach((event) => world.client.logEventFireAndForget(event));
    await world.pass(0);
    expect(promises).toHaveLength(1);
    await world.until(Promise.all(promises));
    expect(world.client.stats().created).toBe(5);
  });

  it("may throw, as that of a request does which is over: the event goes its way", async () => {
    const world = virtual({
      waitUntil: () => {
        throw new TypeError("illegal invocation");
      },
    });
    world.client.logEventFireAndForget({ event_type: "a" });
    await world.until(world.client.flush());
    expect(world.client.stats().created).toBe(1);
    expect(world.warnings).toMatchObject([{ kind: "callback", message: "waitUntil threw" }]);
  });

  it("is that of Supabase's edge runtime where there is one", async () => {
    const promises: Promise<unknown>[] = [];
    Object.assign(globalThis, { EdgeRuntime: { waitUntil: (promise: Promise<unknown>) => promises.push(promise) } });
    try {
      const world = virtual({ batchAgeMs: 60_000 });
      world.client.logEventFireAndForget({ event_type: "a" });
      await world.pass(0);
      expect(promises).toHaveLength(1);
    } finally {
      Reflect.deleteProperty(globalThis, "EdgeRuntime");
    }
  });
});

describe("a page that is hidden", () => {
  afterEach(() => void Reflect.deleteProperty(globalThis, "document"));

  it("sends what is queued in requests that outlive it, 64 KiB together at most", async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    Object.assign(globalThis, { document: page });
    const world = virtual({ batchAgeMs: 60_000 });
    Array.from({ length: 400 }, () => world.client.logEventFireAndForget({ event_type: "a", message: "x".repeat(300) }));
    await world.pass(10);
    expect(world.requests).toEqual([]);
    page.visibilityState = "hidden";
    page.dispatchEvent(new Event("visibilitychange"));
    await world.pass(1);
    expect(world.requests.length).toBeGreaterThan(1);
    expect(world.requests.every(({ keepalive }) => keepalive)).toBe(true);
    expect(world.requests.reduce((sum, { events }) => sum + JSON.stringify({ events }).length, 0)).toBeLessThan(64 * 1024);
    page.visibilityState = "visible";
    page.dispatchEvent(new Event("visibilitychange"));
    world.client.logEventFireAndForget({ event_type: "b" });
    await world.until(world.client.flush());
    expect(world.requests.at(-1)?.keepalive).toBe(false);
    expect(world.client.stats()).toMatchObject({ queued: 0, created: 401 });
  });
});

describe("onMetrics", () => {
  it("is called while there is something to report, and no more when it is quiet", async () => {
    const seen: number[] = [];
    const world = virtual({ onMetrics: ({ created }) => void seen.push(created), metricsIntervalMs: 1000 });
    await world.pass(10_000);
    expect(seen).toEqual([]);
    world.client.logEventFireAndForget({ event_type: "a" });
    await world.pass(10_000);
    expect(seen).toEqual([1]);
    await world.until(world.client.close());
    expect(seen).toEqual([1, 1]);
  });
});

describe("stats()", () => {
  it("knows latencies, and what the last error was", async () => {
    const world = virtual({ batchAgeMs: 0 });
    world.latencyMs = 50;
    world.client.logEventFireAndForget({ event_type: "a" });
    await world.pass(100);
    expect(world.client.stats().latencyMs).toEqual({ p50: 50, p95: 50, p99: 50, max: 50 });
    world.answer = () => "refused";
    world.client.logEventFireAndForget({ event_type: "a" });
    await world.pass(60);
    expect(world.client.stats().lastError).toMatchObject({ code: "network", message: "connect ECONNREFUSED" });
  });
});

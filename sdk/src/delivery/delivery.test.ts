import { describe, expect, it } from "vitest";
import { someEvents, virtual, type VirtualAnswer, type VirtualRequest } from "../../test/virtual.ts";

const times = (requests: readonly VirtualRequest[]) => requests.map(({ at }) => at);

describe("delivery", () => {
  it("waits longer after every failure, up to the cap, with the same ids and bytes each time", async () => {
    const world = virtual({ doors: "edge", backoffBaseMs: 100, backoffCapMs: 1000, breakerFailures: 1000, batchAgeMs: 0 });
    world.answer = () => ({ status: 503 });
    world.client.logEventFireAndForget({ event_type: "a" });
    await world.pass(20_000);
    expect(world.requests.length).toBeGreaterThan(15);
    expect(new Set(world.requests.map(({ events }) => JSON.stringify(events))).size).toBe(1);
    const gaps = times(world.requests).slice(1).map((at, index) => at - (times(world.requests)[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1011);
  });

  it("obeys Retry-After at both doors when the limit is the credential's", async () => {
    const world = virtual({ batchAgeMs: 0 });
    let limited = true;
    world.answer = () => limited ? { status: 429, headers: { "retry-after": "20" } } : undefined;
    someEvents(3).forEach((event) => world.client.logEventFireAndForget(event));
    await world.pass(100);
    limited = false;
    world.client.logEventFireAndForget({ event_type: "later" });
    await world.pass(19_800);
    expect(world.requests).toHaveLength(1);
    await world.pass(20_000);
    expect(world.client.stats()).toMatchObject({ queued: 0, created: 4 });
  });

  it("obeys Retry-After at the door that is unavailable, and uses the other", async () => {
    const world = virtual({ batchAgeMs: 0 });
    world.answer = ({ door }) => door === "api" ? { status: 503, headers: { "retry-after": "30" } } : undefined;
    for (let round = 0; round < 3; round++) await world.until(world.client.logEvent({ event_type: "a" }));
    expect(world.requests.map(({ door }) => door)).toEqual(["api", "edge", "edge", "edge"]);
  });

  it("keeps events that nobody waits for when the credential is refused, and sends them when it is corrected", async () => {
    const world = virtual();
    world.answer = () => ({ status: 403, body: { code: "forbidden", detail: "ingest: the key lacks the scope" } });
    world.client.logEventFireAndForget({ event_type: "a" });
    await world.pass(60_000);
    expect(world.client.stats()).toMatchObject({ queued: 1, rejected: 0, lastError: { status: 403, code: "forbidden" } });
    expect(world.warnings[0]).toMatchObject({ kind: "credential", message: "ingest: the key lacks the scope" });
    expect(world.requests.length).toBeLessThan(30);
    world.answer = () => undefined;
    await world.pass(61_000);
    expect(world.client.stats()).toMatchObject({ queued: 0, created: 1 });
  });

  it("takes no answer for an acknowledgement that is cut short, lies about its counts or is about others", async () => {
    const honest = (request: VirtualRequest) => ({
      created_count: 1,
      duplicate_count: 0,
      rejected_count: 0,
      results: [{ index: 0, id: request.events[0]?.["id"], status: "created" }],
    });
    const lies: ((request: VirtualRequest) => VirtualAnswer)[] = [
      () => ({ status: 201, body: "" }),
      () => ({ status: 200, body: "<html>login</html>" }),
      (request) => ({ status: 201, body: JSON.stringify(honest(request)).slice(0, -5) }),
      (request) => ({ status: 201, body: { ...honest(request), created_count: 2 } }),
      (request) => ({ status: 201, body: { ...honest(request), results: [] } }),
      (request) => ({ status: 201, body: { ...honest(request), results: [...honest(request).results, ...honest(request).results], created_count: 2 } }),
      (request) => ({ status: 201, body: { ...honest(request), results: [{ index: 0, id: "00000000-0000-7000-8000-000000000000", status: "created" }] } }),
      (request) => ({ status: 201, body: { ...honest(request), results: [{ index: 1, status: "created" }] } }),
      (request) => ({ status: 202, body: { accepted_count: 1, durable: false, results: [{ index: 0, id: request.events[0]?.["id"], status: "accepted" }] } }),
      () => ({ status: 204, body: "" }),
    ];
    for (const lie of lies) {
      const world = virtual({ doors: "edge" });
      world.answer = lie;
      const logged = world.client.logEvent({ event_type: "a" }, { timeoutMs: 3000 });
      await expect(world.until(logged)).rejects.toMatchObject({ name: "AuditPendingError" });
      world.answer = (request) => ({ status: 201, body: honest(request) });
      await world.until(world.client.flush({ timeoutMs: 120_000 }));
      expect(world.client.stats()).toMatchObject({ created: 1, queued: 0 });
    }
  });

  it("finds the event that makes answers contradict themselves, and delivers the others", async () => {
    const world = virtual({ doors: "edge" });
    const liar = { event_type: "a", toJSON: () => ({ event_type: "a", id: "0198f0c1-8000-7000-8000-00000000000f" }) };
    const logged = [...someEvents(3), liar].map((event) =>
      world.client.logEvent(event, { timeoutMs: 600_000 }).then(({ status }) => status, ({ name }) => name)
    );
    expect(await world.until(Promise.all(logged))).toEqual(["duplicate", "duplicate", "duplicate", "AuditPendingError"]);
  });

  it("finds the event on which a working server breaks (500), and delivers the others", async () => {
    const world = virtual({ doors: "edge", batchSize: 100 });
    world.answer = ({ events }) => events.some((event) => event["object_id"] === "13") ? { status: 500 } : undefined;
    someEvents(64).forEach((event) => world.client.logEventFireAndForget(event));
    await world.pass(30 * 60_000);
    expect(world.client.stats()).toMatchObject({ created: 63, queued: 1 });
  });

  it("asks a server that fails with a bounded number of batches, however many events wait", async () => {
    const world = virtual({ async: false, queueSize: 5000, backoffCapMs: 600_000, backoffBaseMs: 600_000, breakerFailures: 1e9, concurrency: 64 });
    world.answer = () => ({ status: 503 });
    someEvents(5000).forEach((event) => world.client.logEventFireAndForget(event));
    await world.pass(5000);
    expect(world.requests.length).toBeLessThan(2200);
    world.answer = () => undefined;
    await world.until(world.client.close({ timeoutMs: 600_000 }));
    expect(world.client.stats()).toMatchObject({ created: 5000, queued: 0 });
  });

  it("has at most `concurrency` requests under way", async () => {
    const world = virtual({ batchSize: 1, concurrency: 3 });
    world.latencyMs = 1000;
    someEvents(10).forEach((event) => world.client.logEventFireAndForget(event));
    await world.pass(500);
    expect(world.client.stats()).toMatchObject({ inFlight: 3, queued: 10 });
    await world.pass(4000);
    expect(world.client.stats()).toMatchObject({ queued: 0, created: 10 });
  });

  it("keeps batches within their bytes", async () => {
    const world = virtual({ batchBytes: 1000, batchAgeMs: 0 });
    Array.from({ length: 20 }, () => world.client.logEventFireAndForget({ event_type: "a", message: "x".repeat(200) }));
    await world.until(world.client.flush());
    for (const { events } of world.requests) expect(JSON.stringify(events).length).toBeLessThan(1100);
  });
});

import { describe, expect, it } from "vitest";
import { someEvents, virtual } from "../test/virtual.ts";

describe("logHighVolumeEvents()", () => {
  it("takes a time that is not said for the client's own", async () => {
    const { client, until } = virtual();
    await expect(until(client.logHighVolumeEvents(someEvents(2), { timeoutMs: undefined } as object))).resolves.toMatchObject({ createdCount: 2 });
  });

  it("takes the list as it is at the call: the caller may empty it at once", async () => {
    const { client, until } = virtual();
    const buffer = someEvents(3);
    const logged = client.logHighVolumeEvents(buffer);
    buffer.length = 0;
    await expect(until(logged)).resolves.toMatchObject({ createdCount: 3 });
  });

  it("sends up to 50 events to the bulk API and more to the Edge Function, in batches of 1000", async () => {
    const { client, until, requests } = virtual();
    await expect(until(client.logHighVolumeEvents(someEvents(50)))).resolves.toMatchObject({ createdCount: 50, method: "api" });
    const many = await until(client.logHighVolumeEvents(someEvents(2500)));
    expect(many).toMatchObject({ createdCount: 2500, duplicateCount: 0, rejectedCount: 0, queuedCount: 0, droppedCount: 0, method: "edge" });
    expect(requests.map(({ door, events }) => `${door} ${events.length}`)).toEqual(["api 50", "edge 1000", "edge 1000", "edge 500"]);
    expect(many.results.map(({ index }) => index)).toEqual(many.results.map((_, index) => index));
    expect(many.durationMs).toBeGreaterThan(0);
  });

  it("goes where the caller says", async () => {
    const { client, until, requests } = virtual();
    await until(client.logHighVolumeEvents(someEvents(1200), { useEdgeFunction: false }));
    await until(client.logHighVolumeEvents(someEvents(2), { useEdgeFunction: true }));
    expect(requests.map(({ door, events }) => `${door} ${events.length}`)).toEqual(["api 500", "api 500", "api 200", "edge 2"]);
  });

  it("falls back to the other door when one fails, and comes back when it is well", async () => {
    const world = virtual();
    let isIll = true;
    world.answer = ({ door }) => isIll && door === "edge" ? { status: 503 } : undefined;
    await expect(world.until(world.client.logHighVolumeEvents(someEvents(800)))).resolves.toMatchObject({ createdCount: 800, method: "api" });
    expect(world.requests.map(({ door, events }) => `${door} ${events.length}`)).toEqual(["edge 800", "api 500", "api 300"]);
    expect(world.client.stats()).toMatchObject({ fallbackRate: 2 / 3, retried: 2 });
    isIll = false;
    await world.pass(60_000);
    await expect(world.until(world.client.logHighVolumeEvents(someEvents(60)))).resolves.toMatchObject({ method: "edge" });
  });

  it("leaves a door alone whose breaker is open, probes it with one batch, and uses it again", async () => {
    const world = virtual({ breakerFailures: 2 });
    let isIll = true;
    world.answer = ({ door }) => isIll && door === "edge" ? "refused" : undefined;
    for (let round = 0; round < 5; round++) await world.until(world.client.logHighVolumeEvents(someEvents(60)));
    const edge = () => world.requests.filter(({ door }) => door === "edge").length;
    expect(edge()).toBe(2);
    isIll = false;
    await world.pass(60_000);
    await world.until(Promise.all([1, 2, 3].map(() => world.client.logHighVolumeEvents(someEvents(60)))));
    await world.until(world.client.logHighVolumeEvents(someEvents(60)));
    expect(edge()).toBeGreaterThanOrEqual(4);
  });

  it("answers per event: created, duplicate, rejected, and never takes one for another", async () => {
    const { client, until } = virtual();
    const [first] = await until(client.logHighVolumeEvents([{ event_type: "a", tenant_id: "t" }])).then(({ results }) => results);
    const mixed = await until(client.logHighVolumeEvents([{ event_type: "b" }, { event_type: "c", context: { bad: true } }, { event_type: "d" }]));
    expect(mixed.results).toMatchObject([{ status: "created" }, { status: "rejected", error: { code: "invalid_value" } }, { status: "created" }]);
    expect(mixed).toMatchObject({ createdCount: 2, rejectedCount: 1 });
    expect(first).toMatchObject({ status: "created" });
  });

  it("costs a poisonous event only itself, though it fails its whole request", async () => {
    const { client, until, requests } = virtual();
    const events = someEvents(200).map((event, index) => index === 77 ? { ...event, context: { poison: true } } : event);
    const outcome = await until(client.logHighVolumeEvents(events));
    expect(outcome).toMatchObject({ createdCount: 199, rejectedCount: 1 });
    expect(outcome.results[77]).toMatchObject({ status: "rejected", error: { code: "body_too_deep" } });
    expect(requests.length).toBeLessThan(20);
  });

  it("says what is still open when time is over, and goes on with it", async () => {
    const world = virtual({ queueSize: 100 });
    world.answer = () => ({ status: 500 });
    const outcome = await world.until(world.client.logHighVolumeEvents(someEvents(60), { timeoutMs: 2000 }));
    expect(outcome).toMatchObject({ queuedCount: 60, createdCount: 0, method: "none" });
    expect(world.client.stats()).toMatchObject({ queued: 60 });
    world.answer = () => undefined;
    await world.until(world.client.flush({ timeoutMs: 100_000 }));
    expect(world.client.stats()).toMatchObject({ queued: 0, created: 60 });
  });

  it("finds no room when earlier events have filled the queue, and says so event by event", async () => {
    const world = virtual({ queueSize: 10, logTimeoutMs: 1000 });
    world.answer = () => "refused";
    someEvents(10).forEach((event) => world.client.logEventFireAndForget(event));
    const outcome = await world.until(world.client.logHighVolumeEvents(someEvents(3)));
    expect(outcome).toMatchObject({ droppedCount: 3, results: [{ status: "dropped", error: { code: "queue_full" } }, {}, {}] });
  });

  it("answers an empty list with zeros", async () => {
    const { client, until } = virtual();
    await expect(until(client.logHighVolumeEvents([]))).resolves.toMatchObject({ createdCount: 0, results: [], method: "none" });
  });
});

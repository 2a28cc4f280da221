import { describe, expect, it } from "vitest";
import { someEvents, virtual } from "../test/virtual.ts";

/** The reports of dropped events that reached the server. */
function reports(
  stored: ReadonlyMap<string, string>,
): { readonly tenant_id?: string; readonly context: { readonly dropped_count: number; readonly reasons: Record<string, number>; readonly since: string } }[] {
  return [...stored.values()].map((text) => JSON.parse(text)).filter(({ event_type }) => event_type === "audit.sdk.dropped");
}

describe("a full queue", () => {
  it("drops and counts, warns once at 80 % and once when full, and the log says how many since when", async () => {
    const world = virtual({ queueSize: 10, batchAgeMs: 60_000, whenFull: "drop" });
    const queued = someEvents(25).map((event) => world.client.logEventFireAndForget(event));
    expect(queued.filter(Boolean)).toHaveLength(10);
    expect(world.warnings.map(({ kind }) => kind)).toEqual(["queue_filling", "queue_full"]);
    expect(world.client.stats()).toMatchObject({ logged: 25, queued: 10, dropped: { total: 15, queue_full: 15 } });
    const since = new Date(world.world.now).toISOString();
    await world.until(world.client.flush());
    await world.until(world.client.flush());
    expect(reports(world.server.stored)).toMatchObject([{ context: { dropped_count: 15, reasons: { queue_full: 15 }, since } }]);
    expect(world.client.stats()).toMatchObject({ logged: 26, created: 11, queued: 0, dropped: { total: 15 } });
  });

  it("leaves a gap in the producer's counter for every event that was dropped", async () => {
    const world = virtual({ queueSize: 3, batchAgeMs: 60_000 });
    someEvents(5).forEach((event) => world.client.logEventFireAndForget(event));
    await world.until(world.client.close());
    const seqs = [...world.server.stored.values()].map((text) => JSON.parse(text).producer_seq).sort((a, b) => a - b);
    expect(seqs).toEqual([1, 2, 3, 6]);
  });

  it("reports what its own defaults made impossible to write, once, and does not spin over a report that cannot be written either", async () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const world = virtual({ source: "shop", defaults: { context: circle } });
    expect(world.client.logEventFireAndForget({ event_type: "a" })).toBe(false);
    await world.until(world.client.flush());
    expect(reports(world.server.stored)).toMatchObject([{ source: "shop", context: { dropped_count: 1, reasons: { invalid: 1 } } }]);
    const hopeless = virtual({ producerId: circle as unknown as string });
    hopeless.client.logEventFireAndForget({ event_type: "a" });
    await hopeless.until(hopeless.client.flush());
    expect(hopeless.client.stats()).toMatchObject({ logged: 2, queued: 0, dropped: { total: 2, invalid: 2 } });
  });

  it("reports drops tenant by tenant", async () => {
    const world = virtual({ queueSize: 1, batchAgeMs: 60_000 });
    for (const tenant_id of ["a", "b", "b", "c"]) world.client.logEventFireAndForget({ event_type: "x", tenant_id });
    await world.until(world.client.close());
    expect(reports(world.server.stored).map(({ tenant_id, context }) => [tenant_id, context.dropped_count])).toEqual([["b", 2], ["c", 1]]);
  });

  it("reports after ten seconds even while it stays full, and again for what is dropped later", async () => {
    const world = virtual({ queueSize: 2, batchSize: 1, concurrency: 1, requestTimeoutMs: 1000 });
    world.answer = ({ events }) => events[0]?.["event_type"] === "audit.sdk.dropped" ? undefined : { status: 503 };
    someEvents(5).forEach((event) => world.client.logEventFireAndForget(event));
    await world.pass(11_000);
    world.client.logEventFireAndForget({ event_type: "late" });
    await world.pass(120_000);
    expect(reports(world.server.stored).reduce((sum, { context }) => sum + context.dropped_count, 0)).toBeGreaterThanOrEqual(3);
  });

  it("is bounded by bytes as well", () => {
    const world = virtual({ queueBytes: 2000, batchAgeMs: 60_000 });
    const queued = Array.from({ length: 10 }, () => world.client.logEventFireAndForget({ event_type: "a", message: "x".repeat(400) }));
    expect(queued.filter(Boolean).length).toBeLessThan(4);
    expect(queued.filter(Boolean).length).toBeGreaterThan(1);
  });

  it("takes an event that is larger than all of it when it is empty", async () => {
    const world = virtual({ queueBytes: 100 });
    await expect(world.until(world.client.logEvent({ event_type: "a", message: "x".repeat(400) }))).resolves.toMatchObject({ status: "created" });
  });

  it("makes those wait who can, first come first served, when it blocks", async () => {
    const world = virtual({ queueSize: 2, whenFull: "block", batchAgeMs: 0, batchSize: 2 });
    const order: string[] = [];
    const logged = someEvents(6).map((event) => world.client.logEvent(event).then(() => order.push(event.object_id)));
    await world.until(Promise.all(logged));
    expect(order).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(world.client.stats().dropped.total).toBe(0);
  });

  it("tells ready() when there is room", async () => {
    const world = virtual({ queueSize: 2, batchSize: 2 });
    world.answer = () => "refused";
    someEvents(2).forEach((event) => world.client.logEventFireAndForget(event));
    let ready = false;
    void world.client.ready().then(() => ready = true);
    await world.pass(3000);
    expect(ready).toBe(false);
    world.answer = () => undefined;
    await world.pass(60_000);
    expect(ready).toBe(true);
    await expect(world.client.ready()).resolves.toBeUndefined();
  });
});

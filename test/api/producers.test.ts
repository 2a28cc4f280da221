import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuditClient } from "../../sdk/src/index.ts";
import { createQueryClient } from "../../sdk/src/query.ts";
import { secretKey } from "../support/tokens.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

let service: Service;
let viewer: string;
beforeAll(async () => {
  service = await startService();
  viewer = await tokenOf("viewer");
});
afterAll(() => service.stop());

type Producer = {
  readonly producer_id: string;
  readonly events: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly missing: number;
  readonly gaps: readonly Record<string, unknown>[];
};

async function producers(): Promise<readonly Producer[]> {
  const { status, json } = await service.ask("/producers", { as: viewer });
  expect(status).toBe(200);
  return (json as { readonly producers: readonly Producer[] }).producers;
}

/** One moment for all: between two looks at the clock it may go on by a millisecond. */
const startMs = Date.now() - 60_000;
const event = (producer_id: string, producer_seq: number) => ({
  producer_id,
  producer_seq,
  occurred_at: new Date(startMs + producer_seq * 1000).toISOString(),
});

describe("GET /producers", () => {
  it("finds every number that is missing between two events of a producer, and says between which", async () => {
    await service.store(tenantA, [1, 2, 5, 6, 10].map((seq) => event("leaky", seq)));
    await service.store(tenantA, [3, 1, 2].map((seq) => event("whole", seq)));
    await service.store(tenantA, [{}, { producer_id: "uncounted" }]);
    await service.store(tenantB, [event("leaky", 3), event("leaky", 4)]);
    const [leaky, whole, ...others] = await producers();
    expect(leaky).toMatchObject({
      producer_id: "leaky",
      events: 5,
      first_seq: 1,
      last_seq: 10,
      missing: 5,
      gaps: [{ first_seq: 7, last_seq: 9 }, { first_seq: 3, last_seq: 4 }],
    });
    expect(new Date(String(leaky?.gaps[0]?.["before"])).getTime() - new Date(String(leaky?.gaps[0]?.["after"])).getTime()).toBe(4000);
    expect(whole).toMatchObject({ producer_id: "whole", missing: 0, gaps: [] });
    expect(others).toEqual([]);
  });

  it("sees what a client had to drop, and nothing missing of one that logs for several tenants", async () => {
    const fetch = async (url: string, init: RequestInit) => await service.app.request(url, init);
    const options = { url: "http://127.0.0.1", apiKey: secretKey, environment: {}, doors: "api" as const, runtime: { fetch }, onWarning: () => {} };
    const dropping = createAuditClient({ ...options, producerId: "dropping", tenantId: tenantA, queueSize: 3, batchAgeMs: 60_000 });
    for (let number = 0; number < 8; number++) dropping.logEventFireAndForget({ event_type: "a" });
    const { stats } = await dropping.close();
    expect(stats.dropped.total).toBe(5);
    const several = createAuditClient({ ...options, producerId: "several" });
    for (let number = 0; number < 20; number++) several.logEventFireAndForget({ event_type: "a", tenant_id: number % 2 === 0 ? tenantA : tenantB });
    expect((await several.close()).complete).toBe(true);
    const found = new Map((await producers()).map((producer) => [producer.producer_id, producer]));
    // The report of what was dropped is the client's ninth event.
    expect(found.get("dropping")).toMatchObject({ events: 4, first_seq: 1, last_seq: 9, missing: 5, gaps: [{ first_seq: 4, last_seq: 8 }] });
    expect(found.get("several")).toMatchObject({ events: 10, first_seq: 1, last_seq: 10, missing: 0 });
    const query = createQueryClient({ url: "http://127.0.0.1", getToken: () => viewer, tenantId: tenantA, runtime: { fetch } });
    expect((await query.producers()).map(({ producerId }) => producerId)).toEqual([...found.keys()]);
  });

  it("shows the latest gaps of a producer that has very many", async () => {
    await service.store(tenantA, Array.from({ length: 60 }, (_, index) => event("sieve", index * 2 + 1)));
    const sieve = (await producers()).find(({ producer_id }) => producer_id === "sieve");
    expect(sieve).toMatchObject({ missing: 59, events: 60 });
    expect(sieve?.gaps).toHaveLength(20);
    expect(sieve?.gaps[0]).toMatchObject({ first_seq: 118, last_seq: 118 });
  });

  it("judges the window that was asked for, and refuses parameters that it does not know", async () => {
    const { json } = await service.ask("/producers?from=2020-01-01&to=2020-01-02", { as: viewer });
    expect(json).toMatchObject({ producers: [], counted_events: 0, capped: false });
    expect((await service.ask("/producers?source=shop", { as: viewer })).status).toBe(400);
  });
});

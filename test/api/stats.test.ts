import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../core/limits.ts";
import { seedEvents, type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

type Stats = {
  readonly from: string;
  readonly to: string;
  readonly total: number;
  readonly histogram: {
    readonly bucket_ms: number;
    readonly counted_from: string | null;
    readonly buckets: readonly { readonly from: string; readonly to: string; readonly success: number; readonly failure: number; readonly warning: number }[];
  };
  readonly facets: {
    readonly counted_events: number;
    readonly capped: boolean;
    readonly values: Readonly<Record<string, readonly { readonly value: string; readonly count: number }[]>>;
  };
  readonly duration_ms: Readonly<Record<string, number>> | null;
  readonly partial?: true;
};

describe("GET /stats", () => {
  let service: Service;
  let viewer: string;
  const endsAt = new Date();
  beforeAll(async () => {
    service = await startService();
    viewer = await tokenOf("viewer");
    await seedEvents(service.admin, tenantA, 60_000, { days: 3, endsAt });
    await seedEvents(service.admin, tenantB, 1_000, { days: 3, endsAt });
  });
  afterAll(() => service.stop());
  const stats = async (query: string) => {
    const { status, json, text } = await service.ask(`/stats?${query}`, { as: viewer });
    if (status !== 200) throw new Error(`${status} ${text}`);
    return json as Stats;
  };
  const countOf = ({ histogram }: Stats) => histogram.buckets.reduce((sum, { success, failure, warning }) => sum + success + failure + warning, 0);

  it("counts every event of the window in one bucket, by result", async () => {
    const all = await stats("source=web");
    expect(all.total).toBe(20_000);
    expect(countOf(all)).toBe(20_000);
    const failures = await stats("source=web&result=failure");
    expect(failures.total).toBe(all.histogram.buckets.reduce((sum, { failure }) => sum + failure, 0));
    expect(failures.histogram.buckets.every(({ success, warning }) => success === 0 && warning === 0)).toBe(true);
    expect(all.partial).toBeUndefined();
    expect(all.histogram.counted_from).toBe(all.from);
  });

  it.each([1, 7, 24, 120])("cuts any window into at most %i buckets that follow each other and whose ends can be asked for", async (buckets) => {
    for (const days of [0.001, 0.5, 3, 40, 400]) {
      const from = new Date(endsAt.getTime() - days * 86_400_000).toISOString();
      const { histogram, from: first, to: last } = await stats(`buckets=${buckets}&from=${from}&to=${endsAt.toISOString()}&source=api`);
      expect(histogram.buckets.length).toBeLessThanOrEqual(Math.max(buckets, 2));
      expect([histogram.buckets[0]?.from, histogram.buckets.at(-1)?.to]).toEqual([first, last]);
      histogram.buckets.slice(1).forEach(({ from: start }, index) => expect(Date.parse(start) - Date.parse(histogram.buckets[index]?.to ?? "")).toBe(1));
    }
    const { histogram } = await stats(`buckets=${buckets}&source=api`);
    const fullest = histogram.buckets.reduce((most, bucket) => bucket.success > most.success ? bucket : most);
    const narrowed = await stats(`from=${fullest.from}&to=${fullest.to}&source=api`);
    expect(narrowed.total).toBe(fullest.success + fullest.failure + fullest.warning);
  });

  it("gives facets of the newest events, and says how many those are", async () => {
    const { facets } = await stats("");
    expect(facets).toMatchObject({ counted_events: limits.statsFacetRowsMax, capped: true });
    expect(facets.values["source"]?.reduce((sum, { count }) => sum + count, 0)).toBe(limits.statsFacetRowsMax);
    expect(facets.values["actor_id"]).toHaveLength(limits.statsFacetValuesMax);
    const few = await stats("source=web&q=action:order.paid");
    expect(few.facets).toMatchObject({ counted_events: few.total, capped: false });
    expect(few.facets.values["event_type"]).toEqual([{ value: "order.paid", count: few.total }]);
    const counts = few.facets.values["actor_id"]?.map(({ count }) => count) ?? [];
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
  });

  it("gives percentiles of durations that some event has had", async () => {
    const { duration_ms } = await stats("q=duration:0..99");
    expect(duration_ms).toMatchObject({ p50: 49, p95: 94, p99: 98, max: 99 });
    expect((await stats("q=actor:nobody")).duration_ms).toBeNull();
  });

  it("counts nothing, rather than somebody else's, for a tenant without events", async () => {
    const empty = await service.ask("/stats", { as: await tokenOf("viewer", ["99999999-9999-4999-8999-999999999999"]) });
    expect(empty.json).toMatchObject({ total: 0, facets: { counted_events: 0, capped: false }, duration_ms: null });
  });
});

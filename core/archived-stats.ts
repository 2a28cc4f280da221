import type { ArchivedStep } from "./archived-walk.ts";
import type { AuditEvent, EventResult } from "./event.ts";
import { limits } from "./limits.ts";
import { bucketStartOf, bucketStarts } from "./query-buckets.ts";
import type { Filter, Position } from "./query-filter.ts";
import type { Bucket, FacetName, FacetValue, Stats } from "./query-store.ts";
import { shifted } from "./query-time.ts";

export type ResultCounts = { readonly [Result in EventResult]: number };

/** What facets and percentiles are counted over. */
export type SampledEvent = Pick<AuditEvent, "occurred_at" | "id" | FacetName | "duration_ms">;

/** What Postgres has counted: by the start of a bucket, exact from `countedFrom` on; `newest` is undefined when there was no time for it. */
export type HotCounts = {
  readonly counts: ReadonlyMap<string, ResultCounts>;
  readonly countedFrom: string | undefined;
  readonly newest: readonly SampledEvent[] | undefined;
  readonly freshAsOf: string;
};

const facetNames = ["event_type", "source", "actor_id", "object_type", "result"] as const satisfies readonly FacetName[];

/** Statistics over what is hot and what is archived; `walk` goes from the newest to the oldest, so that what the budget cuts off is the oldest. */
export async function mergeStats(filter: Filter, bucketMs: number, hot: HotCounts, walk: AsyncGenerator<ArchivedStep, Position | undefined>): Promise<Stats> {
  const counts = new Map<string, Record<EventResult, number>>(Array.from(hot.counts, ([start, row]) => [start, { ...row }]));
  const archived: SampledEvent[] = [];
  let stoppedAt: Position | undefined;
  for (;;) {
    const step = await walk.next();
    if (step.done) {
      stoppedAt = step.value;
      break;
    }
    for (const { event } of step.value.events) {
      const start = bucketStartOf(event.occurred_at, bucketMs);
      const row = counts.get(start) ?? { success: 0, failure: 0, warning: 0 };
      row[event.result]++;
      counts.set(start, row);
      if (archived.length < limits.statsFacetRowsMax) archived.push(event);
    }
  }
  const starts = bucketStarts(filter.from, filter.to, bucketMs);
  const firstHot = hot.countedFrom === undefined ? starts.length : Math.max(0, starts.indexOf(hot.countedFrom));
  const reached = stoppedAt?.occurredAt;
  const firstArchived = reached === undefined ? 0 : lengthOr(starts.findIndex((start) => start > reached), starts.length);
  const first = Math.max(firstHot, firstArchived);
  const sample = [...hot.newest ?? [], ...archived].sort(newestFirst).slice(0, limits.statsFacetRowsMax);
  const isWhole = hot.newest !== undefined && stoppedAt === undefined;
  return {
    bucketMs,
    buckets: starts.map((start, index) => bucketOf(start, bucketMs, filter, index < first ? undefined : counts.get(start))),
    countedFrom: first === 0 ? filter.from : starts[first],
    partial: first > 0 || !isWhole,
    facetEvents: sample.length,
    facetsCapped: sample.length >= limits.statsFacetRowsMax || !isWhole,
    facets: facetsOf(sample),
    duration: durationOf(sample),
    freshAsOf: hot.freshAsOf,
  };
}

function lengthOr(index: number, length: number): number {
  return index === -1 ? length : index;
}

function newestFirst(a: SampledEvent, b: SampledEvent): number {
  if (a.occurred_at !== b.occurred_at) return a.occurred_at < b.occurred_at ? 1 : -1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

function bucketOf(start: string, bucketMs: number, filter: Filter, counts: ResultCounts | undefined): Bucket {
  const { success = 0, failure = 0, warning = 0 } = counts ?? {};
  const end = shifted(start, bucketMs - 1);
  return { from: start > filter.from ? start : filter.from, to: end < filter.to ? end : filter.to, success, failure, warning };
}

function facetsOf(sample: readonly SampledEvent[]): Stats["facets"] {
  const facets: { [Name in FacetName]: FacetValue[] } = { event_type: [], source: [], actor_id: [], object_type: [], result: [] };
  for (const name of facetNames) {
    const counts = new Map<string, number>();
    for (const event of sample) {
      const value = event[name];
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    facets[name] = Array.from(counts, ([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count || inBytes(a.value, b.value))
      .slice(0, limits.statsFacetValuesMax);
  }
  return facets;
}

const encoder = new TextEncoder();

/** The order of Postgres' collation C, which is that of UTF-8's bytes. */
function inBytes(a: string, b: string): number {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Percentiles are values that occur, as percentile_disc gives them. */
function durationOf(sample: readonly SampledEvent[]): Stats["duration"] {
  const durations = sample.flatMap(({ duration_ms }) => duration_ms ?? []).sort((a, b) => a - b);
  const at = (share: number) => durations[Math.max(0, Math.ceil(share * durations.length) - 1)];
  const [p50, p95, p99, max] = [at(0.5), at(0.95), at(0.99), durations.at(-1)];
  if (p50 === undefined || p95 === undefined || p99 === undefined || max === undefined) return undefined;
  return { count: durations.length, p50, p95, p99, max };
}

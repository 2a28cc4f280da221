import { eventResults } from "../../core/event.ts";
import { limits } from "../../core/limits.ts";
import type { Filter } from "../../core/query-filter.ts";
import type { Bucket, FacetName, FacetValue, Stats, StatsRequest } from "../../core/query-store.ts";
import { bucketStarts, bucketWidthMs } from "../../core/query-buckets.ts";
import { shifted } from "../../core/query-time.ts";
import type { ReadTransaction } from "./claims.ts";
import { OutOfTime } from "./claims.ts";
import type { Fragment } from "./query-fragment.ts";
import { sql } from "./query-fragment.ts";
import { filterSql } from "./query-sql.ts";

/** How much of a request's time the facets may take; they are bounded by rows, the histogram is not. */
export const facetsMs = limits.queryStatementTimeoutMs / 3;

/**
 * Statistics over a filter: first facets and percentiles, of the newest events, then the histogram, from the newest on as far as time
 * allows. `transaction` was opened with `facetsMs`.
 */
export async function readStats(transaction: ReadTransaction, { filter, buckets }: StatsRequest, leftMs: () => number): Promise<Stats> {
  const newest = await orNothing(transaction.rows<NewestRow>(newestSql(filter)));
  const bucketMs = bucketWidthMs(filter.from, filter.to, buckets);
  const { counts, countedFrom } = await readHistogram(transaction, filter, bucketMs, leftMs);
  const shown = bucketStarts(filter.from, filter.to, bucketMs).map((start) => bucketOf(start, bucketMs, filter, counts.get(start)));
  const facetEvents = newest?.[0]?.events ?? 0;
  return {
    bucketMs,
    buckets: shown,
    countedFrom,
    partial: countedFrom !== filter.from || newest === undefined,
    facetEvents,
    facetsCapped: facetEvents >= limits.statsFacetRowsMax || newest === undefined,
    facets: facetsOf(newest ?? []),
    duration: durationOf(newest?.[0]),
    freshAsOf: transaction.freshAsOf,
  };
}

/** A slice that takes longer is cut smaller, while there is time for a smaller one. */
const sliceTimeoutMs = 1_000;

type Counts = { readonly [Result in (typeof eventResults)[number]]: number };
type CountRow = Counts & { readonly start: string };

/** Counts by bucket and result, exact for what is at or after `countedFrom`; undefined when there was no time for even the newest bucket. */
export async function readHistogram(transaction: ReadTransaction, filter: Filter, bucketMs: number, leftMs: () => number) {
  const counts = new Map<string, Counts>();
  const count = async (slice: Filter, timeoutMs: number) => {
    await transaction.resume(Math.min(timeoutMs, sliceTimeoutMs));
    for (const { start, ...row } of await transaction.rows<CountRow>(histogramSql(slice, bucketMs))) counts.set(start, row);
  };
  // From the newest on, in slices that grow while there is time: nothing is counted twice, and what time cuts off is the oldest.
  const starts = bucketStarts(filter.from, filter.to, bucketMs);
  let end = starts.length;
  for (let width = Math.ceil(end / 8); end > 0 && leftMs() > 0;) {
    const first = Math.max(0, end - width);
    const slice = {
      ...filter,
      from: later(starts[first] ?? filter.from, filter.from),
      to: earlier(shifted(starts[end - 1] ?? filter.to, bucketMs - 1), filter.to),
    };
    if (await inTime(count(slice, leftMs()))) {
      end = first;
      width *= 2;
    } else width = Math.max(1, Math.floor(width / 8));
  }
  return { counts, countedFrom: end === 0 ? filter.from : starts[end] };
}

/** The statement of a histogram: buckets are counted from the first Monday of 1970, so that those of a week begin on Mondays. */
export function histogramSql(filter: Filter, bucketMs: number): Fragment {
  return sql`select date_bin(make_interval(secs => ${bucketMs / 1000}::double precision), e.occurred_at, timestamptz '1970-01-05 00:00:00+00') as start,
    count(*) filter (where e.result = 'success') as success, count(*) filter (where e.result = 'failure') as failure,
    count(*) filter (where e.result = 'warning') as warning
    from audit_log.events e where ${filterSql(filter)} group by 1`;
}

type NewestRow = {
  readonly events: number;
  readonly durations: number;
  readonly percentiles: readonly number[] | null;
  readonly longest: number | null;
  readonly facet: FacetName | null;
  readonly value: string | null;
  readonly count: number | null;
};

/** Facets and percentiles of the newest matching events in one pass: the first columns are the same in every row. */
function newestSql(filter: Filter): Fragment {
  return sql`with newest as materialized (
      select e.event_type, e.source, e.actor_id, e.object_type, e.result, e.duration_ms from audit_log.events e
      where ${filterSql(filter)} order by e.occurred_at desc, e.id desc limit ${limits.statsFacetRowsMax}::bigint
    ), total as (
      select count(*) as events, count(duration_ms) as durations, max(duration_ms) as longest,
        percentile_disc(array[0.5, 0.95, 0.99]) within group (order by duration_ms) as percentiles from newest
    ), grouped as (
      select case grouping(event_type, source, actor_id, object_type, result)
          when 15 then 'event_type' when 23 then 'source' when 27 then 'actor_id' when 29 then 'object_type' else 'result' end as facet,
        coalesce(event_type, source, actor_id, object_type, result) as value, count(*) as count
      from newest group by grouping sets ((event_type), (source), (actor_id), (object_type), (result))
    ), ranked as (
      select facet, value, count, row_number() over (partition by facet order by count desc, value) as place from grouped where value is not null
    )
    select total.*, ranked.facet, ranked.value, ranked.count from total
    left join ranked on ranked.place <= ${limits.statsFacetValuesMax}::bigint order by ranked.facet, ranked.place`;
}

function facetsOf(rows: readonly NewestRow[]): Stats["facets"] {
  const facets: { [Name in FacetName]: FacetValue[] } = { event_type: [], source: [], actor_id: [], object_type: [], result: [] };
  for (const { facet, value, count } of rows) {
    if (facet !== null && value !== null) facets[facet].push({ value, count: count ?? 0 });
  }
  return facets;
}

function durationOf(row: NewestRow | undefined): Stats["duration"] {
  const [p50, p95, p99] = row?.percentiles ?? [];
  if (row === undefined || p50 === undefined || p95 === undefined || p99 === undefined) return undefined;
  return { count: row.durations, p50, p95, p99, max: row.longest ?? p99 };
}

function bucketOf(start: string, bucketMs: number, filter: Filter, counts: Counts | undefined): Bucket {
  const { success = 0, failure = 0, warning = 0 } = counts ?? {};
  return { from: later(start, filter.from), to: earlier(shifted(start, bucketMs - 1), filter.to), success, failure, warning };
}

/** What `work` gives, or undefined when its time was over. */
export async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OutOfTime) return undefined;
    throw error;
  }
}

async function inTime(work: Promise<void>): Promise<boolean> {
  return await orNothing(work.then(() => true)) ?? false;
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

function earlier(a: string, b: string): string {
  return a < b ? a : b;
}

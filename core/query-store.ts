import type { Claims } from "./caller.ts";
import type { ReportFigures } from "./compliance.ts";
import type { AuditEvent, EventResult } from "./event.ts";
import type { ProducerFigures } from "./producers.ts";
import type { Filter, Order, Position } from "./query-filter.ts";

/** An event as it was read. */
export type StoredEvent = {
  readonly event: AuditEvent;
  readonly leafHash: Uint8Array;
  /** Its place in the tenant's tree, where the store tells it with the event, as an archive does. */
  readonly logIndex?: number;
};

/** One page of a walk. `sliceMs` comes from a page that ran out of time: try no more of the window at once than this. */
export type PageRequest = {
  readonly filter: Filter;
  readonly order: Order;
  readonly limit: number;
  readonly after?: Position | undefined;
  readonly offset?: number | undefined;
  readonly sliceMs?: number | undefined;
  /** Events received later than this stay out. */
  readonly receivedMax?: string | undefined;
};

/**
 * Events in order. `next` is where the walk goes on, absent at its end. A `partial` page ran out of time: it holds all there is up to `next`, perhaps
 * nothing, and `offset` and `sliceMs` of the next request are given with it.
 */
export type Page = {
  readonly events: readonly StoredEvent[];
  readonly next: Position | undefined;
  readonly partial: boolean;
  readonly sliceMs?: number | undefined;
  readonly offset?: number | undefined;
  /** Everything acknowledged before this moment was taken into account. */
  readonly freshAsOf: string;
};

export type EventKey = { readonly tenantId: string; readonly occurredAt: string; readonly id: string };

/** One bar of the histogram: both ends belong to it. */
export type Bucket = { readonly from: string; readonly to: string } & { readonly [Result in EventResult]: number };

export type FacetValue = { readonly value: string; readonly count: number };
export type FacetName = "event_type" | "source" | "actor_id" | "object_type" | "result";

export type StatsRequest = { readonly filter: Filter; readonly buckets: number };

/**
 * Counts over a filter. The histogram is exact from `countedFrom` on, which is the window's beginning unless time ran out; facets and percentiles
 * are of the newest `facetEvents` matching events, of all of them when `facetsCapped` is false.
 */
export type Stats = {
  readonly bucketMs: number;
  readonly buckets: readonly Bucket[];
  readonly countedFrom: string | undefined;
  readonly partial: boolean;
  readonly facetEvents: number;
  readonly facetsCapped: boolean;
  readonly facets: { readonly [Name in FacetName]: readonly FacetValue[] };
  readonly duration: { readonly count: number; readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | undefined;
  readonly freshAsOf: string;
};

/**
 * Reads events as a caller. Every method throws `unavailable` when the store cannot be reached; whatever the arguments say, no method returns an
 * event of a tenant that `claims` do not name.
 */
export type EventReader = {
  page(claims: Claims, request: PageRequest): Promise<Page>;
  /** The event with this key, or undefined when there is none that the caller may see, or it is softly deleted and not asked for. */
  find(claims: Claims, key: EventKey, includeDeleted: boolean): Promise<StoredEvent | undefined>;
  stats(claims: Claims, request: StatsRequest): Promise<Stats>;
  /** Where the leaves of `events` stand in the tenant's tree, one answer an event in the same order; undefined for what is not sealed yet. */
  leafIndexes(claims: Claims, tenantId: string, events: readonly AuditEvent[]): Promise<readonly (number | undefined)[]>;
  /** What a compliance report counts over the window of `filter`. */
  figures(claims: Claims, filter: Filter): Promise<ReportFigures>;
  /** What the counters of producers tell over the window of `filter`. */
  producers(claims: Claims, filter: Filter): Promise<ProducerFigures>;
  /** How many leaves the tenant's tree has: 0 before anything is sealed. */
  treeSize(claims: Claims, tenantId: string): Promise<number>;
  /** Resolves when the store answers and has what reading needs. */
  ready(): Promise<void>;
};

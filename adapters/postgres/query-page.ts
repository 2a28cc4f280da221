import { limits } from "../../core/limits.ts";
import type { Filter, Order, Position } from "../../core/query-filter.ts";
import type { Page, PageRequest, StoredEvent } from "../../core/query-store.ts";
import { shifted } from "../../core/query-time.ts";
import type { ReadTransaction } from "./claims.ts";
import { OutOfTime } from "./claims.ts";
import type { EventColumns } from "./event-row.ts";
import { rowToEvent } from "./event-row.ts";
import type { Fragment } from "./query-fragment.ts";
import { sql } from "./query-fragment.ts";
import { hashedCondition, hoursSql } from "./query-hashes.ts";
import { afterSql, filterSql, orderSql } from "./query-sql.ts";

export type EventRowRead = EventColumns & { readonly leaf_hash: Uint8Array };

export const selectEvents = sql`select e.tenant_id, e.occurred_at, e.id, e.received_at, e.principal, e.source, e.actor_id, e.actor_type,
  e.event_type, e.object_type, e.object_id, e.result, e.message, e.duration_ms, e.context, e.ip_address, e.user_agent, e.device_fingerprint,
  e.request_id, e.producer_id, e.producer_seq, e.leaf_hash from audit_log.events e`;

/** How much of the time goes into the whole question; the rest is for asking it slice by slice, if that was too much. */
export const wholeQuestionMs = limits.queryStatementTimeoutMs / 2;
const sliceTimeoutMs = 500;
const firstSliceMs = 3_600_000;
const smallestSliceMs = 1_000;
const lowestId = "00000000-0000-0000-0000-000000000000";
const highestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/**
 * One page. The whole question is asked once; when it takes too long the window is walked in slices, so that a page that runs out of time has come
 * somewhere, even when nothing was found. `transaction` was opened with `wholeQuestionMs`; `leftMs` tells what is left of the request's time.
 */
export async function readPage(transaction: ReadTransaction, request: PageRequest, leftMs: () => number): Promise<Page> {
  const { limit, offset = 0, after } = request;
  if (isTextSearch(request)) {
    const spare = Math.max(0, leftMs() - limits.queryTextSearchMs);
    return await readInSlices(transaction, request, () => leftMs() - spare);
  }
  if (request.sliceMs === undefined) {
    try {
      const events = await readSlice(transaction, request, request.filter, after, limit + 1, offset);
      return {
        events: events.slice(0, limit),
        next: events.length > limit ? positionOf(events[limit - 1]) : undefined,
        partial: false,
        freshAsOf: transaction.freshAsOf,
      };
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
    }
  }
  return await readInSlices(transaction, request, leftMs);
}

/**
 * True for a list that looks for words: no index serves them, and what reads every text of the window (0.8 µs a row) is not worth waiting for in one piece.
 * Such a page answers early, in part when need be. An export, which is bounded by `receivedMax`, has nobody waiting for its next page.
 */
function isTextSearch({ filter, receivedMax }: PageRequest): boolean {
  return receivedMax === undefined && filter.conditions.some(({ kind }) => kind === "words");
}

/** Walks the window from where `after` stands until the page is full, the window ends or time does. */
async function readInSlices(transaction: ReadTransaction, request: PageRequest, leftMs: () => number): Promise<Page> {
  const { filter, order, limit } = request;
  const page: StoredEvent[] = [];
  let skip = request.offset ?? 0;
  let sliceMs = request.sliceMs ?? firstSliceMs;
  let place = request.after ?? beginning(filter, order);
  const result = (next: Position | undefined, partial: boolean): Page => ({
    events: page,
    next,
    partial,
    sliceMs,
    offset: skip,
    freshAsOf: transaction.freshAsOf,
  });
  while (leftMs() > 0) {
    const slice = sliceFrom(filter, order, place, sliceMs);
    const wanted = limit - page.length + 1;
    const startedWith = leftMs();
    try {
      await transaction.resume(Math.min(sliceTimeoutMs, startedWith));
      const events = await readSlice(transaction, request, slice, place, wanted + skip, 0);
      const kept = events.slice(skip);
      page.push(...kept.slice(0, wanted - 1));
      skip = Math.max(0, skip - events.length);
      if (kept.length === wanted) return { ...result(positionOf(page[limit - 1]), false), sliceMs };
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      sliceMs = Math.max(smallestSliceMs, Math.floor(sliceMs / 8));
      continue;
    }
    const edge = order === "desc" ? slice.from : slice.to;
    if (edge === (order === "desc" ? filter.from : filter.to)) return result(undefined, false);
    place = { occurredAt: edge, id: order === "desc" ? lowestId : highestId };
    if (startedWith - leftMs() < sliceTimeoutMs / 4) sliceMs *= 4;
  }
  return result(place, true);
}

async function readSlice(
  transaction: ReadTransaction,
  { order, receivedMax }: PageRequest,
  filter: Filter,
  after: Position | undefined,
  limit: number,
  offset: number,
): Promise<StoredEvent[]> {
  const rows = await transaction.rows<EventRowRead>(pageSql(filter, order, after, limit, offset, receivedMax));
  return rows.map(storedEvent);
}

/** The statement of a page: what the EXPLAIN tests look at. */
export function pageSql(filter: Filter, order: Order, after: Position | undefined, limit: number, offset: number, receivedMax?: string): Fragment {
  const beyond = after === undefined ? sql`` : sql` and ${afterSql(after, order)}`;
  const bound = receivedMax === undefined ? sql`` : sql` and e.received_at <= ${receivedMax}::timestamptz`;
  const skipped = offset === 0 ? sql`` : sql` offset ${offset}::bigint`;
  const window = narrowed(filter, order, after);
  const hourly = hashedCondition(filter);
  const where = sql`where ${filterSql(window, hourly)}${beyond}${bound}`;
  if (hourly === undefined) return sql`${selectEvents} ${where} ${orderSql(order)} limit ${limit}::bigint${skipped}`;
  // Hour by hour, since the index has them so, until the page is full. With ties, because the index knows nothing of ids.
  const direction = order === "desc" ? sql` desc` : sql``;
  return sql`select e.* from ${hoursSql(window, order)} cross join lateral (
      ${selectEvents} ${where} order by e.occurred_at${direction} fetch first (${limit + offset}::bigint) rows with ties
    ) as e
    order by h.at${direction}, e.occurred_at${direction}, e.id${direction} limit ${limit}::bigint${skipped}`;
}

export function storedEvent(row: EventRowRead): StoredEvent {
  return { event: rowToEvent(row), leafHash: row.leaf_hash };
}

/** The filter without the part of its window that `after` has left behind: partitions are pruned by plain bounds alone. */
function narrowed(filter: Filter, order: Order, after: Position | undefined): Filter {
  if (after === undefined) return filter;
  if (order === "desc") return after.occurredAt < filter.to ? { ...filter, to: after.occurredAt } : filter;
  return after.occurredAt > filter.from ? { ...filter, from: after.occurredAt } : filter;
}

function sliceFrom(filter: Filter, order: Order, place: Position, sliceMs: number): Filter {
  const rest = narrowed(filter, order, place);
  if (order === "desc") return { ...rest, from: later(shifted(rest.to, -sliceMs), filter.from) };
  const to = shifted(rest.from, sliceMs);
  return { ...rest, to: to < filter.to ? to : filter.to };
}

/** Just before the first event that the window can hold, whatever its id. */
function beginning({ from, to }: Filter, order: Order): Position {
  return order === "desc" ? { occurredAt: shifted(to, 1), id: lowestId } : { occurredAt: shifted(from, -1), id: highestId };
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}

function positionOf(stored: StoredEvent | undefined): Position {
  if (stored === undefined) throw new Error("end page: it has no last event");
  return { occurredAt: stored.event.occurred_at, id: stored.event.id };
}

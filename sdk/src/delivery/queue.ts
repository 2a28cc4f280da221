import { admittedAt, type Door } from "./door.ts";
import type { Batch, DeliveryState, Entry } from "./state.ts";

/** Bodies of requests that outlive their page may hold 64 KiB together (Fetch, section 4.5): four of these, and room for other scripts. */
export const hiddenBatchBytes = 14_000;

/** Entries that count against the bound of the queue: those that no caller holds. */
export function bounded(state: DeliveryState): number {
  return state.open.size - state.bulk;
}

/** True when one more event of `bytes` fits. One larger than the whole bound fits an empty queue: else it could never be sent. */
export function hasRoom(state: DeliveryState, bytes: number): boolean {
  return bounded(state) < state.queueSize && (bounded(state) === 0 || state.boundedBytes + bytes <= state.queueBytes);
}

/** Takes an entry into the queue. One that somebody waits for is due at once. */
export function enqueue(state: DeliveryState, entry: Entry): void {
  state.queue.push(entry);
  state.open.set(entry.handle, entry);
  if (entry.bulk) state.bulk++;
  else state.boundedBytes += entry.bytes;
  if (entry.done) state.flushBefore = entry.handle;
}

/** Nobody waits for this entry any more: it counts as others do. */
export function release(state: DeliveryState, entry: Entry): void {
  entry.done = undefined;
  if (!entry.bulk) return;
  entry.bulk = false;
  state.bulk--;
  state.boundedBytes += entry.bytes;
}

/** The fate of this entry is decided. */
export function forget(state: DeliveryState, entry: Entry): void {
  state.open.delete(entry.handle);
  if (entry.bulk) state.bulk--;
  else state.boundedBytes -= entry.bytes;
}

/** Batches that may wait for another try: beyond, a server that fails is not asked with yet another one, and each look at them stays short. */
const waitingMax = 1000;

/** When the queue's next batch is due: now (0) when it is full or asked for, else when its oldest entry comes of age; Infinity when empty. */
export function queueDueAt(state: DeliveryState): number {
  const [oldest] = state.queue;
  if (!oldest || state.waiting.length >= waitingMax) return Infinity;
  return state.queue.length >= state.batchSize || state.hidden || oldest.handle <= state.flushBefore ? 0 : oldest.loggedAt + state.batchAgeMs;
}

/** Takes the queue's oldest entries as one batch: at least one, and only such as want the same door. */
export function takeBatch(state: DeliveryState): Batch {
  const [oldest] = state.queue;
  const countMax = oldest?.bulk ? 1000 : state.batchSize;
  const bytesMax = state.hidden ? hiddenBatchBytes : state.batchBytes;
  let bytes = 0;
  const isOver = (entry: Entry, index: number) => index >= countMax || entry.prefer !== oldest?.prefer || ((bytes += entry.bytes + 1) > bytesMax && index > 0);
  const end = state.queue.findIndex(isOver);
  return batchOf(state.queue.splice(0, end < 0 ? Infinity : end));
}

/** A batch of `entries`, with the history of `earlier`. */
export function batchOf(entries: readonly Entry[], earlier?: Batch): Batch {
  return { attempts: 0, notBefore: 0, againAt: 0, tried: [], ...earlier, entries };
}

/** `batch` in two: the first `count` entries and the rest. */
export function cut(batch: Batch, count: number): [Batch, Batch] {
  return [batchOf(batch.entries.slice(0, count), batch), batchOf(batch.entries.slice(count), batch)];
}

/** The earliest time at which `batch` may go through `one`. */
export function batchDueAt(batch: Batch, one: Door): number {
  return Math.max(batch.tried.includes(one) ? batch.againAt : batch.notBefore, admittedAt(one));
}

/** True when everything in memory logged up to `handle` is decided. */
export function isSettledUpTo(state: DeliveryState, handle: number): boolean {
  const [oldest = Infinity] = state.open.keys();
  return oldest > handle;
}

import { admittedAt, type Door, type DoorName } from "./door.ts";
import { fifoLength, fifoPeek, fifoShift } from "./fifo.ts";
import type { Batch, DeliveryState, Entry } from "./state.ts";

/** A new batch of `entries`, ready to go. */
export function batchOf(state: DeliveryState, entries: readonly Entry[], prefer?: DoorName): Batch {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes + 1, 0);
  return {
    id: state.nextBatchId++,
    entries,
    bytes,
    attempts: 0,
    notBefore: 0,
    againAt: 0,
    tried: [],
    door: undefined,
    prefer,
    keepalive: false,
    sentAt: 0,
  };
}

/** `batch` in parts of at most `eventsMax`, with its history. */
export function splitBatch(state: DeliveryState, batch: Batch, eventsMax: number): Batch[] {
  const parts: Batch[] = [];
  for (let start = 0; start < batch.entries.length; start += eventsMax) {
    const { attempts, notBefore, againAt, tried, prefer } = batch;
    parts.push({ ...batchOf(state, batch.entries.slice(start, start + eventsMax), prefer), attempts, notBefore, againAt, tried });
  }
  return parts;
}

/** The earliest time at which `batch` may go through `one`. */
export function batchDueAt(batch: Batch, one: Door): number {
  return Math.max(batch.tried.includes(one.name) ? batch.againAt : batch.notBefore, admittedAt(one));
}

/** When the queue's next batch is due: now (0) when it is full or asked for, else when its oldest entry comes of age; Infinity when empty. */
export function queueDueAt(state: DeliveryState): number {
  const oldest = fifoPeek(state.queue);
  if (oldest === undefined) return Infinity;
  const { batchEvents, batchBytes, batchAgeMs } = state.settings;
  const full = fifoLength(state.queue) >= batchEvents || state.queueBytes >= batchBytes;
  return full || oldest.handle <= state.flushBefore || state.keepaliveBudget !== undefined ? 0 : oldest.loggedAt + batchAgeMs;
}

/** Takes the queue's oldest entries as one batch: at least one, at most `eventsMax`, within the bytes of a batch. */
export function takeBatch(state: DeliveryState, eventsMax: number): Batch {
  const bytesMax = state.keepaliveBudget ?? state.settings.batchBytes;
  const entries: Entry[] = [];
  let bytes = 0;
  for (
    let next = fifoPeek(state.queue);
    next !== undefined && entries.length < eventsMax;
    next = fifoPeek(state.queue)
  ) {
    if (entries.length > 0 && bytes + next.bytes + 1 > bytesMax) break;
    entries.push(next);
    bytes += next.bytes + 1;
    state.queueBytes -= next.bytes;
    fifoShift(state.queue);
  }
  return batchOf(state, entries);
}

import { fifoPush } from "./fifo.ts";
import { batchOf } from "./batch.ts";
import type { DoorName } from "./door.ts";
import type { Batch, DeliveryState, Entry } from "./state.ts";

/** True when one more event of `bytes` fits the queue. */
export function hasRoom(state: DeliveryState, bytes: number): boolean {
  // An event larger than the whole bound still fits an empty queue: else it could never be sent.
  return state.bounded < state.settings.queueEvents && (state.bounded === 0 || state.boundedBytes + bytes <= state.settings.queueBytes);
}

/** Takes an entry into the queue; false, and nothing changed, when it is full, unless room is `reserved`. Entries somebody waits for are due at once. */
export function offer(state: DeliveryState, entry: Entry, reserved = false): boolean {
  if (!reserved && !hasRoom(state, entry.bytes)) return false;
  fifoPush(state.queue, entry);
  state.queueBytes += entry.bytes;
  state.bounded++;
  state.boundedBytes += entry.bytes;
  if (entry.awaited) state.flushBefore = entry.handle;
  return true;
}

/** Takes entries that a caller holds anyway and waits for, as batches of their own, past the bound of the queue. */
export function offerBatches(state: DeliveryState, entries: readonly Entry[], perBatch: number, prefer: DoorName | undefined): void {
  let start = 0;
  let bytes = 0;
  const cut = (end: number) => {
    if (end > start) {
      state.waiting.push(batchOf(state, entries.slice(start, end), prefer));
    }
    start = end;
    bytes = 0;
  };
  entries.forEach((entry, index) => {
    if (index - start >= perBatch || bytes + entry.bytes > state.settings.batchBytes) cut(index);
    bytes += entry.bytes;
  });
  cut(entries.length);
  state.bulk += entries.length;
}

/**
 * The caller no longer waits: these entries now count against the bound of the queue. Returns those that find no room, taken out; entries on
 * their way stay, whatever the bound, because nobody knows whether they are stored.
 */
export function releaseBulk(state: DeliveryState, held: ReadonlySet<Entry>): Entry[] {
  const evicted = new Set<Entry>();
  const release = (entry: Entry, may: boolean) => {
    if (!held.has(entry) || !entry.bulk) return;
    state.bulk--;
    entry.bulk = false;
    entry.awaited = false;
    if (may && !hasRoom(state, entry.bytes)) return void evicted.add(entry);
    state.bounded++;
    state.boundedBytes += entry.bytes;
  };
  for (const batch of state.inFlight.values()) {
    for (const entry of batch.entries) {
      release(entry, false);
    }
  }
  for (const batch of state.waiting) {
    for (const entry of batch.entries) release(entry, true);
  }
  if (evicted.size > 0) {
    state.waiting = state.waiting.flatMap((batch) => withoutEntries(state, batch, evicted));
  }
  return [...evicted];
}

function withoutEntries(state: DeliveryState, batch: Batch, gone: ReadonlySet<Entry>): Batch[] {
  const kept = batch.entries.filter((entry) => !gone.has(entry));
  if (kept.length === batch.entries.length) return [batch];
  return kept.length === 0 ? [] : [{ ...batchOf(state, kept, batch.prefer), attempts: batch.attempts, notBefore: batch.notBefore }];
}

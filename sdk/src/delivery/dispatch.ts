import { batchDueAt, queueDueAt, splitBatch, takeBatch } from "./batch.ts";
import { admittedAt, type Door, doorEntered, type DoorName, isOpen } from "./door.ts";
import { fifoLength } from "./fifo.ts";
import type { Batch, DeliveryState } from "./state.ts";

/** What to do now. `wakeAt` is monotonic milliseconds, absent when only an answer or a new event can change anything. */
export type Dispatch = {
  readonly sends: readonly Batch[];
  readonly wakeAt: number | undefined;
  /** Nothing but healing can help: waiting for it should not keep a process alive. */
  readonly ailing: boolean;
};

/** The batches to send at `now`, each with its door set and counted as in flight, and when to ask again. */
export function dispatch(state: DeliveryState, now: number): Dispatch {
  const sends: Batch[] = [];
  while (state.inFlight.size < state.settings.concurrency) {
    const batch = nextBatch(state, now);
    if (batch === undefined) break;
    state.inFlight.set(batch.id, batch);
    sends.push(batch);
  }
  const wakeAt = state.inFlight.size < state.settings.concurrency ? nextWake(state) : Infinity;
  return {
    sends,
    wakeAt: wakeAt === Infinity ? undefined : Math.max(wakeAt, now),
    ailing: state.doors.every(isOpen),
  };
}

/** Doors in the order in which `count` events prefer them: smart routing. */
function doorsFor(state: DeliveryState, count: number, prefer: DoorName | undefined): Door[] {
  const first = prefer ?? (count > state.settings.edgeAbove ? "edge" : "api");
  return [...state.doors].sort((a, b) => Number(b.name === first) - Number(a.name === first));
}

function nextBatch(state: DeliveryState, now: number): Batch | undefined {
  for (const batch of state.waiting) {
    const order = doorsFor(state, batch.entries.length, batch.prefer);
    const open = order.find((door) => batchDueAt(batch, door) <= now);
    if (open === undefined) continue;
    state.waiting.splice(state.waiting.indexOf(batch), 1);
    const [head = batch, ...rest] = batch.entries.length > open.eventsMax ? splitBatch(state, batch, open.eventsMax) : [batch];
    state.waiting.unshift(...rest);
    return sent(state, head, open, now, order[0] !== open);
  }
  if (queueDueAt(state) > now) return undefined;
  const order = doorsFor(state, Math.min(fifoLength(state.queue), state.settings.batchEvents), undefined);
  const open = order.find((door) => admittedAt(door) <= now);
  if (open === undefined || (state.keepaliveBudget !== undefined && state.keepaliveBudget <= 0)) return undefined;
  return sent(state, takeBatch(state, Math.min(state.settings.batchEvents, open.eventsMax)), open, now, order[0] !== open);
}

function sent(state: DeliveryState, batch: Batch, door: Door, now: number, fallback: boolean): Batch {
  doorEntered(door);
  batch.door = door.name;
  batch.sentAt = now;
  batch.keepalive = state.keepaliveBudget !== undefined && batch.bytes <= state.keepaliveBudget;
  if (state.keepaliveBudget !== undefined && batch.keepalive) {
    state.keepaliveBudget -= batch.bytes;
  }
  state.counts.requests++;
  if (fallback) state.counts.fallbacks++;
  if (batch.attempts > 0 || batch.tried.length > 0) state.counts.retried++;
  return batch;
}

/** The earliest time at which {@link nextBatch} could answer differently without any other input. */
function nextWake(state: DeliveryState): number {
  let wake = Infinity;
  for (const batch of state.waiting) {
    for (const door of state.doors) wake = Math.min(wake, batchDueAt(batch, door));
  }
  const due = queueDueAt(state);
  if (due < Infinity && (state.keepaliveBudget === undefined || state.keepaliveBudget > 0)) {
    for (const door of state.doors) {
      wake = Math.min(wake, Math.max(due, admittedAt(door)));
    }
  }
  return wake;
}

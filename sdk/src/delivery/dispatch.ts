import { admittedAt, type Door } from "./door.ts";
import { batchDueAt, cut, queueDueAt, takeBatch } from "./queue.ts";
import type { Batch, DeliveryState } from "./state.ts";

/** The batches to send at `now`, each with its door set and counted as in flight. */
export function dispatch(state: DeliveryState, now: number): Batch[] {
  const sends: Batch[] = [];
  while (state.inFlight.size < state.concurrency) {
    const batch = state.waiting.find((each) => readyDoors(state, each, now)[0]);
    if (batch) sends.push(sent(state, batch, now));
    else if (queueDueAt(state) <= now && state.doors.some((door) => admittedAt(door) <= now)) state.waiting.push(takeBatch(state));
    else break;
  }
  return sends;
}

/** When {@link dispatch} is to be asked again, if nothing else happens before; Infinity when only an answer or a new event can change anything. */
export function nextWakeAt(state: DeliveryState): number {
  const due = queueDueAt(state);
  const times = state.doors.flatMap((door) => [Math.max(due, admittedAt(door)), ...state.waiting.map((batch) => batchDueAt(batch, door))]);
  return state.inFlight.size < state.concurrency ? Math.min(...times) : Infinity;
}

function readyDoors(state: DeliveryState, batch: Batch, now: number): Door[] {
  return state.doors.filter((door) => batchDueAt(batch, door) <= now);
}

/** Smart routing: few events go to the bulk API, many to the Edge Function, unless the caller prefers one or only the other is ready. */
function sent(state: DeliveryState, batch: Batch, now: number): Batch {
  const [oldest] = batch.entries;
  const first = oldest?.prefer ?? (batch.entries.length > state.edgeAbove ? "edge" : "api");
  const ready = readyDoors(state, batch, now);
  const door = ready.find(({ name }) => name === first) ?? ready[0] as Door;
  const [head, rest] = cut(batch, door.eventsMax);
  state.waiting.splice(state.waiting.indexOf(batch), 1, ...rest.entries.length ? [rest] : []);
  state.inFlight.add(head);
  head.door = door;
  // Through an open breaker whose time is over, a batch goes as the probe.
  door.probing = door.openUntil > 0;
  state.counts.requests++;
  if (door.name !== first && state.doors.length > 1) state.counts.fallbacks++;
  if (batch.attempts || batch.tried.length) state.counts.retried++;
  return head;
}

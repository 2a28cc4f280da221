import { fifoShift } from "./fifo.ts";
import { forget } from "./settle.ts";
import type { DeliveryState, Entry } from "./state.ts";

/** Forgets waits that are guesses (backoff, open breakers), not those the server asked for: for a client about to close. */
export function hurry(state: DeliveryState, now: number): void {
  for (const batch of state.waiting) Object.assign(batch, { notBefore: 0, againAt: 0, tried: [] });
  for (const door of state.doors) {
    door.openUntil = Math.min(door.openUntil, now);
  }
}

/** Takes out every entry whose fate is open, also those on their way: their answers will find nobody. */
export function abandonAll(state: DeliveryState): Entry[] {
  const left = [...state.inFlight.values(), ...state.waiting].flatMap((batch) => batch.entries);
  for (
    let entry = fifoShift(state.queue);
    entry !== undefined;
    entry = fifoShift(state.queue)
  ) left.push(entry);
  state.inFlight.clear();
  state.waiting = [];
  state.queueBytes = 0;
  for (const entry of left) forget(state, entry);
  return left;
}

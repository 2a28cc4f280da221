import { fifoPeek } from "./fifo.ts";
import type { DeliveryState } from "./state.ts";

/** True when everything in memory logged up to `handle` is settled. */
export function settledUpTo(state: DeliveryState, handle: number): boolean {
  if ((fifoPeek(state.queue)?.handle ?? Infinity) <= handle) return false;
  for (const batch of state.inFlight.values()) {
    if (batch.entries.some((entry) => entry.handle <= handle)) return false;
  }
  return !state.waiting.some((batch) => batch.entries.some((entry) => entry.handle <= handle));
}

/** Everything logged so far is due now; returns the handle to wait for. */
export function flushAll(state: DeliveryState, newestHandle: number): number {
  state.flushBefore = Math.max(state.flushBefore, newestHandle);
  return newestHandle;
}

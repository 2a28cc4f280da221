import { backoffMs } from "./retry-table.ts";
import type { DeliverySettings } from "./state.ts";

/** The two ways in: the Edge Function (≤ 1000 events) and the bulk API (≤ 500). */
export type DoorName = "edge" | "api";

/**
 * A door with its circuit breaker. Closed (`openUntil` 0): batches pass. Open until that time: none does. After it, one batch probes; its answer
 * closes the breaker or opens it again for longer.
 */
export type Door = {
  readonly name: DoorName;
  readonly url: string;
  readonly eventsMax: number;
  failures: number;
  openUntil: number;
  /** Set by `Retry-After`: no hurry shortens this wait. */
  pausedUntil: number;
  probing: boolean;
};

export function door(name: DoorName, url: string): Door {
  return { name, url, eventsMax: name === "edge" ? 1000 : 500, failures: 0, openUntil: 0, pausedUntil: 0, probing: false };
}

/** When a batch may go through: a time, or not before the probe under way is answered. */
export function admittedAt(one: Door): number {
  return one.probing ? Infinity : Math.max(one.openUntil, one.pausedUntil);
}

/** The door answered as a working door does. */
export function doorWorked(one: Door): void {
  one.failures = one.openUntil = 0;
  one.probing = false;
}

/** The door failed at `now`; when there is no such door (`missing`) the breaker opens without waiting for more evidence. */
export function doorFailed(one: Door, now: number, random: number, settings: DeliverySettings, missing: boolean): void {
  const beyond = ++one.failures - settings.breakerFailures;
  // At least the base, so that an unlucky draw of full jitter is not a probe at once.
  if (one.probing || missing || beyond >= 0) one.openUntil = now + settings.backoffBaseMs + backoffMs(missing ? 7 : Math.max(0, beyond) + 3, random, settings);
  one.probing = false;
}

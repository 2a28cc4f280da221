import { leafHash, leafOf } from "../../verify/leaf.ts";
import type { MemoryEvent, MemoryLog, MemoryTenant } from "../support/memory-log.ts";
import { sha256 } from "../support/sha256.ts";

/** What a kind of tampering must lead to: the event that is named first, or none when no single event can be told; its column when it can. */
export type Expectation = { readonly id?: string | undefined; readonly column?: string; readonly kind?: string };
export type Tamper = { readonly name: string; readonly apply: (log: MemoryLog, random: () => number) => Expectation | Promise<Expectation> };

export const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
export const letters = (random: () => number) => Math.floor(random() * 1e12).toString(36);
export const otherText = (random: () => number, value: unknown) => {
  const made = `x${letters(random)}`;
  return made === value ? `${made}y` : made;
};
export const sealedEvent = (log: MemoryLog, random: () => number) => pick(random, log.events);
export const bigTenant = (log: MemoryLog) => log.tenants.reduce((big, tenant) => tenant.tree.size > big.tree.size ? tenant : big);
export const eventsOf = (log: MemoryLog, tenant: MemoryTenant) => log.events.filter((event) => event.tenantId === tenant.tenantId);

/** The event with the leaf hash that its content now has. */
export function rehashed(event: MemoryEvent): MemoryEvent {
  return { ...event, leafHash: leafHash(sha256, leafOf(event.event)) };
}

import { createEventReader } from "../../adapters/postgres/query-reader.ts";
import { createArchiveSource } from "../../core/archived-source.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { ArchiveStore } from "../../core/ports.ts";
import type { EventReader } from "../../core/query-store.ts";
import { tenantA } from "../api/service.ts";
import { eventsOf } from "../archive/archived-log.ts";
import type { TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

export const claims = { sub: "reader", app_metadata: { tenant_ids: [tenantA], audit_role: "admin" } } as const;
export const day = "2026-03-01";
export const wholeDay = {
  tenantId: tenantA,
  from: `${day}T00:00:00.000Z`,
  to: `${day}T23:59:59.999Z`,
  conditions: [],
  includeDeleted: false,
} as const;

/** A day's events of one tenant, by three actors one after the other: row groups differ in time and in actor. */
export function actorsDay(count: number): readonly AuditEvent[] {
  const events = eventsOf(day, count, 3, [tenantA]).sort((a, b) => a.occurred_at + a.id < b.occurred_at + b.id ? -1 : 1);
  return events.map((event, index) => ({ ...event, actor_id: ["alice", "bob", "carol"][Math.floor(index * 3 / count)] ?? "" }));
}

/**
 * A reader of its own, with nothing kept from earlier reads. Time stands still for it unless a test moves it: what a machine has time for in the budget of
 * one read is not what these tests are about.
 */
export function readerOn(log: TestLog, store: ArchiveStore | undefined, elapsedMs: () => number = () => 0): EventReader {
  return createEventReader({ pool: log.pool, log: () => {} }, elapsedMs, { source: store && createArchiveSource({ store, sha256 }), eventMaxAgeDays: 7 });
}

export type Fetched = { readonly key: string; readonly start: number; readonly end: number };

/** A store that notes what is read of it, and calls `onRead` before. */
export function watched(store: ArchiveStore, onRead: () => void = () => {}): { readonly store: ArchiveStore; readonly fetched: Fetched[] } {
  const fetched: Fetched[] = [];
  return {
    fetched,
    store: {
      ...store,
      get: async (key) => {
        onRead();
        const bytes = await store.get(key);
        fetched.push({ key, start: 0, end: bytes?.length ?? 0 });
        return bytes;
      },
      getRange: (key, start, end) => {
        onRead();
        fetched.push({ key, start, end });
        return store.getRange(key, start, end);
      },
    },
  };
}

import { v7 } from "uuid";
import { createEventStore } from "../../adapters/postgres/event-store.ts";
import { createArchiveBooks } from "../../adapters/postgres/archive-books.ts";
import { createFolderStore } from "../../adapters/storage/folder-store.ts";
import { archive, type ArchiverBounds, type ArchiverDependencies, type ArchiverSummary } from "../../core/archive.ts";
import type { AuditEvent } from "../../core/event.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

export const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"] as const;

/** The day that tests archive, and a moment at which it is no longer hot. */
export const oldDay = "2026-03-01";
export const later = new Date("2026-06-15T12:00:00Z");

export const bounds: ArchiverBounds = { hotDays: 90, retentionYears: 10, budgetMs: 15_000, leaseSeconds: 60, retrySeconds: 0 };

/** `count` events of every shape spread over a UTC day. */
export function eventsOf(day: string, count: number, seed = 1, tenants: readonly string[] = tenantIds): AuditEvent[] {
  const start = Date.parse(`${day}T00:00:00Z`);
  const random = randomFrom(seed);
  const receivedAt = new Date(start + 86_399_999);
  return randomEvents(random, count, { tenantIds: tenants, receivedAt }).map((event) => {
    const at = start + Math.floor(random() * 86_400_000);
    return { ...event, occurred_at: new Date(at).toISOString(), id: v7({ msecs: at }) };
  });
}

/** An archiver beside a log, on a folder. */
export function archiverOf(log: TestLog, folder: string, overrides: Partial<ArchiverDependencies> = {}): ArchiverDependencies {
  return {
    books: createArchiveBooks(log.pool, () => {}),
    events: createEventStore(log.pool, () => {}),
    archive: createFolderStore(folder),
    signer: firstKey.signer,
    logOrigin,
    sha256,
    // Goes on from there: the budget of a call is time.
    now: () => new Date(later.getTime() + performance.now()),
    log: (record) => record.level === "error" && process.env["DEBUG_ARCHIVE"] && console.error(record),
    ...overrides,
  };
}

/** Runs the archiver again and again until it has nothing more to do, at most `turns` times; what the last call did. */
export async function archiveAll(dependencies: ArchiverDependencies, change: Partial<ArchiverBounds> = {}, turns = 50): Promise<ArchiverSummary> {
  for (let turn = 1;; turn++) {
    const summary = await archive(dependencies, { ...bounds, ...change });
    const isIdle = summary.status === "done" &&
      summary.written + summary.checked + summary.signed + summary.failed + summary.tiles_moved + summary.expired + summary.planned.length === 0;
    if (isIdle || turn === turns) return summary;
  }
}

import type { ArchiveBooks, ArchiveWork, DropOutcome } from "./archive-books.ts";
import { ArchiveFault } from "./archive-fault.ts";
import { type ArchiverTrust, archiverTrust, checkFile, signArchive, writeFile } from "./archive-work.ts";
import type { NoteSigner } from "./format/signed-note.ts";
import { faultRecord } from "./fault-record.ts";
import { limits } from "./limits.ts";
import type { ArchiveStore, Log, Sha256 } from "./ports.ts";

export type ArchiverDependencies = {
  readonly books: ArchiveBooks;
  readonly archive: ArchiveStore;
  readonly signer: NoteSigner;
  readonly logOrigin: string;
  readonly sha256: Sha256;
  readonly now: () => Date;
  readonly log: Log;
};

/** How much one call may do. No piece of work begins after `budgetMs`. */
export type ArchiverBounds = {
  readonly hotDays: number;
  readonly retentionYears: number;
  readonly budgetMs: number;
  readonly leaseSeconds: number;
  /** How soon a piece that failed may be tried again; twice as late after each failure. */
  readonly retrySeconds: number;
};

/** What a call did. */
export type ArchiverSummary = {
  readonly status: "done" | "out_of_time";
  readonly closed: readonly string[];
  readonly planned: readonly string[];
  readonly written: number;
  readonly checked: number;
  readonly signed: number;
  readonly dropped: readonly string[];
  /** Pieces that were given back with a problem, and days whose events differ from their archives; both are recorded and tried again. */
  readonly failed: number;
  readonly differing: readonly string[];
};

type Tally = {
  status: ArchiverSummary["status"];
  closed: string[];
  planned: string[];
  written: number;
  checked: number;
  signed: number;
  dropped: string[];
  failed: number;
  differing: string[];
};

/** Waits for the lock on `events` of rising length: ingest stands behind a waiting one, so the first tries are short. */
const lockWaitsMs = [100, 500, 2_000] as const;

/**
 * Moves days that have left the hot window into the archive, as far as its bounds allow. Each step is durable before the next begins and can be repeated: a
 * crash at any point, or another worker beside this one, costs time and nothing else. Returns when nothing is left to do now, or time is up.
 * Throws `unavailable` when the database is away; faults of the store are recorded with the piece of work and tried again.
 */
export async function archive(dependencies: ArchiverDependencies, bounds: ArchiverBounds): Promise<ArchiverSummary> {
  const { books, now } = dependencies;
  const started = now().getTime();
  const tally: Tally = { status: "done", closed: [], planned: [], written: 0, checked: 0, signed: 0, dropped: [], failed: 0, differing: [] };
  await dropReadyDays(dependencies, bounds, tally);
  tally.closed.push(...await books.closeDays(dayBefore(now(), bounds.hotDays), limits.archiveDaysPerCall));
  const trust = archiverTrust(dependencies);
  for (const day of await books.closedDays()) {
    if (isOver(dependencies, bounds, started)) break;
    if (await books.planDay(day) === "planned") tally.planned.push(day);
  }
  for (;;) {
    if (isOver(dependencies, bounds, started)) {
      tally.status = "out_of_time";
      return tally;
    }
    const work = await books.claim(bounds.leaseSeconds);
    if (work === undefined) break;
    await doWork(dependencies, trust, bounds, work, tally);
  }
  await dropReadyDays(dependencies, bounds, tally);
  return tally;
}

function isOver({ now }: ArchiverDependencies, { budgetMs }: ArchiverBounds, started: number): boolean {
  return now().getTime() - started >= budgetMs;
}

/** The first UTC day that is still hot: all before it may be closed. */
export function dayBefore(now: Date, hotDays: number): string {
  return new Date(now.getTime() - hotDays * 86_400_000).toISOString().slice(0, 10);
}

async function doWork(dependencies: ArchiverDependencies, trust: ArchiverTrust, bounds: ArchiverBounds, work: ArchiveWork, tally: Tally): Promise<void> {
  const { books, archive, log } = dependencies;
  try {
    if (work.work === "write" && await writeFile(dependencies, work)) tally.written++;
    if (work.work === "check" && await checkFile(dependencies, trust, work)) tally.checked++;
    if (work.work === "sign" && await signArchive(dependencies, trust, work)) tally.signed++;
  } catch (error) {
    tally.failed++;
    const attempts = await attemptsOf(books, work);
    // What a store gives back may be an old copy and heal; what the database gives is changed by people alone.
    const giveUp = work.work === "check" && error instanceof ArchiveFault && attempts + 1 >= limits.archiveReadsMax;
    const key = giveUp ? await writtenKey(books, work) : undefined;
    const kept = await books.fail(work, messageOf(error), bounds.retrySeconds * 2 ** Math.min(attempts, 6), giveUp);
    log({ level: "error", event: "archive.work_failed", work: work.work, tenant_id: work.tenantId, day: work.day, part: work.part, ...faultRecord(error) });
    // Named by no manifest, but a tool that reads every file of the folder would trip over it.
    if (kept && key !== undefined) await archive.remove(key).catch(() => undefined);
  }
}

async function attemptsOf(books: ArchiveBooks, work: ArchiveWork): Promise<number> {
  return work.part === undefined ? 0 : (await books.files(work.tenantId, work.day, work.part))[0]?.attempts ?? 0;
}

async function writtenKey(books: ArchiveBooks, work: ArchiveWork): Promise<string | undefined> {
  return (await books.files(work.tenantId, work.day, work.part))[0]?.written?.key;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unexpected fault";
}

async function dropReadyDays({ books, log }: ArchiverDependencies, { retentionYears }: ArchiverBounds, tally: Tally): Promise<void> {
  for (const day of await books.readyDays()) {
    let outcome: DropOutcome = "locked";
    for (const lockMs of lockWaitsMs) {
      outcome = await books.dropDay(day, retentionYears, lockMs);
      if (outcome !== "locked") break;
    }
    if (outcome === "dropped") tally.dropped.push(day);
    if (outcome !== "differs") continue;
    tally.differing.push(day);
    log({ level: "error", event: "archive.day_differs", day });
  }
}

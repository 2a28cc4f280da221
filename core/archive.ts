import type { ArchiveBooks, ArchiveCareBooks, ArchiveWork, DropOutcome } from "./archive-books.ts";
import { expireArchive } from "./archive-expiry.ts";
import type { HashLeaves } from "./archive-check.ts";
import { ArchiveFault } from "./archive-fault.ts";
import { archiveManifestPrefix } from "./archive-key.ts";
import { moveTiles } from "./archive-tiles.ts";
import { type ArchiverTrust, archiverTrust, checkFile, signArchive, writeFile } from "./archive-work.ts";
import type { JoinPairs } from "./format/merkle.ts";
import type { NoteSigner } from "./format/signed-note.ts";
import { faultRecord } from "./fault-record.ts";
import { limits } from "./limits.ts";
import type { ArchiveStore, EventStore, Log, Sha256 } from "./ports.ts";

export type ArchiverDependencies = {
  readonly books: ArchiveBooks & ArchiveCareBooks;
  /** Where the deletion of an archive is recorded. */
  readonly events: Pick<EventStore, "insert">;
  readonly archive: ArchiveStore;
  readonly signer: NoteSigner;
  readonly logOrigin: string;
  readonly sha256: Sha256;
  /** Hashes many leaves, and many pairs of nodes, at once; one by one with `sha256` unless told otherwise. */
  readonly hashLeaves?: HashLeaves;
  readonly joinPairs?: JoinPairs;
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
  /** Archives whose full tiles have followed them, and archives that were deleted because their time was over. */
  readonly tiles_moved: number;
  readonly expired: number;
  /** Pieces that were given back with a problem, and days whose events differ from their archives; both are recorded and tried again. */
  readonly failed: number;
  readonly differing: readonly string[];
};

type Tally = { -readonly [Key in keyof ArchiverSummary]: ArchiverSummary[Key] extends readonly string[] ? string[] : ArchiverSummary[Key] };

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
  const count = { written: 0, checked: 0, signed: 0, tiles_moved: 0, expired: 0, failed: 0 };
  const tally: Tally = { status: "done", closed: [], planned: [], dropped: [], differing: [], ...count };
  await dropReadyDays(dependencies, bounds, tally);
  tally.closed.push(...await books.closeDays(dayBefore(now(), bounds.hotDays), limits.archiveDaysPerCall));
  const trust = archiverTrust(dependencies);
  for (const day of await books.closedDays()) {
    if (isOver(dependencies, bounds, started)) break;
    if (await books.planDay(day) === "planned") tally.planned.push(day);
  }
  const steps = [
    () => nextWork(dependencies, trust, bounds, tally),
    () => dropReadyDays(dependencies, bounds, tally),
    () => nextTiles(dependencies, trust, bounds, tally),
    () => nextExpiry(dependencies, bounds, tally),
  ];
  for (const step of steps) {
    for (let isMore = true; isMore;) {
      if (isOver(dependencies, bounds, started)) return { ...tally, status: "out_of_time" };
      isMore = await step();
    }
  }
  return tally;
}

function isOver({ now }: ArchiverDependencies, { budgetMs }: ArchiverBounds, started: number): boolean {
  return now().getTime() - started >= budgetMs;
}

/** The first UTC day that is still hot: all before it may be closed. */
export function dayBefore(now: Date, hotDays: number): string {
  return new Date(now.getTime() - hotDays * 86_400_000).toISOString().slice(0, 10);
}

/** One piece of work on a file or a manifest; false when there is none. */
async function nextWork(dependencies: ArchiverDependencies, trust: ArchiverTrust, bounds: ArchiverBounds, tally: Tally): Promise<boolean> {
  const { books, archive } = dependencies;
  const work = await books.claim(bounds.leaseSeconds);
  if (work === undefined) return false;
  try {
    if (work.work === "write" && await writeFile(dependencies, work)) tally.written++;
    if (work.work === "check" && await checkFile(dependencies, trust, work)) tally.checked++;
    if (work.work === "sign" && await signArchive(dependencies, trust, work)) tally.signed++;
  } catch (error) {
    const attempts = await attemptsOf(books, work);
    // What a store gives back may be an old copy and heal; after that the file is written anew, under another name.
    const giveUp = work.work === "check" && error instanceof ArchiveFault && attempts + 1 >= limits.archiveReadsMax;
    const key = giveUp ? await writtenKey(books, work) : undefined;
    const isOurs = await giveBack(dependencies, bounds, work, tally, error, attempts, giveUp);
    // A tool that reads every file of the folder would trip over it.
    if (isOurs && key !== undefined) await removeUnnamed(archive, work, key).catch(() => undefined);
  }
  return true;
}

/** One call's worth of tiles of one archive. */
async function nextTiles(dependencies: ArchiverDependencies, trust: ArchiverTrust, bounds: ArchiverBounds, tally: Tally): Promise<boolean> {
  const work = await dependencies.books.claimTiles(bounds.leaseSeconds);
  if (work === undefined) return false;
  try {
    if (await moveTiles(dependencies, trust, work)) tally.tiles_moved++;
  } catch (error) {
    await giveBack(dependencies, bounds, { ...work, work: "tiles", part: undefined }, tally, error, 0, false);
  }
  return true;
}

async function nextExpiry(dependencies: ArchiverDependencies, bounds: ArchiverBounds, tally: Tally): Promise<boolean> {
  const work = await dependencies.books.claimExpiry(bounds.leaseSeconds);
  if (work === undefined) return false;
  try {
    if (await expireArchive(dependencies, work)) tally.expired++;
  } catch (error) {
    await giveBack(dependencies, bounds, { ...work, work: "expire", part: undefined }, tally, error, 0, false);
  }
  return true;
}

type FailedWork = Omit<ArchiveWork, "work"> & { readonly work: ArchiveWork["work"] | "tiles" | "expire" };

async function giveBack(
  { books, log }: ArchiverDependencies,
  { retrySeconds }: ArchiverBounds,
  work: FailedWork,
  tally: Tally,
  error: unknown,
  attempts: number,
  giveUp: boolean,
): Promise<boolean> {
  tally.failed++;
  log({ level: "error", event: "archive.work_failed", work: work.work, tenant_id: work.tenantId, day: work.day, part: work.part, ...faultRecord(error) });
  return await books.fail(work, messageOf(error), retrySeconds * 2 ** Math.min(attempts, 6), giveUp);
}

async function attemptsOf(books: ArchiveBooks, work: ArchiveWork): Promise<number> {
  return work.part === undefined ? 0 : (await books.files(work.tenantId, work.day, work.part))[0]?.attempts ?? 0;
}

/**
 * Removes an object that no manifest names. One that a manifest names is the archive of a day that was restored and is on its way back: what differs may be
 * Postgres, and then nothing else has these events as they were.
 */
async function removeUnnamed(archive: ArchiveStore, { tenantId, day }: ArchiveWork, key: string): Promise<void> {
  for (const manifest of await archive.list(archiveManifestPrefix(tenantId, day))) {
    if (new TextDecoder().decode(await archive.get(manifest)).includes(key)) return;
  }
  await archive.remove(key);
}

async function writtenKey(books: ArchiveBooks, work: ArchiveWork): Promise<string | undefined> {
  return (await books.files(work.tenantId, work.day, work.part))[0]?.written?.key;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unexpected fault";
}

/** Drops what is ready; false, since there is nothing more to drop at once. */
async function dropReadyDays({ books, log }: ArchiverDependencies, { retentionYears }: ArchiverBounds, tally: Tally): Promise<boolean> {
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
  return false;
}

import { Command } from "commander";
import { aloneAtRestore, createRestoreTarget, hasTree, readRestoredLeaves, restoreKeys } from "../../adapters/postgres/archive-restore.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import { ArchiveFault } from "../../core/archive-fault.ts";
import { archiveFolder } from "../../core/archive-key.ts";
import { findManifest, type FoundManifest, readManifest, restoreArchive, type RestoreOutcome } from "../../core/archive-restore.ts";
import { type RestoredTree, restoreTree } from "../../core/restore-tree.ts";
import {
  type ArchiveOptions,
  type ArchiveTarget,
  type CatalogueRow,
  openArchiveTarget,
  quiet,
  readCatalogue,
  refuseEmptyRange,
  withArchiveTarget,
} from "./archive-target.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { CommandError } from "./failure.ts";
import { startProgress } from "./progress.ts";
import { printable } from "./table.ts";

const archivesMax = 100_000;
const retentionYearsDefault = 10;

const exitHelp = `
--tenant, --from and --to are needed. Into an empty database, restore from the
log's first day to its last, before a sealer runs there.

Exit code 1 when a day did not come back, or when all did and the tree of the
tenant, which an empty database lacks, was not rebuilt: a sealer that runs
there would sign another log than the one that others know.`;

/** `audit-events archive restore`: brings archived days back into Postgres, where they came from or into an empty database. */
export function archiveRestoreCommand(): Command {
  const command = withArchiveTarget(new Command("restore").description("Bring archived days of a tenant back into Postgres; the archive stays")).action(
    restore,
  );
  command.addHelpText("after", exitHelp);
  return withExamples(
    command,
    "archive restore --local .audit --tenant $TENANT --from 2026-01-01 --to 2026-01-31",
    "archive restore --database $EMPTY --archive file:/srv/archive --key $LOG_KEY --rotation rotation.txt --tenant $TENANT --from 2026-01-01 --to 2026-12-31",
  );
}

/**
 * `no_manifest`: files of the day are there, and no manifest that may be believed says what they are. `not_in_catalogue`: files are there, and a database
 * that has the tenant's tree does not know them. `unreadable`: `problem` says which object is not what was signed.
 */
type Outcome = RestoreOutcome | "no_manifest" | "not_in_catalogue" | "unreadable";
type Restored = { readonly day: string; readonly events: number; readonly outcome: Outcome; readonly problem?: string };

/** A day of the range: its manifest, or why it cannot be restored. */
type Day = { readonly day: string; readonly found: FoundManifest } | Restored;

async function restore(options: ArchiveOptions): Promise<void> {
  const { tenant, from, to } = options;
  if (tenant === undefined || from === undefined || to === undefined) {
    throw new CommandError("no_range", "restore archives: --tenant, --from and --to are not all given", "say which tenant's days are to come back");
  }
  refuseEmptyRange(from, to);
  const target = await openArchiveTarget(options);
  try {
    const done = await aloneAtRestore(target.pool, tenant, () => restoreRange(target, options, tenant, from, to));
    if (done !== "busy") return;
    throw new CommandError(
      "restore_runs",
      `restore archives: another run restores archives of tenant ${tenant} into this database`,
      "wait until it has ended, then run this again: days that are there by then are not restored twice",
    );
  } finally {
    await target.close();
  }
}

async function restoreRange(target: ArchiveTarget, options: ArchiveOptions, tenant: string, from: string, to: string): Promise<void> {
  const found = await daysFound(target, options, tenant, from, to);
  const manifests = found.flatMap((day) => "found" in day ? [day.found] : []);
  const days = await restoreDays(target, found, manifests.reduce((sum, { manifest }) => sum + manifest.rows, 0));
  const isComplete = days.every(({ outcome }) => outcome === "restored");
  const tree = await rebuildTree(target, tenant, manifests, isComplete);
  tell(days, tree, options.json ?? false);
  process.exitCode = isComplete && typeof tree !== "string" ? exitCodes.done : exitCodes.bad;
}

/** Each day is a transaction of its own: one that cannot be restored keeps no other back. */
async function restoreDays(target: ArchiveTarget, found: readonly Day[], events: number): Promise<readonly Restored[]> {
  const restoring = { ...target, target: createRestoreTarget(target.pool, retentionYearsDefault, quiet) };
  const progress = startProgress("events", events);
  const days: Restored[] = [];
  let done = 0;
  for (const day of found) {
    if (!("found" in day)) {
      days.push(day);
      continue;
    }
    const { rows } = day.found.manifest;
    days.push(await unlessUnreadable(day.day, async () => ({ day: day.day, events: rows, outcome: await restoreArchive(restoring, day.found) })));
    progress.update(done += rows);
  }
  progress.finish();
  return days;
}

/** `incomplete`: a sealer that went on from a tree without the last days would sign another log than the one that is in others' hands. */
type Tree = RestoredTree | "incomplete";

/** Undefined when there is nothing to rebuild: the tenant's tree is in the database. */
async function rebuildTree(target: ArchiveTarget, tenant: string, manifests: readonly FoundManifest[], isComplete: boolean): Promise<Tree | undefined> {
  const leaves = await readRestoredLeaves(target.pool, tenant, quiet);
  const [oldest] = manifests;
  if (leaves.length === 0 || oldest === undefined) return undefined;
  if (!isComplete) return "incomplete";
  const { logOrigin, handovers } = target;
  const first = handovers[0]?.retiredKey ?? oldest.checkpoint.verifierKey;
  const chain = new Set([first, ...handovers.map(({ successorKey }) => successorKey)]);
  // Before the database takes a key: the first that it knows is there to stay.
  if (!manifests.every(({ checkpoint }) => chain.has(checkpoint.verifierKey))) return "unknown_key";
  if (!await restoreKeys(target.pool, logOrigin, first, handovers, quiet)) return "unknown_key";
  return await restoreTree(createSealStore(target.pool, quiet), target.sha256, tenant, leaves, manifests, logOrigin);
}

/** Those that the catalogue means; in a database without the tenant's tree, which a day could contradict, the newest ones of the archive that are signed too. */
async function daysFound(target: ArchiveTarget, options: ArchiveOptions, tenantId: string, from: string, to: string): Promise<readonly Day[]> {
  const rows = new Map((await readCatalogue(target.pool, options, archivesMax)).map((row) => [row.day, row]));
  const isTreeKnown = await hasTree(target.pool, tenantId, quiet);
  const days: Day[] = [];
  for (const day of daysOf(from, to)) {
    const row = rows.get(day);
    const found = row === undefined ? await uncatalogued(target, tenantId, day, isTreeKnown) : await catalogued(target, tenantId, row);
    if (found !== undefined) days.push(found);
  }
  return days;
}

async function catalogued(target: ArchiveTarget, tenantId: string, { day, state, ...row }: CatalogueRow): Promise<Day> {
  if (state !== "archived" && state !== "restored") return { day, events: 0, outcome: state as RestoreOutcome };
  const of = { tenantId, day, key: row.manifest_key ?? "", sha256: row.manifest_sha256 ?? undefined };
  return await unlessUnreadable(day, async () => ({ day, found: await readManifest(target, of) }));
}

async function uncatalogued(target: ArchiveTarget, tenantId: string, day: string, isTreeKnown: boolean): Promise<Day | undefined> {
  const found = isTreeKnown ? undefined : await findManifest(target, tenantId, day);
  if (found !== undefined) return { day, found };
  if ((await target.archive.list(archiveFolder(tenantId, day), { limit: 1 })).length === 0) return undefined;
  return { day, events: 0, outcome: isTreeKnown ? "not_in_catalogue" : "no_manifest" };
}

async function unlessUnreadable<T extends Day>(day: string, work: () => Promise<T>): Promise<T | Restored> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ArchiveFault)) throw error;
    return { day, events: 0, outcome: "unreadable", problem: error.message };
  }
}

function* daysOf(from: string, to: string): Generator<string> {
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= Date.parse(`${to}T00:00:00Z`); at += 86_400_000) yield new Date(at).toISOString().slice(0, 10);
}

const reasons: Readonly<Record<Exclude<Outcome, "restored">, string>> = {
  open: "it has not left Postgres",
  ready: "it has not left Postgres",
  expiring: "its time is over, it is being deleted",
  deleted: "its time was over, it was deleted",
  other: "it was restored from another manifest",
  no_manifest: "its files are there and no manifest that a trusted key signed; give every key that the log had, or --rotation",
  not_in_catalogue: "its files are there and this database does not know them; restore the whole range into an empty one",
  unreadable: "an object of it is not what was signed",
};

const treeReasons: Readonly<Record<Exclude<Tree, number>, string>> = {
  incomplete: "not every day is there, and without them it would contradict what was signed; mend them and run this again, or leave them out with --to",
  no_checkpoint: "the restored days reach no signed checkpoint without a gap; restore from the log's first day on",
  unknown_key:
    "nothing links the keys that signed, or this database has another; give the statements with --rotation, and a database in which no sealer has run",
  busy: "a sealer is at work; run this again",
};

function tell(days: readonly Restored[], tree: Tree | undefined, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify({ days, tree_size: typeof tree === "number" ? tree : null, ...typeof tree === "string" ? { tree_problem: tree } : {} }));
    return;
  }
  const restored = days.filter(({ outcome }) => outcome === "restored");
  const events = restored.reduce((sum, day) => sum + day.events, 0).toLocaleString("en");
  console.log(days.length === 0 ? "the archive has no files of these days" : `in Postgres again: ${restored.length} of ${days.length} days, ${events} events`);
  for (const { day, outcome, problem } of days) {
    if (outcome !== "restored") console.log(printable(`${day}: not restored: ${problem ?? reasons[outcome]}`));
  }
  if (typeof tree === "number") console.log(`the tree was rebuilt up to ${tree} leaves, as a checkpoint signed it`);
  else if (tree !== undefined) console.log(`the tree was not rebuilt: ${treeReasons[tree]}`);
}

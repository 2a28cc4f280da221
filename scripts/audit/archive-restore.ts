import { Command } from "commander";
import { createRestoreTarget, readRestoredLeaves } from "../../adapters/postgres/archive-restore.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import { archiveFolder } from "../../core/archive-key.ts";
import { findManifest, type FoundManifest, readManifest, restoreArchive, type RestoreOutcome } from "../../core/archive-restore.ts";
import { restoreTree } from "../../core/restore-tree.ts";
import { type ArchiveOptions, type ArchiveTarget, openArchiveTarget, quiet, readCatalogue, withArchiveTarget } from "./archive-target.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { CommandError } from "./failure.ts";
import { startProgress } from "./progress.ts";

const archivesMax = 100_000;
const retentionYearsDefault = 10;

/** `audit-events archive restore`: brings archived days back into Postgres, where they came from or into an empty database. */
export function archiveRestoreCommand(): Command {
  const command = withArchiveTarget(new Command("restore").description("Bring archived days of a tenant back into Postgres; the archive stays")).action(
    restore,
  );
  return withExamples(
    command,
    "archive restore --local .audit --tenant $TENANT --from 2026-01-01 --to 2026-01-31",
    "archive restore --database $EMPTY --archive file:/srv/archive --key $LOG_KEY --tenant $TENANT --from 2026-01-01 --to 2026-12-31",
  );
}

/** `no_manifest`: files of the day are there, and no manifest that may be believed says what they are. */
type Restored = { readonly day: string; readonly events: number; readonly outcome: RestoreOutcome | "no_manifest" };

async function restore(options: ArchiveOptions): Promise<void> {
  const { tenant, from, to } = options;
  if (tenant === undefined || from === undefined || to === undefined) {
    throw new CommandError("no_range", "restore archives: --tenant, --from and --to are not all given", "say which tenant's days are to come back");
  }
  const target = await openArchiveTarget(options);
  try {
    const restoring = { ...target, target: createRestoreTarget(target.pool, retentionYearsDefault, quiet) };
    const { manifests, unnamed } = await manifestsOf(target, options, tenant, from, to);
    const progress = startProgress("events", manifests.reduce((sum, { manifest }) => sum + manifest.rows, 0));
    const days = unnamed.map((day): Restored => ({ day, events: 0, outcome: "no_manifest" }));
    let events = 0;
    for (const found of manifests) {
      const outcome = await restoreArchive(restoring, found);
      days.push({ day: found.manifest.date, events: found.manifest.rows, outcome });
      progress.update(events += found.manifest.rows);
    }
    progress.finish();
    const leaves = await readRestoredLeaves(target.pool, tenant, quiet);
    const size = leaves.length === 0 ? undefined : await restoreTree(createSealStore(target.pool, quiet), target.sha256, tenant, leaves, manifests, target);
    tell(days, size, options.json ?? false);
    process.exitCode = days.every(({ outcome }) => outcome === "restored") ? exitCodes.done : exitCodes.bad;
  } finally {
    await target.close();
  }
}

/** What is to be restored, and days of which there are files without a manifest. */
type Found = { readonly manifests: readonly FoundManifest[]; readonly unnamed: readonly string[] };

/** Those that the catalogue means; in a database that knows of none, the newest ones of the archive that are signed. */
async function manifestsOf(target: ArchiveTarget, options: ArchiveOptions, tenantId: string, from: string, to: string): Promise<Found> {
  const rows = await readCatalogue(target.pool, options, archivesMax);
  const known = rows.flatMap(({ day, manifest_key: key, manifest_sha256: sha256 }) => key === null || sha256 === null ? [] : [{ tenantId, day, key, sha256 }]);
  if (rows.length > 0) return { manifests: await Promise.all(known.map((of) => readManifest(target, of))), unnamed: [] };
  const manifests: FoundManifest[] = [];
  const unnamed: string[] = [];
  for (const day of daysOf(from, to)) {
    const manifest = await findManifest(target, tenantId, day);
    if (manifest !== undefined) manifests.push(manifest);
    else if ((await target.archive.list(archiveFolder(tenantId, day), { limit: 1 })).length > 0) unnamed.push(day);
  }
  return { manifests, unnamed };
}

function* daysOf(from: string, to: string): Generator<string> {
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= Date.parse(`${to}T00:00:00Z`); at += 86_400_000) yield new Date(at).toISOString().slice(0, 10);
}

function tell(days: readonly Restored[], treeSize: number | undefined, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify({ days, tree_size: treeSize ?? null }));
    return;
  }
  const restored = days.filter(({ outcome }) => outcome === "restored");
  console.log(`${restored.length} days with ${restored.reduce((sum, { events }) => sum + events, 0).toLocaleString("en")} events are in Postgres again`);
  for (const { day, outcome } of days) {
    if (outcome === "no_manifest") console.log(`${day}: not restored, its files are there and no manifest that a trusted key signed`);
    else if (outcome !== "restored") console.log(`${day}: not restored, it is ${outcome === "other" ? "another manifest's" : outcome}`);
  }
  if (treeSize !== undefined) console.log(`the tree was rebuilt up to ${treeSize} leaves, as a checkpoint signed it`);
}

import { Command } from "commander";
import { createArchiveBooks } from "../../adapters/postgres/archive-books.ts";
import { checkArchiveFile } from "../../core/archive-check.ts";
import { ArchiveFault } from "../../core/archive-fault.ts";
import { readManifest } from "../../core/archive-restore.ts";
import { withArchivedTiles } from "../../core/archive-tiles.ts";
import { type ArchiveOptions, type ArchiveTarget, type CatalogueRow, openArchiveTarget, quiet, readCatalogue, withArchiveTarget } from "./archive-target.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { startProgress } from "./progress.ts";
import { printable } from "./table.ts";

const limit = 100_000;

/** `audit-events archive verify`: every archive again, from its manifest to each event's place in the signed tree. */
export function archiveVerifyCommand(): Command {
  const command = withArchiveTarget(new Command("verify").description("Read archives back and compare every event with what was signed")).action(verify);
  return withExamples(command, "archive verify --local .audit", "archive verify --database $URL --archive file:/srv/archive --key $LOG_KEY");
}

type Fault = { readonly tenant_id: string; readonly day: string; readonly message: string };

async function verify(options: ArchiveOptions): Promise<void> {
  const target = await openArchiveTarget(options);
  try {
    const rows = (await readCatalogue(target.pool, options, limit)).filter(({ state, archived_at: at }) =>
      at !== null && state !== "expiring" && state !== "deleted"
    );
    const progress = startProgress("events", rows.reduce((sum, row) => sum + row.rows, 0));
    const faults: Fault[] = [];
    let events = 0;
    for (const row of rows) {
      await verifyArchive(target, row, (count) => progress.update(events += count)).catch(async (fault: unknown) => {
        if (!(fault instanceof ArchiveFault)) throw fault;
        const [now] = await readCatalogue(target.pool, { tenant: row.tenant_id, from: row.day, to: row.day }, 1);
        // Its time was over meanwhile.
        if (now?.state === "expiring" || now?.state === "deleted") return;
        faults.push({ tenant_id: row.tenant_id, day: row.day, message: fault.message });
      });
    }
    progress.finish();
    const status = faults.length === 0 ? "sound" : "tampered";
    if (options.json) console.log(JSON.stringify({ status, archives: rows.length, events, faults }));
    else {
      console.log(`${status.toUpperCase()}\n${rows.length} archives, ${events.toLocaleString("en")} events`);
      for (const fault of faults) console.log(printable(`${fault.day} of ${fault.tenant_id}: ${fault.message}`));
    }
    process.exitCode = faults.length === 0 ? exitCodes.done : exitCodes.bad;
  } finally {
    await target.close();
  }
}

async function verifyArchive(target: ArchiveTarget, row: CatalogueRow, progress: (events: number) => void): Promise<void> {
  const { pool, archive, sha256 } = target;
  const { tenant_id: tenantId, day } = row;
  const found = await readManifest(target, { tenantId, day, key: row.manifest_key ?? "", sha256: row.manifest_sha256 ?? undefined });
  if (found.manifest.rows !== row.rows) throw new ArchiveFault(`verify archive: the catalogue has ${row.rows} events, its manifest ${found.manifest.rows}`);
  const readTiles = withArchivedTiles(createArchiveBooks(pool, quiet).tilesOf(tenantId), archive, tenantId);
  for (const [part, file] of found.manifest.files.entries()) {
    const bytes = await archive.get(file.key);
    if (bytes === undefined) throw new ArchiveFault(`read archive file ${file.key}: it is not there`);
    const expected = { tenantId, day, part, rows: file.rows, bytes: file.bytes, sha256: Buffer.from(file.sha256, "hex") };
    await checkArchiveFile(sha256, bytes.slice(), expected, { checkpoint: found.checkpoint, readTiles });
    progress(file.rows);
  }
}

import { Command } from "commander";
import { createPool } from "../../adapters/postgres/pool.ts";
import { type ArchiveOptions, type CatalogueRow, quiet, readCatalogue } from "./archive-target.ts";
import { withExamples } from "./examples.ts";
import { tablePrinter, terminalWidth } from "./table.ts";
import { databaseTarget, withDatabaseTarget } from "./target.ts";

const limit = 10_000;

/** `audit-events archive list`: the catalogue, with what holds an archive up. */
export function archiveListCommand(): Command {
  const command = withDatabaseTarget(new Command("list").description("Say which days are archived, and what is in the way of the others"))
    .option("--tenant <id>", "only this tenant")
    .option("--from <day>", "first UTC day, YYYY-MM-DD")
    .option("--to <day>", "last UTC day, included")
    .option("--json", "answer as JSON")
    .action(list);
  return withExamples(command, "archive list --local .audit", "archive list --from 2026-01-01 --to 2026-01-31 --json");
}

async function list(options: ArchiveOptions): Promise<void> {
  const pool = createPool({ databaseUrl: databaseTarget(options), databasePoolSize: 1 }, quiet);
  try {
    const rows = await readCatalogue(pool, options, limit);
    if (options.json) {
      const shown = rows.map(({ manifest_sha256: hash, ...row }) => ({ ...row, manifest_sha256: hash === null ? null : Buffer.from(hash).toString("hex") }));
      console.log(JSON.stringify({ archives: shown }));
      return;
    }
    const table = tablePrinter<CatalogueRow>([
      { title: "day", least: 10, share: 0, text: (row) => row.day },
      { title: "tenant", least: 36, share: 0, text: (row) => row.tenant_id },
      { title: "state", least: 8, share: 0, text: (row) => row.state },
      { title: "events", least: 9, share: 0, text: (row) => row.rows.toLocaleString("en") },
      { title: "expires or problem", least: 10, share: 1, text: (row) => row.problem ?? row.expires_at?.slice(0, 10) ?? "" },
    ], terminalWidth());
    console.log(rows.length === 0 ? "nothing is archived yet" : [table.header(), ...rows.map(table.row)].join("\n"));
  } finally {
    await pool.end();
  }
}

import { Command } from "commander";
import { createPool } from "../../adapters/postgres/pool.ts";
import { type ArchiveOptions, type CatalogueRow, type OpenDay, quiet, readCatalogue, readOpenDays, withDays } from "./archive-target.ts";
import { withExamples } from "./examples.ts";
import { tablePrinter, terminalWidth } from "./table.ts";
import { databaseTarget, withDatabaseTarget } from "./target.ts";

const limit = 10_000;

/** `audit-events archive list`: the catalogue, with what holds an archive up. */
export function archiveListCommand(): Command {
  const command = withDatabaseTarget(new Command("list").description("Say which days are archived, and what is in the way of the others"));
  withDays(command).action(list);
  return withExamples(command, "archive list --local .audit", "archive list --from 2026-01-01 --to 2026-01-31 --json");
}

async function list(options: ArchiveOptions): Promise<void> {
  const pool = createPool({ databaseUrl: databaseTarget(options), databasePoolSize: 1 }, quiet);
  try {
    const rows = await readCatalogue(pool, options, limit);
    const openDays = await readOpenDays(pool, options, limit);
    if (options.json) {
      const shown = rows.map(({ manifest_sha256: hash, ...row }) => ({ ...row, manifest_sha256: hash === null ? null : Buffer.from(hash).toString("hex") }));
      console.log(JSON.stringify({ archives: shown, kept_open: openDays }));
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
    if (openDays.length > 0) console.log(openText(openDays));
  } finally {
    await pool.end();
  }
}

/** Whoever waits for a day to leave is told why it does not. */
function openText(days: readonly OpenDay[]): string {
  const [first, last] = [days[0]?.day, days.at(-1)?.day];
  const until = days.map((day) => day.until).reduce((latest, time) => time > latest ? time : latest);
  const named = first === last ? `${first} stays` : `${days.length} days from ${first} to ${last} stay`;
  return `${named} open for the import that went into ${days.length === 1 ? "it" : "them"}, until ${until.slice(0, 16).replace("T", " ")} UTC at least`;
}

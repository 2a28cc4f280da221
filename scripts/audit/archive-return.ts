import { Command } from "commander";
import { returnRestoredDays } from "../../adapters/postgres/archive-restore.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { quiet, refuseEmptyRange, utcDay } from "./archive-target.ts";
import { withExamples } from "./examples.ts";
import { CommandError } from "./failure.ts";
import { type DatabaseOptions, databaseTarget, withDatabaseTarget } from "./target.ts";

type Options = DatabaseOptions & { readonly from?: string; readonly to?: string; readonly json?: boolean };

/** `audit-events archive return`: restored days may leave Postgres again. The archiver does the rest, as it did the first time. */
export function archiveReturnCommand(): Command {
  const command = withDatabaseTarget(
    new Command("return").description(
      "Let restored days leave Postgres again, for every tenant that they were restored for, once their archive was checked anew",
    ),
  )
    .option("--from <day>", "first UTC day, YYYY-MM-DD", utcDay)
    .option("--to <day>", "last UTC day, included", utcDay)
    .option("--json", "answer as JSON")
    .action(returnDays);
  return withExamples(command, "archive return --local .audit --from 2026-01-01 --to 2026-01-31");
}

async function returnDays(options: Options): Promise<void> {
  const { from, to } = options;
  if (from === undefined || to === undefined) {
    throw new CommandError("no_range", "return restored days: --from and --to are not both given", "say which days may leave Postgres again");
  }
  refuseEmptyRange(from, to);
  const pool = createPool({ databaseUrl: databaseTarget(options), databasePoolSize: 1 }, quiet);
  try {
    const days = await returnRestoredDays(pool, from, to, quiet);
    if (options.json) console.log(JSON.stringify({ days }));
    else if (days.length === 0) console.log("no day of these is restored");
    else {
      const events = days.reduce((sum, day) => sum + day.events, 0).toLocaleString("en");
      console.log(`${days.length} days with ${events} events leave Postgres when their archives were checked: archive run does it now`);
    }
  } finally {
    await pool.end();
  }
}

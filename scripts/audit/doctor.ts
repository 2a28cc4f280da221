import { join } from "node:path";
import { Command } from "commander";
import { examine } from "../doctor/examine.ts";
import { findingText } from "../doctor/finding.ts";
import { readProject } from "../doctor/read-project.ts";
import { packageFolder } from "../init/source-files.ts";
import { readMigrations } from "../stack/migrate.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";

type Options = { readonly envFile: string; readonly json?: boolean };

/** `audit-events doctor`: everything that must be right before, and stay right after, a deployment to Supabase. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("Check a Supabase project: keys, settings, pooler, names, extensions, bucket, jobs")
    .option("--env-file <file>", "the functions' settings", ".env")
    .option("--json", "print the findings as JSON")
    .action((options: Options) => doctor(options));
  return withExamples(command, "doctor", "doctor --env-file .env.production --json").addHelpText("after", where);
}

const where = `
Where: SUPABASE_PROJECT_REF; with SUPABASE_DB_URL (direct or session pooler,
port 5432) the database too, with SUPABASE_SECRET_KEY the bucket. Changes
nothing. Exit code 1 when something would not work.`;

async function doctor({ envFile, json }: Options): Promise<void> {
  const findings = await examine(await readProject(envFile, process.env), readMigrations(join(packageFolder(), "migrations")));
  const count = (state: string) => findings.filter((finding) => finding.state === state).length;
  const counted = (state: "fault" | "warning") => `${count(state)} ${state}${count(state) === 1 ? "" : "s"}`;
  if (json) console.log(JSON.stringify({ faults: count("fault"), warnings: count("warning"), findings }));
  else console.log(`${findings.map(findingText).join("\n")}\n\n${counted("fault")}, ${counted("warning")}, ${count("pending")} to do`);
  if (count("fault") > 0) process.exitCode = exitCodes.bad;
}

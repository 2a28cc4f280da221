import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { applyPlan } from "../init/apply.ts";
import { planInit } from "../init/plan.ts";
import { showPlan } from "../init/show-plan.ts";
import { packageFolder } from "../init/source-files.ts";
import { withExamples } from "./examples.ts";
import { CommandError } from "./failure.ts";

type Options = { readonly workdir: string; readonly dryRun?: boolean; readonly full?: boolean; readonly update?: boolean };

/** `audit-events init`: adds Audit Events to an existing Supabase project. */
export function initCommand(): Command {
  const command = new Command("init")
    .description("Add the migrations, functions and config lines to a Supabase project")
    .option("--workdir <dir>", "the folder that holds supabase/", ".")
    .option("--dry-run", "show what would be added, and write nothing")
    .option("--full", "show every line instead of every file")
    .option("--update", "replace files of an older version that nobody has edited")
    .action((options: Options) => init(options));
  return withExamples(command, "init --workdir ../my-app --dry-run", "init --workdir ../my-app").addHelpText("after", manners);
}

const manners = `
Nothing of the project is overwritten: what is there with other content stays
and is listed. Run it again after an update of Audit Events: migrations that
are new are added, --update replaces sources that are as we wrote them.`;

function init({ workdir, dryRun = false, full = false, update = false }: Options): void {
  const supabaseFolder = resolve(workdir, "supabase");
  const root = packageFolder();
  if (existsSync(supabaseFolder) && resolve(root, "supabase") === supabaseFolder) {
    throw new CommandError("own_project", "add Audit Events: this is its own project", "name the folder of yours with --workdir");
  }
  const plan = planInit({ supabaseFolder, root, now: new Date(), update });
  console.log(showPlan(plan, readFileSync(join(supabaseFolder, "config.toml"), "utf8"), full));
  const changed = plan.configLines.length > 0 || plan.changes.some(({ state }) => state === "new" || state === "updated");
  if (dryRun || !changed) return;
  applyPlan(supabaseFolder, plan);
  console.log(nextSteps);
}

const nextSteps = `
Next (docs/operations/deploy.md says what each does):
  put settings like those of supabase/audit-events/settings.env.example into a
  file that Git ignores, say .env.audit-events; then, with the same command,
  audit-events doctor --env-file .env.audit-events
  audit-events deploy --env-file .env.audit-events --workdir .`;

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Argument, Command } from "commander";
import type { Deployment } from "../deploy/deployment.ts";
import { needs, type StepName, steps } from "../deploy/steps.ts";
import { readProject } from "../doctor/read-project.ts";
import { vendorFolder } from "../init/config-lines.ts";
import { packageFolder } from "../init/source-files.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { CommandError } from "./failure.ts";
import { interruption } from "./interrupt.ts";

type Options = { readonly envFile: string; readonly workdir?: string; readonly tenant: string; readonly dryRun?: boolean };

const names = Object.keys(steps) as StepName[];

/** `audit-events deploy`: brings a hosted Supabase project to what this version says. */
export function deployCommand(): Command {
  const command = new Command("deploy")
    .description("Deploy to a Supabase project; may be run again at any time")
    .addArgument(new Argument("[steps...]", "only these; all of them, in this order, when none is named").choices(names))
    .option("--env-file <file>", "the functions' settings", ".env")
    .option("--workdir <dir>", "the folder that holds supabase/, when `init` added the log to a project of yours")
    .option("--tenant <name>", "name of the first tenant", "First tenant")
    .option("--dry-run", "show what would be done, and do nothing")
    .action((wanted: readonly StepName[], options: Options) => deploy(wanted, options));
  return withExamples(command, "deploy --dry-run", "deploy", "deploy functions smoke").addHelpText("after", environment);
}

const environment = `
Steps:
  doctor      check settings, keys, database, names; refuse what would not work
  database    apply the migrations that the database does not have yet
  bucket      make the archive's bucket, private
  secrets     give the functions the AUDIT_ lines of the settings
  functions   upload the functions; Supabase bundles them, without Docker
  schedule    tell pg_cron by Vault where the functions are; schedule the jobs
  tenant      make a first tenant with a key, unless the log has tenants
  smoke       post an event, read it back, seal it, verify its receipt

Environment:
  SUPABASE_PROJECT_REF   the project's 20 letters, in its dashboard's address
  SUPABASE_ACCESS_TOKEN  yours, of supabase.com/dashboard/account/tokens
  SUPABASE_DB_URL        direct connection or session pooler (port 5432), with
                         the password of postgres
  SUPABASE_SECRET_KEY    a secret key of the project (Settings, API Keys)
  SUPABASE_URL           the project's URL when it has a domain of its own
  SUPABASE_CLI           the Supabase CLI 3.x, when it is not on the PATH

To roll back, check out the former version and deploy functions smoke.
Migrations only go forward.`;

/** A project without our part would be deployed without a complaint, and without the log. */
function initialised(workdir: string): string {
  const folder = resolve(workdir);
  if (existsSync(join(folder, "supabase", vendorFolder)) || folder === resolve(packageFolder())) return folder;
  throw new CommandError("not_initialised", `read --workdir: ${join(folder, "supabase")} holds no Audit Events`, "run init there first");
}

async function deploy(wanted: readonly StepName[], { envFile, workdir, tenant, dryRun = false }: Options): Promise<void> {
  const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name));
  const deployment: Deployment = {
    workdir: workdir === undefined ? packageFolder() : initialised(workdir),
    project: await readProject(envFile, process.env, chosen.flatMap((name) => needs[name])),
    tenantName: tenant,
    dryRun,
    stop: interruption(),
    say: (line) => console.log(line),
  };
  let name: StepName | undefined;
  try {
    for (name of chosen) {
      deployment.stop.throwIfAborted();
      await steps[name](deployment);
    }
  } catch (fault) {
    // What fails when it is stopped was stopped.
    if (!deployment.stop.aborted) throw fault;
    deployment.say(`Stopped at the step ${name}; the same command goes on: what is done already stays, and the rest follows.`);
    process.exitCode = exitCodes.interrupted;
  }
}

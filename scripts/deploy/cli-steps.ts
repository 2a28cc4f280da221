import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../audit/failure.ts";
import { functionNames, packageFolder } from "../init/source-files.ts";
import { runSupabaseCli } from "../supabase-cli.ts";
import { announce, type Deployment, type Step } from "./deployment.ts";

/** Applies the migrations that the database does not have yet. */
export const deployDatabase: Step = async (deployment) => {
  const url = databaseUrlOf(deployment.project);
  await run(deployment, ["db", "push", `--remote=${url}`, "--yes"], [[url, '"$SUPABASE_DB_URL"']]);
};

/** Gives the functions their settings: by a file, because arguments can be read by everybody on this machine. */
export const deploySecrets: Step = async (deployment) => {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-secrets-"));
  const file = join(folder, "settings.env");
  try {
    const lines = Object.entries(deployment.project.settings).map(([name, value]) => `${name}=${quoted(name, value ?? "")}\n`);
    writeFileSync(file, lines.join(""), { mode: 0o600 });
    await run(deployment, ["secrets", "set", "--env-file", file, `--remote=${refOf(deployment)}`, "--yes"], [[file, "(the AUDIT_ lines of the settings)"]]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Uploads the functions; Supabase bundles them, no Docker is needed. Only ours: a project's others are its own business. */
export const deployFunctions: Step = (deployment) =>
  run(deployment, ["functions", "deploy", ...functionNames(packageFolder()), "--use-api", `--remote=${refOf(deployment)}`, "--yes"]);

/** Runs the CLI in the project, shown as it could be typed; `hidden` are texts in place of which another is shown. */
async function run(deployment: Deployment, args: readonly string[], hidden: readonly (readonly [string, string])[] = []): Promise<void> {
  const shown = args.map((arg) => hide(arg, hidden));
  if (!announce(deployment, `supabase ${shown.join(" ")}`)) return;
  try {
    const { stdout, stderr } = await runSupabaseCli(args, { cwd: deployment.workdir });
    // Its progress and its warnings go to standard error.
    const printed = hide(`${stderr}${stdout}`.trim(), hidden);
    if (printed !== "") deployment.say(printed.replaceAll(/^/gm, "  "));
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
    const printed = hide(`${stdout}${stderr}`.trim(), hidden);
    throw new CommandError("cli_failed", `run supabase ${shown.slice(0, 2).join(" ")}: it failed:\n${printed || (error as Error).message.split("\n")[0]}`);
  }
}

function hide(text: string, hidden: readonly (readonly [string, string])[]): string {
  return hidden.reduce((shown, [secret, name]) => shown.replaceAll(secret, name), text);
}

function refOf({ project }: Deployment): string {
  if (project.ref !== undefined) return project.ref;
  throw new CommandError("no_project", "find project: SUPABASE_PROJECT_REF is not set", "export it: the 20 letters of the dashboard's address");
}

/** The connection of the steps that need a database. */
export function databaseUrlOf(project: Deployment["project"]): string {
  if (project.databaseUrl !== undefined) return project.databaseUrl;
  throw new CommandError("no_database", "find database: SUPABASE_DB_URL is not set", "export the direct connection's URL, or the session pooler's (port 5432)");
}

/** A value as the CLI reads it back: in single quotes nothing is special, so one that holds one cannot be written. */
function quoted(name: string, value: string): string {
  if (!/['\r\n]/.test(value)) return `'${value}'`;
  throw new CommandError("invalid_setting", `write ${name}: it holds a quote or a line break`, "choose a value without");
}

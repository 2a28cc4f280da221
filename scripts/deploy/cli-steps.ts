import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../audit/failure.ts";
import type { Project } from "../doctor/examine.ts";
import { functionNames, packageFolder } from "../init/source-files.ts";
import { type CliOptions, runSupabaseCli } from "../supabase-cli.ts";
import { announce, type Deployment, type Step } from "./deployment.ts";

/** Applies the migrations that the database does not have yet. The password goes by the environment: everybody on this machine can read arguments. */
export const deployDatabase: Step = async (deployment) => {
  const { url, password } = withoutPassword(databaseUrlOf(deployment.project));
  const env = password === "" ? {} : { PGPASSWORD: password };
  // A migration that writes all hot events anew takes as long as it takes.
  await run(deployment, ["db", "push", `--remote=${url}`, "--yes"], { hidden: [[url, '"$SUPABASE_DB_URL"']], env, timeoutMs: 0 });
};

function withoutPassword(text: string): { readonly url: string; readonly password: string } {
  const url = new URL(text);
  const password = decodeURIComponent(url.password);
  url.password = "";
  return { url: url.href, password };
}

/** Gives the functions their settings: by a file, for the same reason. */
export const deploySecrets: Step = async (deployment) => {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-secrets-"));
  const file = join(folder, "settings.env");
  try {
    writeFileSync(file, settingLines(deployment.project).join(""), { mode: 0o600 });
    const hidden = [[file, "(the AUDIT_ lines of the settings)"]] as const;
    await run(deployment, ["secrets", "set", "--env-file", file, `--remote=${refOf(deployment.project)}`, "--yes"], { hidden });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Uploads the functions; Supabase bundles them, no Docker is needed. Only ours: a project's others are its own business. */
export const deployFunctions: Step = (deployment) =>
  run(deployment, ["functions", "deploy", ...functionNames(packageFolder()), "--use-api", `--remote=${refOf(deployment.project)}`, "--yes"], {
    timeoutMs: functionsTimeoutMs,
  });

/** Supabase bundles them one after the other. */
const functionsTimeoutMs = 15 * 60_000;

/** Texts that are not shown, and what is in their place. */
type Hidden = readonly (readonly [text: string, name: string])[];

type RunOptions = Pick<CliOptions, "env" | "timeoutMs"> & { readonly hidden?: Hidden };

/** Runs the CLI in the project, shown as it could be typed. */
async function run(deployment: Deployment, args: readonly string[], { hidden = [], ...options }: RunOptions): Promise<void> {
  const shown = args.map((arg) => hide(arg, hidden));
  if (!announce(deployment, `supabase ${shown.join(" ")}`)) return;
  try {
    const { stdout, stderr } = await runSupabaseCli(args, { cwd: deployment.workdir, signal: deployment.stop, ...options });
    // Its progress and its warnings go to standard error.
    const printed = hide(`${stderr}${stdout}`.trim(), hidden);
    if (printed !== "") deployment.say(printed.replaceAll(/^/gm, "  "));
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
    const printed = hide(`${stdout}${stderr}`.trim(), hidden);
    const what = `run supabase ${shown.slice(0, 2).join(" ")}: it failed:\n${printed || (error as Error).message.split("\n")[0]}`;
    throw new CommandError("cli_failed", what, "mend what it says and run the same command again: what is done already stays, and the rest follows");
  }
}

function hide(text: string, hidden: Hidden): string {
  return hidden.reduce((shown, [secret, name]) => shown.replaceAll(secret, name), text);
}

/** The project as the CLI names it. */
export function refOf(project: Project): string {
  if (project.ref !== undefined) return project.ref;
  throw new CommandError("no_project", "find project: SUPABASE_PROJECT_REF is not set", "export it: the 20 letters of its dashboard's address");
}

/** The connection of the steps that need a database. */
export function databaseUrlOf({ databaseUrl }: Project): string {
  if (databaseUrl === undefined) {
    throw new CommandError(
      "no_database",
      "find database: SUPABASE_DB_URL is not set",
      "export the direct connection's URL, or the session pooler's (port 5432)",
    );
  }
  try {
    withoutPassword(databaseUrl);
    return databaseUrl;
  } catch {
    throw new CommandError("no_database", "read SUPABASE_DB_URL: it is not a URL", "write characters such as @ / # % in its password as %40 %2F %23 %25");
  }
}

/** The settings as a file that the CLI reads. */
export function settingLines({ settings }: Project): readonly string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${quoted(name, value ?? "")}\n`);
}

/** A value as the CLI reads it back: in these quotes nothing is special, but for a backslash in the last. */
function quoted(name: string, value: string): string {
  const quote = ["'", "`", '"'].find((mark) => !value.includes(mark) && !(mark === '"' && value.includes("\\")));
  if (quote !== undefined && !value.includes("\r")) return `${quote}${value}${quote}`;
  throw new CommandError("invalid_setting", `write ${name}: it holds quotes of every kind, or a carriage return`, "choose a value without");
}

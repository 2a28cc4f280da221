import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { CommandError, explain, type Failure } from "../audit/failure.ts";
import { checkSettings } from "./check-settings.ts";
import type { Project } from "./examine.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads what is needed of the project, and throws a CommandError when it is not there; may give a promise. */
export type Need = (project: Project) => unknown;

/**
 * The project that the shell's SUPABASE_ variables name, with the functions' settings in `envFile`. Throws one CommandError with everything that is
 * missing or malformed, of what each project needs and of `needs`: whoever sets a project up mends all of it at once.
 */
export async function readProject(envFile: string, shell: Environment, needs: readonly Need[] = []): Promise<Project> {
  const ref = shell["SUPABASE_PROJECT_REF"] || undefined;
  const url = shell["SUPABASE_URL"] || (ref === undefined ? "" : `https://${ref}.supabase.co`);
  const faults = new Map<string, Failure>();
  const attempt = async <T>(read: () => T): Promise<Awaited<T> | undefined> => {
    try {
      return await read();
    } catch (fault) {
      const failure = explain(fault);
      // By code: what nobody set is told once, whoever needs it.
      if (!faults.has(failure.code)) faults.set(failure.code, failure);
      return undefined;
    }
  };
  await attempt(() => checkAddress(ref, url));
  const settings = await attempt(() => readSettingsFile(envFile));
  const project = {
    ref,
    url: url.replace(/\/+$/, ""),
    databaseUrl: shell["SUPABASE_DB_URL"] || undefined,
    secretKey: shell["SUPABASE_SECRET_KEY"] || shell["AUDIT_SECRET_KEY"] || undefined,
    settings: settings ?? {},
  };
  for (const need of needs) await attempt(() => need(project));
  if (faults.size === 0) return project;
  const lines = [...faults.values()].map(({ message, hint }) => `${message}: ${hint}`);
  const told = new Set(lines.map(nameIn));
  if (settings !== undefined) lines.push(...(await settingFaults(settings)).filter((line) => !told.has(nameIn(line))));
  throw new CommandError(
    "missing_settings",
    `read settings:\n${lines.map((line) => `  ${line}`).join("\n")}`,
    "nothing was done: mend all of it, then run the same command again",
  );
}

function checkAddress(ref: string | undefined, url: string): void {
  if (ref !== undefined && !/^[a-z]{20}$/.test(ref)) {
    throw new CommandError("no_project", "read SUPABASE_PROJECT_REF: it is not the project's 20 letters", "copy them from its dashboard's address");
  }
  if (url === "") throw new CommandError("no_project", "find project: SUPABASE_PROJECT_REF is not set", "export it: the 20 letters of its dashboard's address");
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) {
    throw new CommandError("no_project", "read SUPABASE_URL: it is not an http or https URL", "give it whole, or leave it to SUPABASE_PROJECT_REF");
  }
}

/** The setting that a line of ours begins with. */
function nameIn(line: string): string {
  return line.split(":")[0] ?? "";
}

/** What the functions would refuse at their start; of the project's address that is told already. */
async function settingFaults(settings: Environment): Promise<readonly string[]> {
  const findings = await checkSettings(settings, "https://of.the.project", undefined);
  return findings.filter(({ state }) => state === "fault").map(({ detail, remedy }) => remedy === undefined ? detail : `${detail}: ${remedy}`);
}

/** The lines of an environment file that are ours to give: Supabase sets its own names and refuses them. Empty values count as absent. */
function readSettingsFile(file: string): Environment {
  if (!existsSync(file)) {
    throw new CommandError("no_settings", `read ${file}: there is no such file`, "copy .env.example and fill it in, or name another with --env-file");
  }
  return Object.fromEntries(Object.entries(parseEnv(readFileSync(file, "utf8"))).filter(([name, value]) => name.startsWith("AUDIT_") && value !== ""));
}

import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { CommandError } from "../audit/failure.ts";
import type { Project } from "./examine.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The project that the shell's SUPABASE_ variables name, with the functions' settings in `envFile`. */
export function readProject(envFile: string, shell: Environment): Project {
  const ref = shell["SUPABASE_PROJECT_REF"] || undefined;
  if (ref !== undefined && !/^[a-z]{20}$/.test(ref)) {
    throw new CommandError("invalid_ref", "read SUPABASE_PROJECT_REF: it is not the project's 20 letters", "copy them from its dashboard's address");
  }
  const url = shell["SUPABASE_URL"] || (ref === undefined ? undefined : `https://${ref}.supabase.co`);
  if (url === undefined) {
    throw new CommandError("no_project", "find project: neither SUPABASE_PROJECT_REF nor SUPABASE_URL is set", "export SUPABASE_PROJECT_REF=…, its 20 letters");
  }
  return {
    ref,
    url: url.replace(/\/+$/, ""),
    databaseUrl: shell["SUPABASE_DB_URL"] || undefined,
    secretKey: shell["SUPABASE_SECRET_KEY"] || shell["AUDIT_SECRET_KEY"] || undefined,
    settings: readSettingsFile(envFile),
  };
}

/** The lines of an environment file that are ours to give: Supabase sets its own names and refuses them. Empty values count as absent. */
function readSettingsFile(file: string): Environment {
  if (!existsSync(file)) {
    throw new CommandError("no_settings", `read ${file}: there is no such file`, "copy .env.example and fill it in, or name another with --env-file");
  }
  return Object.fromEntries(Object.entries(parseEnv(readFileSync(file, "utf8"))).filter(([name, value]) => name.startsWith("AUDIT_") && value !== ""));
}

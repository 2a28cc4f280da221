import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { auditApiUrl } from "../../sdk/src/options.ts";
import { parseUuid } from "../../core/format/uuid7.ts";
import { CommandError } from "./failure.ts";

/** `<data>/local.json` of a local stack. `database_url` is the superuser's. */
export type LocalFile = {
  readonly url: string;
  readonly functions_url: string;
  readonly api_url: string;
  readonly database_url: string;
  readonly secret_key: string;
  readonly anon_key: string;
  readonly log_key: string;
  readonly tenants: readonly LocalTenant[];
};

export type LocalTenant = {
  readonly id: string;
  readonly name: string;
  readonly api_keys: Readonly<Record<Scope, string>>;
  readonly tokens: Readonly<Record<"viewer" | "auditor" | "admin", string>>;
};

export type Scope = "ingest" | "read" | "export" | "admin";

export type TargetOptions = { readonly local?: string; readonly tenant?: string };
export type DatabaseOptions = TargetOptions & { readonly database?: string };
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the API is, as whom we ask, and about which tenant; without a tenant the credential's only one is meant. */
export type ApiTarget = { readonly apiUrl: string; readonly credential: string; readonly tenantId: string | undefined };

const targetHelp = `
Where: --local, or else AUDIT_API_URL (the service itself) or AUDIT_URL (the
Supabase project) with a key or token in AUDIT_API_KEY.`;

const functionHelp = `
Where: --local, or else AUDIT_URL (the Supabase project) with a secret key
(sb_secret_...) in AUDIT_SECRET_KEY or SUPABASE_SECRET_KEY.`;

const databaseHelp = `
Where: --local or --database, or else AUDIT_DATABASE_URL or SUPABASE_DB_URL.`;

/** Gives a command the options that say which API it asks. */
export function withApiTarget(command: Command): Command {
  return command.option("--local <dir>", "the local stack whose local.json is in this folder")
    .option("--tenant <id>", "tenant to ask about (with --local also by its name)").addHelpText("after", targetHelp);
}

/** Gives a command the option that says which project's functions it calls. */
export function withFunctionTarget(command: Command): Command {
  return command.option("--local <dir>", "the local stack whose local.json is in this folder").addHelpText("after", functionHelp);
}

/** Gives a command the options that say which database it works on. */
export function withDatabaseTarget(command: Command): Command {
  return command.option("--local <dir>", "the local stack whose local.json is in this folder")
    .option("--database <url>", "URL of the log's database").addHelpText("after", databaseHelp);
}

/** The API that the options or the environment name, with a credential that has `scope` where we can choose one. */
export function apiTarget(options: TargetOptions, scope: Scope, environment: Environment = process.env): ApiTarget {
  if (options.local !== undefined) {
    const local = readLocalFile(options.local);
    const tenant = localTenant(local, options.tenant);
    return { apiUrl: local.api_url, credential: tenant.api_keys[scope], tenantId: tenant.id };
  }
  const url = projectUrlIn(environment);
  const apiUrl = addressIn(environment, "AUDIT_API_URL");
  const credential = filled(environment["AUDIT_API_KEY"]);
  if (url === undefined && apiUrl === undefined) {
    throw new CommandError("no_target", "find service: neither --local nor an address is given", "give --local .audit, or set AUDIT_API_URL and AUDIT_API_KEY");
  }
  if (credential === undefined) {
    throw new CommandError("no_credential", "find credential: AUDIT_API_KEY is not set", `set it to a key with the scope ${scope}, or to a user's token`);
  }
  return { apiUrl: auditApiUrl({ url, apiUrl }), credential, tenantId: options.tenant === undefined ? undefined : tenantUuid(options.tenant) };
}

/** Where the project's functions are, with its secret key: for calls that only a scheduler makes otherwise. */
export function functionTarget(options: { readonly local?: string }, environment: Environment = process.env): ApiTarget {
  if (options.local !== undefined) {
    const local = readLocalFile(options.local);
    return { apiUrl: local.functions_url, credential: local.secret_key, tenantId: undefined };
  }
  const url = projectUrlIn(environment);
  const credential = secretKeyIn(environment);
  if (url === undefined || credential === undefined) {
    throw new CommandError(
      "no_target",
      "find project: neither --local nor an address with a key is given",
      "give --local .audit, or set AUDIT_URL and AUDIT_SECRET_KEY (or SUPABASE_URL and SUPABASE_SECRET_KEY)",
    );
  }
  return { apiUrl: `${url.replace(/\/+$/, "")}/functions/v1`, credential, tenantId: undefined };
}

/** The project's address, under our name or Supabase's. */
export function projectUrlIn(environment: Environment): string | undefined {
  return addressIn(environment, "AUDIT_URL") ?? addressIn(environment, "SUPABASE_URL");
}

/** The project's secret key, under our name or the one that a deployment has it under. */
export function secretKeyIn(environment: Environment): string | undefined {
  return filled(environment["AUDIT_SECRET_KEY"]) ?? filled(environment["SUPABASE_SECRET_KEY"]);
}

/** True when the environment names a database. */
export function hasDatabase(environment: Environment = process.env): boolean {
  return filled(environment["AUDIT_DATABASE_URL"]) !== undefined || filled(environment["SUPABASE_DB_URL"]) !== undefined;
}

/** URL of the database that the options or the environment name. */
export function databaseTarget(options: DatabaseOptions, environment: Environment = process.env): string {
  if (options.local !== undefined && options.database !== undefined) {
    throw new CommandError("two_targets", "find database: --local and --database are both given", "give one of them");
  }
  if (options.local !== undefined) return readLocalFile(options.local).database_url;
  const fromEnvironment = ["AUDIT_DATABASE_URL", "SUPABASE_DB_URL"].map((name) => [name, filled(environment[name])] as const);
  // An option that is there and empty is a variable of the shell that was not set: another database than the one meant must not take its place.
  const [name, url] = [["--database", options.database?.trim()] as const, ...fromEnvironment].find(([, given]) => given !== undefined) ?? [];
  if (url === undefined) {
    throw new CommandError("no_target", "find database: none is given", "give --local .audit or --database URL, or set AUDIT_DATABASE_URL");
  }
  // The driver would take such a text for something, and complain of a host that nobody named. The text itself may hold the password.
  if (/^postgres(ql)?:\/\/[^]/.test(url) && URL.canParse(url)) return url;
  throw new CommandError(
    "invalid_address",
    `read ${name}: it is not a URL like postgresql://user:password@host:5432/database`,
    "in its password write @ / # % as %40 %2F %23 %25",
  );
}

/** The local stack's file; says what to do when there is none. */
export function readLocalFile(folder: string): LocalFile {
  const file = join(folder, "local.json");
  if (!existsSync(file)) {
    throw new CommandError(
      "no_local_stack",
      `read --local ${folder}: no local.json is in ${resolve(folder)}`,
      "start a stack on it (npm start -- --data DIR), or name the folder of one: .audit unless you chose another",
    );
  }
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LocalFile;
  } catch (cause) {
    throw new CommandError(
      "no_local_stack",
      `read --local ${folder}: ${file} is not JSON or not readable`,
      "start the stack again: it writes the file anew",
      cause,
    );
  }
}

/** A tenant of the local stack by id or name, the first one when none is named. */
export function localTenant(local: LocalFile, named: string | undefined): LocalTenant {
  const wanted = named?.toLowerCase();
  const found = wanted === undefined ? local.tenants[0] : local.tenants.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  const known = local.tenants.map(({ id, name }) => `${id} (${name})`).join(", ");
  throw new CommandError("unknown_tenant", "find tenant: the local stack has no keys for it", `its tenants are ${known}`);
}

/** A tenant's id as it is stored. */
export function tenantUuid(text: string): string {
  const id = parseUuid(text);
  if (id === undefined) {
    throw new CommandError("invalid_tenant", "read --tenant: it is not a UUID", "give the tenant's id, such as 123e4567-e89b-12d3-a456-426614174000");
  }
  return id;
}

/** An address of HTTP in the environment. */
function addressIn(environment: Environment, name: string): string | undefined {
  const url = filled(environment[name]);
  if (url === undefined || /^https?:\/\/./.test(url) && URL.canParse(url)) return url;
  throw new CommandError("invalid_address", `read ${name}: it is not an http or https URL`, "give it whole, such as https://abcdefghijklmnopqrst.supabase.co");
}

function filled(text: string | undefined): string | undefined {
  return text?.trim() || undefined;
}

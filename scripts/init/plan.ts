import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configTables, missingConfigLines, vendorFolder } from "./config-lines.ts";
import { functionFiles, functionNames, migrationFiles, type SourceFile } from "./source-files.ts";

/**
 * What is to become of one file of the project. `same`: it is already as it should be. `kept`: it is there with other content, and stays. `updated`: it is
 * there as an earlier version of ours wrote it, and nobody has touched it since.
 */
export type Change = { readonly path: string; readonly state: "new" | "same" | "kept" | "updated"; readonly content: string };

export type Plan = {
  /** Paths are relative to the project's `supabase` folder. */
  readonly changes: readonly Change[];
  /** Lines to append to config.toml. */
  readonly configLines: readonly string[];
  /** What the manifest will say. */
  readonly manifest: string;
};

export type PlanOptions = { readonly supabaseFolder: string; readonly root: string; readonly now: Date; readonly update: boolean };

const manifestPath = `${vendorFolder}/manifest.json`;

/** Compares a project with this version. Reads only. Throws, before anything is written, when a name is taken. */
export function planInit({ supabaseFolder, root, now, update }: PlanOptions): Plan {
  const config = readConfig(supabaseFolder);
  for (const name of functionNames(root)) {
    if (existsSync(join(supabaseFolder, "functions", name))) {
      throw new Error(`add function ${name}: the project has one of this name in supabase/functions: rename it first`);
    }
  }
  const configLines = missingConfigLines(config, configTables(functionNames(root)));
  const written = readManifest(supabaseFolder);
  const vendored = functionFiles(root).map(({ path, content }) => ({ path: vendoredPath(path), content }));
  const changes = [
    ...placeMigrations(supabaseFolder, migrationFiles(root), now),
    ...vendored.map((file) => changeOf(supabaseFolder, file, update ? written.get(file.path) : undefined)),
  ];
  const ours = changes.filter(({ path, state }) => path.startsWith(vendorFolder) && state !== "kept");
  const kept = changes.filter(({ path, state }) => written.has(path) && state === "kept").map((
    { path },
  ): [string, string] => [path, written.get(path) as string]);
  const hashes = Object.fromEntries([...kept, ...ours.map(({ path, content }): [string, string] => [path, sha256(content)])].sort());
  return { changes, configLines, manifest: `${JSON.stringify({ files: hashes }, null, 2)}\n` };
}

/** Path of the manifest below the `supabase` folder: hashes of what we wrote, which tell a file that somebody edited from one of an older version. */
export { manifestPath };

function readConfig(supabaseFolder: string): string {
  const file = join(supabaseFolder, "config.toml");
  if (existsSync(file)) return readFileSync(file, "utf8");
  const other = ["config.json", "config.jsonc"].find((name) => existsSync(join(supabaseFolder, name)));
  throw new Error(
    other === undefined
      ? `read ${file}: there is none: run this in the folder of a Supabase project, or \`supabase init\` first`
      : `read ${file}: the project has ${other} instead, which this command cannot add to: copy the tables of our supabase/config.toml by hand`,
  );
}

/** `supabase/deno.json` and `.env.example` lie beside the sources; the name of the latter must not be taken for the project's own settings. */
function vendoredPath(path: string): string {
  return `${vendorFolder}/${path === "supabase/deno.json" ? "deno.json" : path === ".env.example" ? "settings.env.example" : path}`;
}

function changeOf(supabaseFolder: string, file: SourceFile, writtenHash: string | undefined): Change {
  const target = join(supabaseFolder, file.path);
  if (!existsSync(target)) return { ...file, state: "new" };
  // Git on Windows gives files its line ends; they are ours all the same.
  const present = readFileSync(target, "utf8").replaceAll("\r\n", "\n");
  if (present === file.content) return { ...file, state: "same" };
  return { ...file, state: writtenHash === sha256(present) ? "updated" : "kept" };
}

/**
 * A migration gets a version of its own in the project, after all that are there: `supabase db push` refuses one that is older than what it has applied.
 * By the rest of its name it is known again, and then it stays, whatever it holds: an applied migration never changes.
 */
function placeMigrations(supabaseFolder: string, migrations: readonly SourceFile[], now: Date): readonly Change[] {
  const folder = join(supabaseFolder, "migrations");
  const present = existsSync(folder) ? readdirSync(folder).sort() : [];
  let version = present.filter((name) => /^\d{14}_/.test(name)).at(-1)?.slice(0, 14) ?? "";
  return migrations.map(({ path, content }) => {
    const suffix = `_audit_log_${path.slice("migrations/".length + 15)}`;
    const known = present.find((name) => name.slice(14) === suffix);
    if (known !== undefined) return changeOf(supabaseFolder, { path: `migrations/${known}`, content }, undefined);
    version = laterVersion(version, now);
    return { path: `migrations/${version}${suffix}`, content, state: "new" };
  });
}

/** Now, or one second after `version`, whichever is later: `YYYYMMDDhhmmss`, as the CLI names migrations. */
function laterVersion(version: string, now: Date): string {
  const digits = (time: Date) => time.toISOString().replaceAll(/\D/g, "").slice(0, 14);
  if (version < digits(now)) return digits(now);
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version) ?? [];
  const next = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second) + 1));
  return digits(next) > version ? digits(next) : String(BigInt(version) + 1n);
}

function readManifest(supabaseFolder: string): ReadonlyMap<string, string> {
  const file = join(supabaseFolder, manifestPath);
  if (!existsSync(file)) return new Map();
  return new Map(Object.entries((JSON.parse(readFileSync(file, "utf8")) as { readonly files: Record<string, string> }).files));
}

function sha256(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

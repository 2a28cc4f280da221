import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { runSupabaseCli } from "../supabase-cli.ts";
import { projectFolder } from "../stack/deno-process.ts";

const header = "// The schema audit_log as types, by `supabase gen types`. Made by `npm run schema`, compared by a test; never edited.\n";

/** What `supabase gen types` makes of schema `audit_log` in the database at `url`, on this machine, formatted as the rest of the project. */
export async function generateDatabaseTypes(url: string): Promise<string> {
  // A database without TLS that was not asked for makes the CLI print a warning among the types.
  const { stdout } = await runSupabaseCli(["gen", "types", "--remote", url, "--schema", "audit_log"], { cwd: tmpdir(), env: { PGSSLMODE: "disable" } });
  const formatted = spawnSync("deno", ["fmt", "--ext", "ts", "-"], { cwd: projectFolder, input: header + stdout, encoding: "utf8" });
  if (formatted.status !== 0) throw new Error(`generate database types: deno fmt failed: ${formatted.stderr}`, { cause: formatted.error });
  return formatted.stdout;
}

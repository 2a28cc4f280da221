import { tmpdir } from "node:os";
import { findSupabaseCli, runSupabaseCli } from "../supabase-cli.ts";
import { finder, type Finding } from "./finding.ts";

/** The Supabase CLI that deploys: 3.x asks before it touches a hosted project and takes `--remote`; 2.x would go to another place. */
export async function checkCli(): Promise<readonly Finding[]> {
  const { ok, fault } = finder("Supabase CLI");
  if (findSupabaseCli() === undefined) return [fault("is not installed", "npm ci has it on Linux x64; elsewhere put version 3.x on the PATH")];
  try {
    const version = (await runSupabaseCli(["--version"], { cwd: tmpdir() })).stdout.trim();
    return [version.startsWith("3.") ? ok(version) : fault(`is version ${version}: 3.x is needed`, "npm ci has it on Linux x64; or set SUPABASE_CLI")];
  } catch (error) {
    return [fault(`does not start: ${(error as Error).message.split("\n")[0]}`, "set SUPABASE_CLI to its path")];
  }
}

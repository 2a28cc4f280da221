import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { projectFolder } from "./stack/deno-process.ts";

const installed = join(projectFolder, "node_modules/@supabase/cli-linux-x64/bin/supabase");

/** The Supabase CLI: the one that SUPABASE_CLI names, the one of npm (Linux x64), or the one on the PATH; undefined when there is none. */
export function findSupabaseCli(env: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  if (env["SUPABASE_CLI"]) return env["SUPABASE_CLI"];
  const onPath = (env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "supabase"));
  return [installed, ...onPath].find((file) => existsSync(file));
}

export type CliOptions = {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** After this it is ended as well; two minutes. 0: never. */
  readonly timeoutMs?: number;
};

/** Runs the CLI quietly: without telemetry, without a word of newer versions, and with plain output whoever started us. Throws with what it printed. */
export async function runSupabaseCli(args: readonly string[], { cwd, signal, timeoutMs = 120_000, ...options }: CliOptions) {
  const cli = findSupabaseCli();
  if (cli === undefined) throw new Error("find the Supabase CLI: it is not installed: npm ci has it on Linux x64, elsewhere put version 3.x on the PATH");
  const env = { ...process.env, SUPABASE_TELEMETRY_DISABLED: "1", SUPABASE_NO_UPDATE_NOTIFIER: "1", ...options.env };
  return await promisify(execFile)(cli, [...args, "--agent", "no"], {
    cwd,
    env,
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
    ...signal === undefined ? {} : { signal },
  });
}

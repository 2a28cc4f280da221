import { vi } from "vitest";
import { runProgram } from "../../scripts/audit/program.ts";
import type { CommandRun } from "./run-command.ts";

/**
 * Runs the command in this process, without the half second that one of its own costs: for what is not about the process. One at a time, since it
 * prints on this process's standard output.
 */
export async function runHere(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<CommandRun> {
  let [out, err] = ["", ""];
  vi.spyOn(console, "log").mockImplementation((text: string) => void (out += `${text}\n`));
  vi.spyOn(console, "error").mockImplementation((text: string) => void (err += `${text}\n`));
  // Commander's own complaints.
  vi.spyOn(process.stderr, "write").mockImplementation((text) => (err += text) !== "");
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    return { status: await runProgram(args), signal: null, out, err };
  } finally {
    process.exitCode = undefined;
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  }
}

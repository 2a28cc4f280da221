import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs the operator's command in a process of its own, with nothing of our environment but PATH: its exit code, and its answer as JSON. */
export async function audit(...args: readonly string[]): Promise<{ readonly code: number; readonly answer: Record<string, unknown> }> {
  const run = promisify(execFile)(process.execPath, ["scripts/audit.ts", ...args, "--json"], { env: { PATH: process.env["PATH"] ?? "" } });
  const { code, stdout } = await run.then(({ stdout }) => ({ code: 0, stdout }), (fault: { code: number; stdout: string }) => fault);
  return { code, answer: JSON.parse(stdout) };
}

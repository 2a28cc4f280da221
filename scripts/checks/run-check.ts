import { spawn } from "node:child_process";

/** One thing that `npm test` asks: a command that must end with status 0. */
export type Check = { readonly name: string; readonly command: string; readonly args: readonly string[] };

export type CheckResult = { readonly name: string; readonly passed: boolean; readonly output: string; readonly seconds: number };

/** Runs `check` in `folder` and keeps what it prints. A command that cannot be started has failed. */
export function runCheck(check: Check, folder: string): Promise<CheckResult> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const child = spawn(check.command, check.args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => output += text);
    const finish = (passed: boolean) => resolve({ name: check.name, passed, output, seconds: (performance.now() - startedAt) / 1000 });
    child.once("error", (error) => {
      output += error.message;
      finish(false);
    });
    child.once("close", (code) => finish(code === 0));
  });
}

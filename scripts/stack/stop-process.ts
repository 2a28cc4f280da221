import type { ChildProcess } from "node:child_process";

/** Asks `child` to end with `signal`, kills it after `graceMs`, and resolves once it has ended: nobody is left to hold a port or a file. */
export async function stopProcess(child: ChildProcess, ended: Promise<unknown>, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await ended;
  clearTimeout(timer);
}

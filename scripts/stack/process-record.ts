import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** A process that must not outlive us. `birth` tells it from a later process that got the same number. */
export type RecordedProcess = { readonly name: string; readonly pid: number; readonly birth: string; readonly folders?: readonly string[] };

export type ProcessRecord = {
  add(name: string, pid: number, folders?: readonly string[]): void;
  remove(pid: number): void;
  /** Kills at once all of them but ourselves: for an exit that cannot wait. */
  killAll(): void;
  /** Forgets everything: after a clean end. */
  clear(): void;
};

/** When process `pid` began, in a form that no other process of this machine shares; undefined when there is none. A zombie has ended. */
export function birthOf(pid: number): string | undefined {
  if (process.platform !== "linux") {
    const output = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim();
    return output ? output : undefined;
  }
  const fields = statusFields(pid);
  return fields === undefined || fields[0] === "Z" ? undefined : `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()}:${fields[19]}`;
}

/** The process that started `pid`; undefined when there is no such process, and outside Linux. */
export function parentOf(pid: number): number | undefined {
  const fields = statusFields(pid);
  return fields === undefined ? undefined : Number(fields[1]);
}

/** The fields of proc(5)'s stat after the name, which stands in brackets and may hold anything: state, parent, …, start time as the 20th. */
function statusFields(pid: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ");
  } catch {
    return undefined;
  }
}

/** The processes noted in `file` that still live. */
export function livingProcesses(file: string): readonly RecordedProcess[] {
  return read(file).filter((entry) => birthOf(entry.pid) === entry.birth);
}

/**
 * A record of our processes in `file`, written before anything else is done with a new process: what is killed with `kill -9` cannot clean up
 * after itself, so the next start does it from here.
 */
export function openProcessRecord(file: string): ProcessRecord {
  const entries = new Map<number, RecordedProcess>();
  const write = () => {
    writeFileSync(`${file}.new`, JSON.stringify([...entries.values()]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  return {
    add(name, pid, folders = []) {
      const birth = birthOf(pid);
      if (birth === undefined) return;
      entries.set(pid, { name, pid, birth, folders });
      write();
    },
    remove(pid) {
      if (entries.delete(pid)) write();
    },
    killAll() {
      for (const { pid, birth } of entries.values()) {
        if (pid !== process.pid && birthOf(pid) === birth) sendSignal(pid, "SIGKILL");
      }
    },
    clear() {
      entries.clear();
      rmSync(file, { force: true });
    },
  };
}

/**
 * Ends what an earlier run noted in `file` and left behind: politely, after `graceMs` by force; temporary folders go as well. Returns the names of what
 * still ran.
 */
export async function endLeftovers(file: string, graceMs = 10_000): Promise<readonly string[]> {
  const entries = read(file);
  const living = livingProcesses(file);
  for (const [signal, waitMs] of [["SIGINT", graceMs], ["SIGKILL", 10_000]] as const) {
    for (const entry of livingProcesses(file)) sendSignal(entry.pid, signal);
    await until(() => livingProcesses(file).length === 0, waitMs);
  }
  const stubborn = livingProcesses(file).map((entry) => `${entry.name} (process ${entry.pid})`);
  if (stubborn.length > 0) throw new Error(`end what an earlier run left: still running: ${stubborn.join(", ")}`);
  for (const folder of entries.flatMap((entry) => entry.folders ?? [])) rmSync(folder, { recursive: true, force: true });
  rmSync(file, { force: true });
  return living.map((entry) => entry.name);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

async function until(condition: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

function read(file: string): readonly RecordedProcess[] {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return [];
  }
}

import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { birthOf } from "./process-record.ts";

/**
 * Makes a cluster startable whose server was killed. PostgreSQL refuses as long as the process named in postmaster.pid exists, and it takes for
 * that process a zombie which nobody has reaped, or a stranger that got its number after a reboot. The lock also guards against processes of the
 * old server that still write, so these are ended first, and it is removed only where PostgreSQL would refuse in error. Linux only: elsewhere
 * PostgreSQL's own check stands.
 */
export async function clearStaleLock(cluster: string): Promise<void> {
  const lock = join(cluster, "postmaster.pid");
  if (process.platform !== "linux" || !existsSync(lock)) return;
  const deadline = performance.now() + 20_000;
  let signal: NodeJS.Signals = "SIGINT";
  for (let pids = processesIn(cluster); pids.length > 0; pids = processesIn(cluster)) {
    if (performance.now() > deadline) throw new Error(`start PostgreSQL: processes of an earlier one will not end: ${pids.join(", ")}`);
    if (performance.now() > deadline - 10_000) signal = "SIGKILL";
    for (const pid of pids) send(pid, signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, "utf8").split("\n")[0]);
  if (existsSync(`/proc/${pid}`)) rmSync(lock, { force: true });
}

/** Every process of a server works in its cluster's folder. */
function processesIn(cluster: string): readonly number[] {
  const folder = realpathSync(cluster);
  return readdirSync("/proc").map(Number).filter((pid) => {
    if (!Number.isInteger(pid) || pid === process.pid || birthOf(pid) === undefined) return false;
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("postgres");
    } catch {
      // It ended meanwhile, or belongs to another account and is none of ours.
      return false;
    }
  });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

import { readdirSync, readFileSync } from "node:fs";

/** CPU seconds and resident memory of one process, or of a process and all its children added up. */
export type ProcessUsage = { readonly cpuSeconds: number; readonly rssBytes: number };

const TICKS_PER_SECOND = 100; // USER_HZ, fixed at 100 on Linux whatever the kernel's own tick.
const PAGE_BYTES = 4096;

/**
 * Usage of `pid` and everything below it, read from /proc (Linux only). CPU of children that ended is in their parent's `cutime`, so short-lived
 * processes count. Shared memory is counted once a process that maps it: compare like with like.
 */
export function processTreeUsage(pid: number): ProcessUsage {
  const children = childrenByParent();
  const waiting = [pid];
  let cpuTicks = 0;
  let rssPages = 0;
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const stat = statOf(at);
    if (stat === undefined) continue;
    cpuTicks += stat.cpuTicks;
    rssPages += stat.rssPages;
    waiting.push(...(children.get(at) ?? []));
  }
  return { cpuSeconds: cpuTicks / TICKS_PER_SECOND, rssBytes: rssPages * PAGE_BYTES };
}

function childrenByParent(): Map<number, number[]> {
  const byParent = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (stat === undefined) continue;
    const siblings = byParent.get(stat.parent);
    if (siblings === undefined) byParent.set(stat.parent, [Number(name)]);
    else siblings.push(Number(name));
  }
  return byParent;
}

/** Fields of /proc/<pid>/stat (proc(5)); undefined when the process is gone. The command may hold spaces and brackets, so count from the last `)`. */
function statOf(pid: number): { parent: number; cpuTicks: number; rssPages: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  return { parent: fields[1] ?? 0, cpuTicks: utime + stime + cutime + cstime, rssPages: fields[21] ?? 0 };
}

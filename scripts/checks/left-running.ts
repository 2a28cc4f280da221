import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { birthOf } from "../stack/process-record.ts";

/** Command lines of living processes that carry `mark` in their arguments, environment or working folder: what a test run has left behind. Linux only, else none. */
export function leftRunning(mark: string): readonly string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && birthOf(Number(pid)) !== undefined).flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`);
    return [command, read(`/proc/${pid}/environ`), linkOf(`/proc/${pid}/cwd`)].some((text) => text.includes(mark))
      ? [`${pid} ${command.replaceAll("\0", " ").trim()}`]
      : [];
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

import { readdirSync, readFileSync } from "node:fs";
import { birthOf } from "../stack/process-record.ts";

/** Command lines of living processes that carry `mark` in their arguments or environment: what a test run has left behind. Linux only, else none. */
export function leftRunning(mark: string): readonly string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && birthOf(Number(pid)) !== undefined).flatMap((pid) => {
    const command = read(`/proc/${pid}/cmdline`);
    return command.includes(mark) || read(`/proc/${pid}/environ`).includes(mark) ? [`${pid} ${command.replaceAll("\0", " ").trim()}`] : [];
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

import {
  closeSync,
  constants,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import type { SpoolFiles } from "./files.ts";

/** `node:fs`, as Node, Deno and Bun have it. Files are readable by their owner only: they hold what the events say. */
export function nodeFiles(): SpoolFiles {
  return {
    makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
    list: (path) => readdirSync(path),
    create: (path) => openSync(path, "ax", 0o600),
    // Without creating it: under the name of a segment that was taken over, a new file would replace that one when it is taken over in its turn.
    openToAppend: (path) => openSync(path, constants.O_WRONLY | constants.O_APPEND),
    write: (file, bytes) => writeSync(file, bytes),
    truncate: (path, size) => truncateSync(path, size),
    sync: (file) => fsyncSync(file),
    syncLater: (file) => new Promise((resolve, reject) => fsync(file, (error) => error === null || error === undefined ? resolve() : reject(error))),
    close: (file) => closeSync(file),
    read: (path) => readFileSync(path),
    rename: (from, to) => renameSync(from, to),
    remove: (path) => unlinkSync(path),
    syncFolder,
    touch: (path, ms) => utimesSync(path, ms / 1000, ms / 1000),
    changedAt: (path) => statSync(path).mtimeMs,
    pid: process.pid,
    // Deno counts a worker's own time.
    startedAt: "deno" in process.versions ? 0 : Date.now() - process.uptime() * 1000,
    host: numbersOf(),
    isAlive,
  };
}

/**
 * Names what gives out process numbers: the machine since its start and, on Linux, the namespace, of which every container has its own. The number of a
 * namespace is given again only when that is gone, so within one name a number without a process is that of a dead one.
 */
function numbersOf(): string {
  try {
    return process.platform === "linux" ? `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/pid")}` : hostname();
  } catch {
    // Deno tells this only to those who may do everything: then nobody's number says anything, and silence has to.
    return crypto.randomUUID();
  }
}

function syncFolder(path: string): void {
  let folder: number;
  try {
    folder = openSync(path, "r");
  } catch {
    // Windows opens no folders, and keeps names without being asked.
    return;
  }
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Signal 0 asks without sending anything. Deno without --allow-run cannot tell. */
function isAlive(pid: number): boolean | undefined {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    const code = (error as { readonly code?: unknown }).code;
    return code === "ESRCH" ? false : code === "EPERM" ? true : undefined;
  }
}

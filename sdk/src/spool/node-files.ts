import {
  closeSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
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
    openToAppend: (path) => openSync(path, "a", 0o600),
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
    host: hostname(),
    isAlive,
  };
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

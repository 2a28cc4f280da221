import { spawnSync } from "node:child_process";
import { accessSync, constants, cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Who PostgreSQL runs as: undefined means "as ourselves", which is right for everybody but root. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** PostgreSQL refuses to run as root: root lends it `postgres` when the system has one, else `nobody`. */
export function postgresAccount(): Account {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
  for (const name of ["postgres", "nobody"]) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry === undefined) continue;
    const [uid, gid] = [Number(entry[2]), Number(entry[3])];
    if (uid > 0 && gid > 0) return { uid, gid };
  }
  throw new Error("choose an account for PostgreSQL, which refuses to run as root: neither postgres nor nobody exists: start as an ordinary user");
}

/** True when `account` can reach `path`: asked of the kernel, since mode bits of parents, ACLs and mounts all have a say. */
export function canReach(account: Account, path: string, mode: "-x" | "-r"): boolean {
  if (account === undefined) {
    try {
      accessSync(path, mode === "-x" ? constants.X_OK : constants.R_OK);
      return true;
    } catch {
      return false;
    }
  }
  return spawnSync("/bin/sh", ["-c", `test ${mode} "$1"`, "sh", path], { ...account, cwd: "/", stdio: "ignore" }).status === 0;
}

/** Binaries that `account` can run; `dispose` removes them when they are a copy. */
export type Binaries = { readonly folder: string; readonly copy: boolean; dispose(): void };

/**
 * `folder` itself when the account can run it. Below a home of mode 0700 (root's, in most clones by root) it cannot: then a copy in the first
 * temporary folder whose mount allows execution.
 */
export function reachableBinaries(account: Account, folder: string): Binaries {
  if (canReach(account, join(folder, "bin", "postgres"), "-x")) return { folder, copy: false, dispose() {} };
  for (const parent of [tmpdir(), "/tmp", "/var/tmp", "/opt"]) {
    const copy = tryCopy(account, folder, parent);
    if (copy !== undefined) return { folder: copy, copy: true, dispose: () => rmSync(copy, { recursive: true, force: true }) };
  }
  throw new Error(
    `start PostgreSQL: another account cannot read ${folder} nor a copy in ${tmpdir()}: start as an ordinary user or move the clone out of root's home`,
  );
}

function tryCopy(account: Account, folder: string, parent: string): string | undefined {
  let copy: string;
  try {
    copy = mkdtempSync(join(parent, "audit-events-postgres-"));
  } catch {
    return undefined;
  }
  try {
    cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
    makeReadable(copy);
    if (canReach(account, join(copy, "bin", "postgres"), "-x")) return copy;
  } catch {
    // Not enough room, most often: the next folder may have it.
  }
  rmSync(copy, { recursive: true, force: true });
  return undefined;
}

/** mkdtemp makes folders of mode 0700, and a strict umask may have stripped the rest. */
function makeReadable(copy: string): void {
  spawnSync("chmod", ["-R", "go=rX", copy], { stdio: "ignore" });
}

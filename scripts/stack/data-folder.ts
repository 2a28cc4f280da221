import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where everything of one stack lives. */
export type DataFolder = {
  readonly path: string;
  readonly cluster: string;
  readonly logs: string;
  readonly credentials: string;
  readonly local: string;
  readonly processes: string;
  readonly denoCache: string;
  /** The query service in one file, made at every start. */
  readonly api: string;
  readonly archive: string;
};

/** Makes the data folder, or checks that an existing one is ours to use; throws an Error that says what to do. */
export function openDataFolder(path: string): DataFolder {
  const folder: DataFolder = {
    path,
    cluster: join(path, "postgres"),
    logs: join(path, "logs"),
    credentials: join(path, "credentials.json"),
    local: join(path, "local.json"),
    processes: join(path, "processes.json"),
    denoCache: join(path, "deno"),
    api: join(path, "api"),
    archive: join(path, "archive"),
  };
  const uid = process.getuid?.();
  if (existsSync(path) && uid !== undefined && statSync(path).uid !== uid) {
    throw new Error(`open data folder ${path}: it belongs to another account: start as that account, or choose another folder with --data DIR`);
  }
  if (existsSync(join(folder.cluster, "PG_VERSION")) && !existsSync(folder.credentials)) {
    throw new Error(
      `open data folder ${path}: it holds a database but not its passwords (credentials.json): put that file back, or remove the folder to start anew`,
    );
  }
  try {
    for (const part of [path, folder.logs, folder.denoCache, folder.api, folder.archive]) makeFolder(part);
    // Root lends PostgreSQL another account, which must be able to walk through; each file and folder inside is closed by its own mode.
    chmodSync(path, uid === 0 ? 0o711 : 0o700);
  } catch (cause) {
    throw new Error(`open data folder ${path}: ${reasonOf(cause)}: choose another with --data DIR`, { cause });
  }
  return folder;
}

/** Not by Node's `recursive`: where a folder cannot be made although its parent is there, as in /proc, that never ends. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "a file is there",
  ENOTDIR: "a part of its name is a file",
  EACCES: "this account may not write there",
  EPERM: "this account may not write there",
  EROFS: "what it is on can only be read",
  ENOSPC: "what it is on is full",
};

function reasonOf(fault: unknown): string {
  return reasons[(fault as NodeJS.ErrnoException).code ?? ""] ?? "no folder can be made there";
}

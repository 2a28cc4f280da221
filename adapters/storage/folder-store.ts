import { link, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AuditError } from "../../core/errors.ts";
import type { ArchiveStore } from "../../core/ports.ts";
import { assertObjectKey } from "./object-key.ts";

/**
 * An archive in `folder` on disk: one file an object, at its key. Guarantees what ArchiveStore asks: an object appears whole or not at all, survives
 * power failure once `put` resolved, and is never overwritten. Several processes may share the folder.
 */
export function createFolderStore(folder: string): ArchiveStore {
  const pathOf = (key: string) => {
    assertObjectKey(key);
    return join(folder, ...key.split("/"));
  };
  return {
    put: async (key, bytes) => await putFile(folder, pathOf(key), bytes),
    get: async (key) => await faultsAreUnavailable("read object", pathOf(key), readWhole),
    getRange: async (key, start, end) => await faultsAreUnavailable("read object", pathOf(key), (path) => readRange(path, start, end)),
    size: async (key) => await faultsAreUnavailable("size object", pathOf(key), (path) => unlessMissing(async () => (await stat(path)).size)),
    list: (prefix, options = {}) => faultsAreUnavailable("list objects", folder, () => listKeys(folder, prefix, options.after ?? "", options.limit ?? 1000)),
    remove: async (key) => await faultsAreUnavailable("remove object", pathOf(key), removeFile),
  };
}

/** Unfinished objects live here, out of every listing; a crash leaves one behind, which costs its bytes and nothing else. */
const unfinishedFolder = ".unfinished";

/** Writes aside, syncs, then links to the final name: link(2) refuses an existing name, which rename(2) would replace. */
function putFile(root: string, path: string, bytes: Uint8Array): Promise<"stored" | "exists"> {
  return faultsAreUnavailable("write object", path, async () => {
    const aside = join(root, unfinishedFolder);
    await makeFolder(aside);
    await makeFolder(dirname(path));
    const temporary = join(aside, crypto.randomUUID());
    try {
      const file = await open(temporary, "wx", 0o640);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await link(temporary, path);
      await syncFolders(root, dirname(path));
      return "stored";
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      // Whoever stored it may have crashed here, before its name was durable; what relies on the object is told that it is there.
      await syncFolders(root, dirname(path));
      return "exists";
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** Not by Node's `recursive`: where a folder cannot be made although its parent is there, as in /proc, that never ends. */
async function makeFolder(path: string, hasParent = false): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    if (codeOf(error) !== "ENOENT" || hasParent) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path, true);
  }
}

/** Gone for good: what is recorded as deleted must not be back after a power failure. */
async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await unlessMissing(() => syncFolders(dirname(path), dirname(path)));
}

/** A new name is durable when every folder on its way is: fsync(2), notes. */
async function syncFolders(root: string, folder: string): Promise<void> {
  for (let at = folder; at.length >= root.length; at = dirname(at)) {
    const handle = await open(at, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (at === root) return;
  }
}

function readWhole(path: string): Promise<Uint8Array | undefined> {
  return unlessMissing(async () => {
    const file = await open(path, "r");
    try {
      const bytes = await file.readFile();
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } finally {
      await file.close();
    }
  });
}

function readRange(path: string, start: number, end: number): Promise<Uint8Array | undefined> {
  return unlessMissing(async () => {
    const file = await open(path, "r");
    try {
      const bytes = new Uint8Array(Math.max(0, end - start));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await file.close();
    }
  });
}

async function listKeys(root: string, prefix: string, after: string, limit: number): Promise<string[]> {
  const keys: string[] = [];
  const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  const walk = async (folder: string): Promise<void> => {
    const entries = await unlessMissing(() => readdir(join(root, folder), { withFileTypes: true })) ?? [];
    // In order of whole keys: a folder sorts as its name with the slash.
    const named = entries.map((entry) => ({ entry, key: `${folder}${entry.name}${entry.isDirectory() ? "/" : ""}` }));
    for (const { entry, key } of named.sort((a, b) => a.key < b.key ? -1 : 1)) {
      if (keys.length >= limit || entry.name === unfinishedFolder) continue;
      if (entry.isDirectory()) {
        if (key.startsWith(prefix) || prefix.startsWith(key)) await walk(key);
      } else if (key.startsWith(prefix) && key > after) keys.push(key);
    }
  };
  await walk(start);
  return keys;
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

async function faultsAreUnavailable<T>(action: string, path: string, run: (path: string) => Promise<T>): Promise<T> {
  try {
    return await run(path);
  } catch (error) {
    if (error instanceof AuditError) throw error;
    throw new AuditError("unavailable", `${action}: the archive folder answered ${codeOf(error) ?? "a fault"}`, { cause: error, retryAfterSeconds: 30 });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

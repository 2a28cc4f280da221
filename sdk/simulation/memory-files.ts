import type { SpoolFiles } from "../src/spool/files.ts";
import type { Dice } from "./world.ts";

/** Files only grow, or are cut: how many bytes are synced says which. */
type File = { data: Uint8Array; synced: number; changedAt: number };
type NameChange = { readonly undo: (names: Map<string, File>) => void };

/** A disk in memory that several processes share, and that remembers what would survive a power cut. */
export type Disk = {
  names: Map<string, File>;
  /** Changes of names that no `syncFolder` has covered, oldest first. */
  unsyncedNames: NameChange[];
  readonly living: Set<number>;
  /** Called before every operation; may throw in its place. */
  fault: (operation: string) => void;
};

export function disk(): Disk {
  return {
    names: new Map(),
    unsyncedNames: [],
    living: new Set(),
    fault: () => {},
  };
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
}

/** The operations of process `pid` on `on`; `now` dates files. */
export function memoryFiles(on: Disk, pid: number, now: () => number): SpoolFiles {
  const open = new Map<number, File>();
  let nextFile = 3;
  on.living.add(pid);
  const at = (path: string) => {
    const file = on.names.get(path);
    if (file === undefined) throw missing(path);
    return file;
  };
  const opened = (file: File) => (open.set(nextFile, file), nextFile++);
  const handle = (file: number) => {
    const found = open.get(file);
    if (found === undefined) throw new Error("EBADF");
    return found;
  };
  // One change, however many names it touches: a rename happens or does not.
  const rename = (...changes: readonly (readonly [path: string, file: File | undefined])[]) => {
    const set = (
      names: Map<string, File>,
      [path, file]: readonly [string, File | undefined],
    ) => void (file === undefined ? names.delete(path) : names.set(path, file));
    const before = changes.map(([path]) => [path, on.names.get(path)] as const);
    for (const change of changes) set(on.names, change);
    on.unsyncedNames.push({
      undo: (names) => before.forEach((one) => set(names, one)),
    });
  };
  const guarded = <Args extends unknown[], Result>(operation: string, action: (...args: Args) => Result) => (...args: Args) => {
    on.fault(operation);
    return action(...args);
  };
  return {
    makeFolder: guarded("makeFolder", () => {}),
    list: guarded("list", (path: string) => [...on.names.keys()].filter((name) => name.startsWith(`${path}/`)).map((name) => name.slice(path.length + 1))),
    create: guarded("create", (path: string) => {
      if (on.names.has(path)) {
        throw Object.assign(new Error("EEXIST"), { code: "EEXIST" });
      }
      const file: File = { data: new Uint8Array(0), synced: 0, changedAt: now() };
      rename([path, file]);
      return opened(file);
    }),
    openToAppend: guarded("openToAppend", (path: string) => opened(at(path))),
    write: guarded("write", (file: number, bytes: Uint8Array) => {
      const to = handle(file);
      to.data = joined(to.data, bytes);
      to.changedAt = now();
      return bytes.length;
    }),
    truncate: guarded("truncate", (path: string, size: number) => void (at(path).data = at(path).data.slice(0, size))),
    sync: guarded("sync", (file: number) => void (handle(file).synced = handle(file).data.length)),
    syncLater: (file: number) => {
      try {
        on.fault("syncLater");
        handle(file).synced = handle(file).data.length;
        return Promise.resolve();
      } catch (error) {
        return Promise.reject(error);
      }
    },
    close: guarded("close", (file: number) => void open.delete(file)),
    read: guarded("read", (path: string) => at(path).data.slice()),
    rename: guarded("rename", (from: string, to: string) => {
      const file = at(from);
      if (from === to) return;
      rename([to, file], [from, undefined]);
    }),
    remove: guarded("remove", (path: string) => void (at(path), rename([path, undefined]))),
    syncFolder: guarded("syncFolder", () => void (on.unsyncedNames = [])),
    touch: guarded("touch", (path: string, ms: number) => void (at(path).changedAt = ms)),
    changedAt: guarded("changedAt", (path: string) => at(path).changedAt),
    pid,
    startedAt: now(),
    host: "simulated",
    isAlive: (other) => on.living.has(other),
  };
}

/** The power fails: what was not synced is lost from some byte on, and changes of names not synced may be undone, the latest first. */
export function cutPower(on: Disk, dice: Dice): void {
  for (const file of new Set(on.names.values())) {
    file.data = file.data.slice(0, dice.between(Math.min(file.synced, file.data.length), file.data.length));
    file.synced = file.data.length;
  }
  const undone = dice.between(0, on.unsyncedNames.length);
  for (let index = 0; index < undone; index++) {
    on.unsyncedNames.pop()?.undo(on.names);
  }
  on.unsyncedNames = [];
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

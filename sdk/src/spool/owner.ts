import { isMissing } from "./files.ts";
import { attempt, closeFile, diskFailed, type Folder, pathOf } from "./folder.ts";
import { parseSegment } from "./line.ts";
import { segment } from "./segment.ts";

/**
 * Whose a segment is stands at the start of its name: `<owner>~<origin>-<number>.log`. An owner that lives has a lock `<owner>.lock`, which it renews.
 * Taking over a segment is renaming it, which only one process can do; everything else may fail or be done twice without harm.
 */
const segmentName = /^([0-9a-z]+)~([0-9a-z]+-\d+\.log)$/;
const lockName = /^([0-9a-z]+)\.lock$/;

/** Owners of this very process, by its pid: there it says nothing about them. */
const ownersHere = new Set<string>();

function hereName(folder: Folder, owner: string): string {
  return `${folder.files.pid}~${owner}`;
}

export function lockNameOf(owner: string): string {
  return `${owner}.lock`;
}

/** Creates the lock of a new owner. Throws when the folder cannot be written to. */
export function becomeOwner(folder: Folder): void {
  const { files, host } = folder;
  files.makeFolder(folder.options.directory);
  folder.owner = host.runtime.randomUuid().replaceAll("-", "");
  const path = pathOf(folder, lockNameOf(folder.owner));
  const file = files.create(path);
  try {
    files.write(file, new TextEncoder().encode(JSON.stringify({ pid: files.pid, host: files.host })));
  } catch (error) {
    // A lock that names nobody would keep others away for as long as a silent owner does.
    attempt(folder, "remove lock", () => files.remove(path));
    throw error;
  } finally {
    files.close(file);
  }
  folder.renewedAt = host.runtime.now();
  ownersHere.add(hereName(folder, folder.owner));
}

export function resign(folder: Folder): void {
  ownersHere.delete(hereName(folder, folder.owner));
  try {
    folder.files.remove(pathOf(folder, lockNameOf(folder.owner)));
  } catch (error) {
    if (!isMissing(error)) diskFailed(folder, "remove lock", error);
  }
}

/**
 * Renews the lock. A process that slept (a suspended machine, SIGSTOP) may find it gone: others hold its segments now and deliver them. Then it goes on
 * under a new name; what it also has in memory is sent twice and stored once.
 */
export function renew(folder: Folder): void {
  const now = folder.host.runtime.now();
  try {
    folder.files.touch(pathOf(folder, lockNameOf(folder.owner)), now);
    folder.renewedAt = now;
  } catch (error) {
    if (!isMissing(error)) throw error;
    ownersHere.delete(hereName(folder, folder.owner));
    becomeOwner(folder);
    for (const one of folder.segments) handOver(folder, one);
    folder.segments = [];
    folder.current = undefined;
  }
}

/** What only the disk had of this segment is another's to deliver. */
export function handOver(folder: Folder, one: Folder["segments"][number]): void {
  closeFile(folder, one);
  one.gone = true;
  if (one.unreadCount > 0) folder.host.onRecovered(-one.unreadCount);
  folder.unread -= one.unreadCount;
  one.unread = [];
  one.unreadCount = 0;
}

/** Before a write after a long silence: makes sure that nobody has taken the folder's owner for dead. */
export function stillOwner(folder: Folder): void {
  const silent = Math.abs(folder.host.runtime.now() - folder.renewedAt);
  if (silent > folder.options.staleMs / 2) renew(folder);
}

/**
 * Takes over the segments of owners that are dead, and those that are ours already but could not be read when they were taken over. The lock goes first:
 * whoever was only asleep then finds at once that it is owner no more, and writes nothing into files that are read here.
 */
export function adoptOrphans(folder: Folder): void {
  const orphans = new Map<string, boolean>();
  const isOrphan = (owner: string) => {
    if (!orphans.has(owner)) {
      orphans.set(owner, owner !== folder.owner && !ownersHere.has(hereName(folder, owner)) && isDead(folder, owner) && isUnlocked(folder, owner));
    }
    return orphans.get(owner) === true;
  };
  const known = new Set(folder.segments.map((one) => one.name));
  for (const name of folder.files.list(folder.options.directory)) {
    const owner = lockName.exec(name)?.[1];
    if (owner !== undefined) isOrphan(owner);
    const [, writer, rest] = segmentName.exec(name) ?? [];
    if (writer !== undefined && (isOrphan(writer) || (writer === folder.owner && !known.has(name)))) adopt(folder, name, `${folder.owner}~${rest}`);
  }
}

/** Removes the lock of a dead owner; false when that fails, so that it is tried again before anything is taken. */
function isUnlocked(folder: Folder, owner: string): boolean {
  try {
    folder.files.remove(pathOf(folder, lockNameOf(owner)));
    return true;
  } catch (error) {
    if (!isMissing(error)) diskFailed(folder, "remove lock", error);
    return isMissing(error);
  }
}

function isDead(folder: Folder, owner: string): boolean {
  const { files, host, options } = folder;
  const path = pathOf(folder, lockNameOf(owner));
  try {
    const changedAt = files.changedAt(path);
    const lock = parseLock(files.read(path));
    if (lock.host === files.host && lock.pid !== undefined) {
      // Our own number under another owner's name, silent since before we began: that process is gone and we got its number, as the first process of a
      // container does. Renewed since then, it is another thread of ours, or another copy of this module.
      if (lock.pid === files.pid ? changedAt < files.startedAt : files.isAlive(lock.pid) === false) return true;
    }
    // A number in use proves nothing: after a restart of the machine it may be anybody's. But who lives renews the lock.
    return Math.abs(host.runtime.now() - changedAt) > options.staleMs;
  } catch (error) {
    // Locks are made before segments, so an owner without one has resigned or was declared dead. A lock that cannot be read says nothing.
    return isMissing(error);
  }
}

/** A lock half written when the machine died names nobody; its age still counts. */
function parseLock(bytes: Uint8Array): { readonly pid?: number; readonly host?: string } {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as { readonly pid?: number; readonly host?: string };
  } catch {
    return {};
  }
}

function adopt(folder: Folder, from: string, to: string): void {
  const { files } = folder;
  const one = segment(to);
  try {
    files.rename(pathOf(folder, from), pathOf(folder, to));
    const bytes = files.read(pathOf(folder, to));
    const content = parseSegment(bytes);
    if (content.wholeBytes < bytes.length) {
      attempt(folder, "cut torn tail", () => files.truncate(pathOf(folder, to), content.wholeBytes));
    }
    folder.corrupt += content.corrupt;
    Object.assign(one, {
      bytes: content.wholeBytes,
      written: content.written,
      acknowledged: content.acknowledged,
      nextNumber: content.nextNumber,
    });
    one.unread = content.nextNumber > 1 ? [[1, content.nextNumber - 1]] : [];
    one.unreadCount = content.events.size;
    folder.segments.push(one);
    folder.unread += one.unreadCount;
    if (one.unreadCount > 0) folder.host.onRecovered(one.unreadCount);
  } catch (error) {
    // Missing: another process was faster. Anything else: it stays on disk, under whichever name, for the next look.
    if (!isMissing(error)) diskFailed(folder, "take over segment", error);
  }
}

import type { SpoolRecord } from "../spool-session.ts";
import { attempt, closeFile, diskFailed, type Folder, pathOf, totalBytes } from "./folder.ts";
import { isMissing } from "./files.ts";
import { acknowledgementLine, eventLine } from "./line.ts";
import { stillOwner } from "./owner.ts";
import { isSpent, type Segment, segment } from "./segment.ts";

/** A spent file smaller than this is written on rather than removed: one file, not one per batch. */
const keepBytes = 64 * 1024;

/** Writes one event to the current segment: in the operating system's hands when it returns, on the disk as the fsync policy says. */
export function append(folder: Folder, json: string): SpoolRecord | "full" | "failed" {
  const { options, files } = folder;
  if (folder.closed) return "failed";
  try {
    stillOwner(folder);
    if (folder.current !== undefined && folder.current.bytes >= options.segmentBytes) rotate(folder);
    const bytes = eventLine(folder.current?.nextNumber ?? 1, json);
    if (totalBytes(folder) + bytes.length > options.bytesMax) return "full";
    const current = folder.current ??= newSegment(folder);
    writeWhole(folder, current, bytes);
    if (options.fsync === "always") files.sync(current.file as number);
    else if (options.fsync === "interval") syncSoon(folder, current);
    current.bytes += bytes.length;
    current.written++;
    return { segment: current, number: current.nextNumber++ };
  } catch (error) {
    diskFailed(folder, "write event", error);
    undo(folder);
    return "failed";
  }
}

function newSegment(folder: Folder): Segment {
  const name = `${folder.owner}~${folder.owner}-${String(folder.nextSegment++).padStart(8, "0")}.log`;
  const made = segment(name, folder.files.create(pathOf(folder, name)));
  folder.segments.push(made);
  // The file's name must survive as well as its content.
  if (folder.options.fsync !== "never") {
    folder.files.syncFolder(folder.options.directory);
  }
  return made;
}

function writeWhole(folder: Folder, one: Segment, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    const written = folder.files.write(one.file as number, bytes.subarray(done));
    if (written <= 0) throw new Error("disk took no bytes");
    done += written;
  }
}

/** After a failed write the current segment may end in half a line: cut it off, or write on elsewhere. */
function undo(folder: Folder): void {
  const { current } = folder;
  if (current === undefined) return;
  try {
    folder.files.truncate(pathOf(folder, current.name), current.bytes);
  } catch {
    // The half line stays. Whoever reads the segment finds that its checksum is not its own.
  }
  // A disk that failed an fsync may have lost what it covered and will not say so again: nothing more goes into this file.
  closeFile(folder, current);
  folder.current = undefined;
  retireIfSpent(folder, current);
}

/** No more events go into the current segment. */
export function rotate(folder: Folder): void {
  const { current } = folder;
  if (current === undefined) return;
  folder.current = undefined;
  if (current.dirty && !current.syncing && current.file !== undefined) {
    attempt(folder, "sync segment", () => folder.files.sync(current.file as number));
  }
  closeFile(folder, current);
  retireIfSpent(folder, current);
}

/** Starts the timer that brings to the disk what was written since the last time. */
export function syncSoon(folder: Folder, one: Segment): void {
  one.dirty = true;
  folder.syncTimer ??= folder.host.runtime.setTimer(
    () => {
      folder.syncTimer = undefined;
      for (const each of folder.segments) {
        if (each.dirty && !each.syncing && each.file !== undefined) void syncNow(folder, each, each.file);
      }
    },
    folder.options.fsyncIntervalMs,
    false,
  );
}

async function syncNow(folder: Folder, one: Segment, file: number): Promise<void> {
  one.dirty = false;
  one.syncing = true;
  try {
    await folder.files.syncLater(file);
  } catch (error) {
    diskFailed(folder, "sync segment", error);
  }
  one.syncing = false;
  if (one === folder.current) return;
  if (one.dirty && one.file !== undefined) {
    attempt(folder, "sync segment", () => folder.files.sync(file));
  }
  closeFile(folder, one);
  retireIfSpent(folder, one);
}

/** Writes that the server has decided about these events, and removes segments of which nothing need survive. */
export function acknowledge(folder: Folder, records: readonly SpoolRecord[]): void {
  const bySegment = new Map<Segment, number[]>();
  for (
    const { segment: one, number } of records as readonly {
      readonly segment: Segment;
      readonly number: number;
    }[]
  ) {
    bySegment.set(one, [...bySegment.get(one) ?? [], number]);
  }
  for (const [one, numbers] of bySegment) {
    one.acknowledged += numbers.length;
    if (one.gone) continue;
    // Lost, this line only means that the events are sent once more, and answered "duplicate".
    attempt(folder, "write acknowledgement", () => appendTo(folder, one, acknowledgementLine(numbers)));
    retireIfSpent(folder, one);
  }
}

function appendTo(folder: Folder, one: Segment, bytes: Uint8Array): void {
  if (one.file !== undefined) {
    writeWhole(folder, one, bytes);
    one.bytes += bytes.length;
    return;
  }
  const file = folder.files.openToAppend(pathOf(folder, one.name));
  try {
    writeWhole(folder, { ...one, file }, bytes);
    one.bytes += bytes.length;
  } finally {
    folder.files.close(file);
  }
}

/**
 * Removes a segment that is spent and not written to any more. The acknowledgement is written already; it is synced before the name goes, so that a
 * machine that dies in between shows either no file, or a file that says itself that nothing in it is owed.
 */
export function retireIfSpent(folder: Folder, one: Segment): void {
  if (!isSpent(one) || one.gone || one.syncing || (one === folder.current && one.bytes < keepBytes)) return;
  if (one === folder.current) folder.current = undefined;
  closeFile(folder, one);
  const path = pathOf(folder, one.name);
  try {
    if (folder.options.fsync !== "never") {
      const file = folder.files.openToAppend(path);
      try {
        folder.files.sync(file);
      } finally {
        folder.files.close(file);
      }
    }
    folder.files.remove(path);
  } catch (error) {
    if (!isMissing(error)) return diskFailed(folder, "remove segment", error);
  }
  folder.segments = folder.segments.filter((other) => other !== one);
}

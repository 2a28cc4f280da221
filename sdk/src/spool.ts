/** Keeps events on disk until the server has decided about them: for Node, Deno and Bun. */
import type { Spool, SpoolHost, SpoolRecord, SpoolSession } from "./spool-session.ts";
import type { SpoolFiles } from "./spool/files.ts";
import { attempt, diskFailed, type Folder, type SpoolOptions, totalBytes } from "./spool/folder.ts";
import { nodeFiles } from "./spool/node-files.ts";
import { adoptOrphans, becomeOwner, renew, resign } from "./spool/owner.ts";
import { readBack } from "./spool/read.ts";
import { markUnread, type Segment } from "./spool/segment.ts";
import { acknowledge, append, retireIfSpent, rotate } from "./spool/write.ts";

export type { SpoolOptions } from "./spool/folder.ts";
export type { SpoolFiles } from "./spool/files.ts";

const defaults = {
  fsync: "interval",
  fsyncIntervalMs: 200,
  segmentBytes: 1024 * 1024,
  bytesMax: 256 * 1024 * 1024,
  staleMs: 60_000,
  scanMs: 5000,
} as const;

/**
 * A spool in a folder. Every event is written there before it is queued and removed after the server's verdict; events of processes that died are
 * delivered by the next one that opens the folder, or by one that has it open.
 */
export function createFileSpool(options: SpoolOptions, files: SpoolFiles = nodeFiles()): Spool {
  return {
    open: (host) => openFolder({ ...defaults, ...options }, files, host),
  };
}

function openFolder(options: Required<SpoolOptions>, files: SpoolFiles, host: SpoolHost): SpoolSession {
  const folder: Folder = {
    options,
    files,
    host,
    owner: "",
    renewedAt: -Infinity,
    current: undefined,
    segments: [],
    nextSegment: 1,
    loaded: [],
    syncTimer: undefined,
    scanTimer: undefined,
    unread: 0,
    readAgainAt: -Infinity,
    failures: 0,
    warnedAt: -Infinity,
    corrupt: 0,
    closed: false,
  };
  attempt(folder, "open folder", () => becomeOwner(folder));
  scan(folder);
  return {
    append: (json) => append(folder, json),
    leave: (record) => {
      markUnread(record.segment as Segment, record.number);
      folder.unread++;
    },
    unread: () => folder.unread,
    read: (eventsMax, bytesMax) => readBack(folder, eventsMax, bytesMax),
    acknowledge: (records: readonly SpoolRecord[]) => acknowledge(folder, records),
    stats: () => ({
      bytes: totalBytes(folder),
      segments: folder.segments.length,
      failures: folder.failures,
      corrupt: folder.corrupt,
    }),
    close: () => closeFolder(folder),
  };
}

/** Renews the lock, looks for events of dead processes and finishes what the disk refused before; again every `scanMs`. */
function scan(folder: Folder): void {
  try {
    renew(folder);
    adoptOrphans(folder);
  } catch (error) {
    diskFailed(folder, "look through folder", error);
  }
  for (const one of [...folder.segments]) retireIfSpent(folder, one);
  if (folder.unread > 0) folder.host.onRecovered(0);
  folder.scanTimer = folder.host.runtime.setTimer(() => scan(folder), folder.options.scanMs, false);
}

function closeFolder(folder: Folder): void {
  if (folder.closed) return;
  folder.closed = true;
  for (const timer of [folder.scanTimer, folder.syncTimer]) {
    if (timer !== undefined) folder.host.runtime.clearTimer(timer);
  }
  rotate(folder);
  for (const one of [...folder.segments]) retireIfSpent(folder, one);
  resign(folder);
}

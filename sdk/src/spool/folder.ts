import type { SpoolHost } from "../spool-session.ts";
import type { SpoolFiles } from "./files.ts";
import type { Segment } from "./segment.ts";

/** What an application says about its spool. */
export type SpoolOptions = {
  /** Made when absent. Several processes may share it; it must be on a local disk. */
  readonly directory: string;
  /**
   * When events survive a power cut: `always` before the call that logged them returns, `interval` within `fsyncIntervalMs`, `never` whenever the
   * operating system writes them. They survive the death of the process in every case. Default: `interval`.
   */
  readonly fsync?: "always" | "interval" | "never";
  /** How often what was written is synced, with `interval`; 200 ms. */
  readonly fsyncIntervalMs?: number;
  /** Size at which a file is full; 1 MiB. */
  readonly segmentBytes?: number;
  /** Size of all files of this process together; 256 MiB. */
  readonly bytesMax?: number;
  /**
   * How long an owner may be silent before others take its events, at most twice that when the clock was set back meanwhile; 60 s. Of a process on the
   * same machine, in the same container, it is known at once that it is dead.
   */
  readonly staleMs?: number;
  /** How often the folder is looked through for events of dead processes; 5 s. */
  readonly scanMs?: number;
};

/** A spool in use. */
export type Folder = {
  readonly options: Required<SpoolOptions>;
  readonly files: SpoolFiles;
  readonly host: SpoolHost;
  /** Names the files of this process; another one after the folder was taken from a process that slept too long. */
  owner: string;
  /** When the lock was last renewed, by the clock that dates files. */
  renewedAt: number;
  current: Segment | undefined;
  segments: Segment[];
  nextSegment: number;
  /** Read from disk, not yet handed out. */
  loaded: {
    readonly record: { readonly segment: Segment; readonly number: number };
    readonly json: string;
  }[];
  syncTimer: unknown;
  scanTimer: unknown;
  /** Events that only the disk holds, those loaded and not handed out among them. */
  unread: number;
  /** After a failed read: not before this time. */
  readAgainAt: number;
  failures: number;
  warnedAt: number;
  corrupt: number;
  closed: boolean;
};

export function pathOf(folder: Folder, name: string): string {
  return `${folder.options.directory}/${name}`;
}

export function totalBytes(folder: Folder): number {
  return folder.segments.reduce((sum, one) => sum + (one.gone ? 0 : one.bytes), 0);
}

/** A disk that fails does so for every event: it is said this often. */
const warnEveryMs = 10_000;

/** Counts a fault of the disk and says it; the application goes on. */
export function diskFailed(folder: Folder, doing: string, error: unknown): void {
  folder.failures++;
  const now = folder.host.runtime.monotonic();
  if (now - folder.warnedAt < warnEveryMs) return;
  folder.warnedAt = now;
  folder.host.onWarning(`spool: ${doing}: ${error instanceof Error ? error.message : String(error)}`, error);
}

/** The same for an action whose failure changes nothing else. */
export function attempt(folder: Folder, doing: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    diskFailed(folder, doing, error);
  }
}

/** Gives a segment's file back; one that is being synced is given back after that. */
export function closeFile(folder: Folder, one: Segment): void {
  const { file } = one;
  if (file === undefined || one.syncing) return;
  one.file = undefined;
  attempt(folder, "close segment", () => folder.files.close(file));
}

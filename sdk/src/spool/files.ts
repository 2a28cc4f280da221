/**
 * The file operations a spool needs. All throw what the platform throws. A write is in the hands of the operating system when it returns: it survives
 * the process; what `sync` has covered also survives the machine. Created, renamed and removed names survive the machine after `syncFolder`.
 */
export type SpoolFiles = {
  /** Makes a folder and those above it; harmless when it is there. */
  readonly makeFolder: (path: string) => void;
  /** Names of files in a folder. */
  readonly list: (path: string) => readonly string[];
  /** Creates a file for appending; throws when it exists. */
  readonly create: (path: string) => number;
  /** Opens a file to write at its end; throws when there is none. */
  readonly openToAppend: (path: string) => number;
  /** Returns how many bytes were written, which may be fewer. */
  readonly write: (file: number, bytes: Uint8Array) => number;
  /** Cuts a file to `size` bytes. */
  readonly truncate: (path: string, size: number) => void;
  /** Returns when what was written survives the machine. */
  readonly sync: (file: number) => void;
  /** The same without stopping the event loop. */
  readonly syncLater: (file: number) => Promise<void>;
  /** Gives a file back. */
  readonly close: (file: number) => void;
  /** All bytes of a file. */
  readonly read: (path: string) => Uint8Array;
  /** Gives a file another name, in one step. */
  readonly rename: (from: string, to: string) => void;
  /** Removes a file. */
  readonly remove: (path: string) => void;
  /** Returns when names in the folder survive the machine. */
  readonly syncFolder: (path: string) => void;
  /** Sets the time of last change, milliseconds since 1970; throws when the file is gone. */
  readonly touch: (path: string, ms: number) => void;
  /** Time of last change, milliseconds since 1970; throws when the file is gone. */
  readonly changedAt: (path: string) => number;
  /** Number of this process. */
  readonly pid: number;
  /** When this process began, milliseconds since 1970, the same in each of its threads; 0 when that cannot be told. */
  readonly startedAt: number;
  /** What gives out process numbers, such as this machine: where it is another, a number says nothing. */
  readonly host: string;
  /** Whether a process with a number of `host` is alive; undefined when that cannot be told. */
  readonly isAlive: (pid: number) => boolean | undefined;
};

/** True when `error` says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === "ENOENT";
}

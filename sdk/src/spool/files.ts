/**
 * The file operations a spool needs. All throw what the platform throws. A write is in the hands of the operating system when it returns: it survives
 * the process; what `sync` has covered also survives the machine. Created, renamed and removed names survive the machine after `syncFolder`.
 */
export type SpoolFiles = {
  readonly makeFolder: (path: string) => void;
  readonly list: (path: string) => readonly string[];
  /** Creates a file for appending; throws when it exists. */
  readonly create: (path: string) => number;
  readonly openToAppend: (path: string) => number;
  /** Returns how many bytes were written, which may be fewer. */
  readonly write: (file: number, bytes: Uint8Array) => number;
  readonly truncate: (path: string, size: number) => void;
  readonly sync: (file: number) => void;
  /** The same without stopping the event loop. */
  readonly syncLater: (file: number) => Promise<void>;
  readonly close: (file: number) => void;
  readonly read: (path: string) => Uint8Array;
  readonly rename: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  readonly syncFolder: (path: string) => void;
  /** Sets the time of last change; throws when the file is gone. */
  readonly touch: (path: string, ms: number) => void;
  readonly changedAt: (path: string) => number;
  /** This process, and whether another one on the same host is alive; undefined when that cannot be told. */
  readonly pid: number;
  readonly host: string;
  readonly isAlive: (pid: number) => boolean | undefined;
};

/** True when `error` says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown } | undefined)?.code === "ENOENT";
}

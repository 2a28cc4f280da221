import type { Runtime } from "./runtime.ts";

/** One event on disk. */
export type SpoolRecord = {
  readonly segment: {
    /** The file that it is in. */
    readonly name: string;
  };
  /** Its place in that file, from 1. */
  readonly number: number;
};

/** An event read back from disk. */
export type SpooledEvent = {
  /** Where it is, for `acknowledge`. */
  readonly record: SpoolRecord;
  /** The event as it was given to `append`. */
  readonly json: string;
};

/** What a spool needs of the client that opens it. */
export type SpoolHost = {
  /** The client's clock and timers. */
  readonly runtime: Runtime;
  /** `count` events of earlier or dead processes are now this client's to deliver; negative when another process took them over, 0 when reading may work now. */
  readonly onRecovered: (count: number) => void;
  /** `count` events of this client cannot be read back. */
  readonly onLost: (count: number) => void;
  /** Something an operator should know. */
  readonly onWarning: (message: string, cause?: unknown) => void;
};

/** A spool's account. */
export type SpoolStats = {
  /** Size of this process's files. */
  readonly bytes: number;
  /** Number of its files. */
  readonly segments: number;
  /** Operations that the disk refused. */
  readonly failures: number;
  /** Events that could not be read back. */
  readonly corrupt: number;
};

/**
 * Events on disk until they are acknowledged. A record returned by `append` survives the death of the process, and that of the machine as far as the
 * fsync policy says. No method throws: a disk that fails costs durability, which is counted and warned of, never the application.
 */
export type SpoolSession = {
  /** Writes one event; "full" beyond the bytes allowed, "failed" when the disk refuses: then the event is only in memory. */
  readonly append: (json: string) => SpoolRecord | "full" | "failed";
  /** The event is not kept in memory: `read` will bring it back. */
  readonly leave: (record: SpoolRecord) => void;
  /** How many events only the disk holds. */
  readonly unread: () => number;
  /** Events that only the disk holds, oldest first: at most `eventsMax`, about `bytesMax`, none when the disk refuses. */
  readonly read: (eventsMax: number, bytesMax: number) => readonly SpooledEvent[];
  /** The server has decided: these events need not survive. */
  readonly acknowledge: (records: readonly SpoolRecord[]) => void;
  /** What stands on disk now. */
  readonly stats: () => SpoolStats;
  /** Leaves what is not acknowledged for the next client that opens the folder. */
  readonly close: () => void;
};

/** A place for events that outlives the process; `createFileSpool` makes one. */
export type Spool = {
  /** Called once, by the client that is given the spool. */
  readonly open: (host: SpoolHost) => SpoolSession;
};

import type { RowToArchive } from "./archive-file-writer.ts";
import type { ReadTiles, TileAt } from "./format/tiles.ts";

/** A piece of work, leased to this worker: to write or check one file, or to sign the manifest of a tenant's day. */
export type ArchiveWork = {
  readonly work: "write" | "check" | "sign";
  readonly tenantId: string;
  readonly day: string;
  /** Undefined for a manifest. */
  readonly part: number | undefined;
  readonly lease: string;
};

/** One file of an archive as the books have it; what is known only once it was written is undefined before. */
export type BookedFile = {
  readonly part: number;
  readonly rows: number;
  readonly from: { readonly occurredAt: string; readonly id: string };
  readonly to: { readonly occurredAt: string; readonly id: string };
  readonly generation: number;
  readonly attempts: number;
  readonly written: WrittenFile | undefined;
};

export type WrittenFile = {
  readonly key: string;
  readonly sha256: Uint8Array;
  readonly bytes: number;
  readonly firstLogIndex: number;
  readonly lastLogIndex: number;
};

export type WrittenManifest = { readonly key: string; readonly sha256: Uint8Array; readonly checkpointSize: number; readonly checkpointRoot: Uint8Array };

/** What became of the attempt to drop a day: "locked" when others kept `events` for longer than was waited; "differs" is recorded, and nothing was dropped. */
export type DropOutcome = "dropped" | "busy" | "unready" | "differs" | "locked";

/**
 * The archive's books, in Postgres. Every promise that resolves has committed durably. What is recorded under a lease that another worker has taken over
 * since resolves to false and changes nothing: a worker that slept through its lease cannot undo what was done meanwhile. Throws `unavailable`.
 */
export type ArchiveBooks = {
  /** Closes days before `before`, at most `limit`, and returns them. */
  closeDays(before: string, limit: number): Promise<readonly string[]>;
  /** Days that are closed and wait to be cut into files. */
  closedDays(): Promise<readonly string[]>;
  planDay(day: string): Promise<"planned" | "unsealed" | "busy">;
  claim(leaseSeconds: number): Promise<ArchiveWork | undefined>;
  /** The files of an archive in order, or one of them. */
  files(tenantId: string, day: string, part?: number): Promise<readonly BookedFile[]>;
  /** Gives `take` the events of a file in order, a row group at a time, each with its place in the tree. Throws ArchiveFault when one has none, or gives no leaf. */
  rows(tenantId: string, file: BookedFile, take: (group: readonly RowToArchive[]) => Promise<void>): Promise<void>;
  /** The newest checkpoint of the tenant's log, not yet believed. */
  checkpoint(tenantId: string): Promise<{ readonly note: string; readonly verifierKey: string } | undefined>;
  /** Tiles of the tenant's tree, not yet believed. */
  tilesOf(tenantId: string): ReadTiles;
  rotations(): Promise<readonly string[]>;
  recordFile(work: ArchiveWork, file: WrittenFile): Promise<boolean>;
  recordCheck(work: ArchiveWork): Promise<boolean>;
  recordManifest(work: ArchiveWork, manifest: WrittenManifest): Promise<boolean>;
  /** Gives the work back until `retrySeconds` have passed; `giveUp` has a file written anew under another name. */
  fail(work: Omit<ArchiveWork, "work">, problem: string, retrySeconds: number, giveUp: boolean): Promise<boolean>;
  /** Days all of whose archives are checked. */
  readyDays(): Promise<readonly string[]>;
  dropDay(day: string, retentionYears: number, lockMs: number): Promise<DropOutcome>;
};

/** Tiles that may follow an archive: between which tiles of level 0 its leaves stand. */
export type TileWork = { readonly tenantId: string; readonly day: string; readonly lease: string; readonly firstTile: number; readonly lastTile: number };

/** An archive whose time is over, and which nobody can hold any more. `expiringAt` stays the same when another worker goes on. */
export type ExpiryWork = {
  readonly tenantId: string;
  readonly day: string;
  readonly lease: string;
  readonly expiringAt: string;
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
  readonly manifestKey: string;
  readonly manifestSha256: Uint8Array;
};

/** What archives need after their day was dropped; the same promises as ArchiveBooks. */
export type ArchiveCareBooks = {
  claimTiles(leaseSeconds: number): Promise<TileWork | undefined>;
  /** Full tiles of level 0, all of whose leaves are archived, in order. */
  movableTiles(work: TileWork, limit: number): Promise<readonly number[]>;
  /** Full tiles above level 0 below which no tile of level 0 is left in Postgres, of those above `indexes`. */
  fullTilesAbove(tenantId: string, indexes: readonly number[]): Promise<readonly TileAt[]>;
  /** Deletes tiles that were read back from the store; `isLast` when there are no more for this archive. */
  moveTiles(work: TileWork, moved: readonly { readonly index: number; readonly sha256: Uint8Array }[], isLast: boolean): Promise<boolean>;
  claimExpiry(leaseSeconds: number): Promise<ExpiryWork | undefined>;
  recordDeleted(work: ExpiryWork): Promise<boolean>;
};

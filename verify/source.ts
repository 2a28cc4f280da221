import type { EventRecord } from "./leaf.ts";

/** A stored event: its row as read, nothing of it believed. `seq` orders rows; `leafHash` is the hash stored with it. */
export type StoredEvent = {
  readonly tenantId: string;
  readonly seq: number;
  readonly occurredAt: string;
  readonly id: string;
  readonly leafHash: Uint8Array;
  readonly event: EventRecord;
};

/** A stored event as its row was copied, most of which is never looked at as values: `bytes` from `at` on, packed-event.ts. Nobody writes to them. */
export type PackedEvent = { readonly tenantId: string; readonly seq: number; readonly bytes: Uint8Array; readonly at: number };

/** An event that was read, as a value or still packed. */
export type ReadEvent = StoredEvent | PackedEvent;

/** A tile of level 0 as stored: which events stand at its places. */
export type LeafTile = {
  readonly index: number;
  /** 32 bytes a hash, end to end. */
  readonly hashes: Uint8Array;
  readonly seqs: readonly number[];
  readonly occurredAts: readonly string[];
  readonly ids: readonly string[];
};

/** A tile above level 0. */
export type UpperTile = { readonly level: number; readonly index: number; readonly hashes: Uint8Array };

/** A checkpoint as stored: its signed note, and what its row says beside it, of which nobody needs to believe anything. */
export type StoredCheckpoint = {
  readonly note: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** As `Date.toISOString` writes it. */
  readonly signedAt: string;
  /** The key, as text, that is said to have signed it. */
  readonly verifierKey: string;
};

/** What a tenant's log claims of itself; `tree` is undefined when none is recorded. */
export type TenantClaims = {
  readonly tenantId: string;
  readonly tree: { readonly size: number; readonly root: Uint8Array } | undefined;
  readonly checkpoints: readonly StoredCheckpoint[];
  /** What the sealer found and recorded: events whose row differed before they were sealed, a tree that differed from its checkpoint. */
  readonly sealProblems: readonly { readonly seq: number; readonly occurredAt: string; readonly id: string }[];
  readonly treeProblem: string | undefined;
};

/** Events of a tenant's UTC day that were deleted when their time was over: as many as a signed statement says, between two places of the tree, both included. */
export type ExpiredDay = {
  readonly tenantId: string;
  readonly day: string;
  readonly rows: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** The UTC day on which their deletion is said to have begun, and so of the event that tells of it. */
  readonly expiringOn: string;
};

/** An event that readers are not shown, since it is softly deleted. */
export type Deletion = { readonly tenantId: string; readonly occurredAt: string; readonly id: string };

/**
 * Where a log is read from: one state of it, whatever happens meanwhile. Times and ids are text, the same text in tiles and in events, and equal
 * text is an equal value.
 */
export type LogSource = {
  /** Every event up to this seq should be sealed. */
  readonly sealedSeq: number;
  /** Every tenant that has a tree, a tile, a checkpoint or a recorded problem. */
  readonly tenants: readonly TenantClaims[];
  /** Days whose events are gone for good, and rightly. Their hashes are in the tree as before. */
  readonly expired?: readonly ExpiredDay[];
  /** Every soft deletion, where the log has any. */
  readonly deletions?: readonly Deletion[];
  /** Every event, in the order of seq, some at a time. */
  events(): AsyncIterable<readonly ReadEvent[]>;
  /** Tiles of level 0 from `fromIndex` on, in order; fewer than `limit` means that there are no more. */
  leafTiles(tenantId: string, fromIndex: number, limit: number): Promise<readonly LeafTile[]>;
  upperTiles(tenantId: string): Promise<readonly UpperTile[]>;
  /** The event with this key, wherever it stands in the order, if it is there. */
  find(tenantId: string, occurredAt: string, id: string): Promise<StoredEvent | undefined>;
};

/** What stays of a committed event once its leaf was checked: where it goes, and what finds it again. */
export type SealRow = {
  readonly occurredAtMs: number;
  readonly id: string;
  readonly seq: number;
  /** The hash stored with the row, which the row rebuilds. */
  readonly leafHash: Uint8Array;
};

/**
 * A committed event and the leaf that is built from its row, undefined when none can be. The hash stored with it is hexadecimal text: most rows rebuild
 * it, and then nobody needs its bytes.
 */
export type CommittedEvent = {
  readonly tenantId: string;
  readonly occurredAt: string;
  readonly id: string;
  readonly seq: number;
  readonly leafHashHex: string;
  readonly leaf: string | undefined;
};

/** A committed event whose row rebuilds the hash that is stored with it. */
export type CheckedEvent = SealRow & { readonly tenantId: string };

/** Committed events in the order of seq, `count` of them up to `lastSeq`: those that rebuild their hash, and those that do not. */
export type CheckedEvents = {
  readonly count: number;
  /** Undefined when there are none. */
  readonly lastSeq: number | undefined;
  readonly checked: readonly CheckedEvent[];
  readonly problems: readonly SealProblem[];
};

/**
 * A tenant's tree as stored, with its newest checkpoint; size 0 and an empty edge before the first leaf. `widths` holds the hashes of the last
 * tile of each level, 0 where there is none. `problem` is set once the tree was found to differ from its checkpoint.
 */
export type StoredTree = {
  readonly tenantId: string;
  readonly size: number;
  readonly edge: readonly Uint8Array[];
  readonly widths: readonly number[];
  readonly checkpoint: { readonly note: string; readonly verifierKey: string } | undefined;
  readonly problem: string | undefined;
};

/** Hashes to put at the end of one tile, end to end; on level 0 with the rows they came from, otherwise with none. */
export type TileAppend = {
  readonly tenantId: string;
  readonly level: number;
  readonly index: number;
  readonly offset: number;
  readonly hashes: Uint8Array;
  readonly rows: readonly SealRow[];
};

/** A tree that grew from `oldSize`, all its tile appends, and its checkpoint. `tiles` is empty when only the signature is new. */
export type TreeGrowth = {
  readonly tenantId: string;
  readonly oldSize: number;
  readonly size: number;
  readonly edge: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly tiles: readonly TileAppend[];
  readonly note: string;
  /** As the note says it; of parts of a second nothing is kept. */
  readonly signedAt: Date;
};

/** A row whose leaf hash is not the one stored with it. */
export type SealProblem = { readonly found: CommittedEvent; readonly rebuilt: Uint8Array | undefined };

/** A tree that differs from its checkpoint. */
export type TreeProblem = { readonly tenantId: string; readonly problem: string };

/**
 * One turn of the sealer: a transaction that holds the sealer's lock. Events in (sealedSeq, openSeq] are complete: no transaction can add one any
 * more. `gateAt` is set while a running transaction keeps later ones shut. Nothing of the turn is visible, or survives, before it commits.
 */
export type SealTurn = {
  readonly sealedSeq: number;
  readonly openSeq: number;
  readonly gateAt: string | undefined;
  /** The next events in seq order, at most `limit`. */
  events(limit: number): Promise<CheckedEvents>;
  trees(tenantIds: readonly string[]): Promise<readonly StoredTree[]>;
  /** Tenants, at most `limit`, whose newest checkpoint was signed by another key than this. */
  signedByOthers(verifierKey: string, limit: number): Promise<readonly string[]>;
  /** Grows trees, adds their checkpoints, and moves the mark to `toSeq`. Throws when anything is not as it was read: nothing then commits. */
  append(toSeq: number, growths: readonly TreeGrowth[], verifierKey: string): Promise<void>;
  report(rows: readonly SealProblem[], trees: readonly TreeProblem[]): Promise<void>;
  /** The seq of the last leaf of a tenant's tree, 0 before the first; undefined when its tile is missing and did not move to the archive. */
  lastSeqOf(tenantId: string): Promise<number | undefined>;
  /** A tenant's events in (afterSeq, sealedSeq] in seq order, at most `limit`, but for those that were reported. */
  passedOver(tenantId: string, afterSeq: number, limit: number): Promise<CheckedEvents>;
  /** Ends a tenant's tree problem, which stays on record. Throws when the tree is not what its last checkpoint states. */
  endTreeProblem(tenantId: string): Promise<void>;
};

/**
 * Where trees are kept. Throws `unavailable` when the database cannot be reached, and refuses a replica: its events may not be the newest, and
 * a tree grown there would be a fork. Throws `conflict` where events get numbers that were sealed before.
 */
export type SealStore = {
  /** Whether a key may sign here: the first one ever may, later ones must have been announced by the key they succeed. */
  useKey(verifierKey: string, logOrigin: string): Promise<"usable" | "retired" | "unknown">;
  /** Every rotation statement, oldest first: signed notes, to be verified by whoever reads them. */
  rotations(): Promise<readonly string[]>;
  /** Runs `work` in a turn and commits it durably; "busy" when another sealer is at work. What `work` throws undoes the turn. */
  turn<T>(work: (turn: SealTurn) => Promise<T>): Promise<T | "busy">;
};

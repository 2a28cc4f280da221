/** How the log as a whole fares, over all tenants and naming none: what `/readyz` judges and `/metrics` shows. Times are RFC 3339. */
export type OperationsFigures = {
  /** Events that are not sealed yet, counted up to a bound; and when the first of them was received. */
  readonly unsealed: number;
  readonly unsealedSince: string | undefined;
  /** Since when a transaction that is still running holds sealing up. */
  readonly gateSince: string | undefined;
  /** Events and trees that the sealer found changed. */
  readonly sealProblems: number;
  readonly checkpointAt: string | undefined;
  /** Numbers drawn for events so far: grows with every event that was stored, by whichever door. */
  readonly lastSeq: number;
  /** UTC days that are in Postgres, in order. */
  readonly hotDays: readonly string[];
  /** Size of the events with their indexes, and their number as the planner estimates it. */
  readonly eventBytes: number;
  readonly eventRows: number;
  /** Days by the state of their archiving, and archives by theirs; `problems` could not go on when last tried. */
  readonly archiveDays: Readonly<Record<string, number>>;
  readonly archives: Readonly<Record<string, number>>;
  readonly archiveBytes: number;
  readonly archiveProblems: number;
  readonly jobs: readonly JobFigures[];
};

export type JobFigures = { readonly job: string; readonly succeededAt: string | undefined; readonly failedAt: string | undefined; readonly failures: number };

/** Connections of this process to the database: `waiting` are requests that got none yet. */
export type PoolFigures = { readonly total: number; readonly idle: number; readonly waiting: number; readonly max: number };

/** Where operators' figures come from. Throws `unavailable` when the database does not answer. */
export type OperationsReader = {
  figures(): Promise<OperationsFigures>;
  /** Version of the newest migration that was applied; undefined when the database keeps no record that we may read. */
  schemaVersion(): Promise<string | undefined>;
  pool(): PoolFigures;
};

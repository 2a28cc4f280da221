/** Every bound of the system in one place; served at `/limits`. Bytes are bytes of UTF-8. */
export const limits = {
  /** Events in one request to `audit-logger`. */
  eventsPerRequestMax: 1000,
  /** Events in one request to the bulk API. */
  eventsPerApiRequestMax: 500,
  /** Decoded body of one ingest request. */
  bodyBytesMax: 4 * 1024 * 1024,
  /** Brackets a body may nest, counted before it is parsed: the envelope, an event, its context, and room to reject one event alone. */
  bodyDepthMax: 64,
  /** Bodies that one process holds at once, and those of them that it works on: a batch takes ten times its body, and 256 MB end an Edge Function. */
  bodiesHeldBytesMax: 16 * 1024 * 1024,
  bodiesAtWorkBytesMax: 6 * 1024 * 1024,
  /** What a request takes besides its body. */
  requestBytes: 16 * 1024,
  /** How long a body that has arrived may wait to be worked on. */
  bodyTurnWaitMs: 5_000,
  /** A body that has been arriving for so long gives way when others need its room. */
  bodySlowMs: 2_000,
  /** Time a client may take to send its body. */
  bodyReadTimeoutMs: 30_000,
  /** Canonical JSON of one stored event: a tile's entry must fit a 16-bit length. */
  leafBytesMax: 65_535,
  contextBytesMax: 32 * 1024,
  contextDepthMax: 32,
  keysPerObjectMax: 256,
  /** Faults that are told of one event; there may be more. */
  faultsPerEventMax: 8,
  /** Keys that a JSON Pointer in an answer repeats; it stops before a longer one. */
  pointerKeyLengthMax: 100,
  /** Strings that stand in an index; a btree entry over 2,704 bytes is an error. */
  indexedBytesMax: 255,
  messageBytesMax: 8 * 1024,
  userAgentBytesMax: 2 * 1024,
  /** Type names and sources: `[A-Za-z0-9_.:/-]{1,100}`. */
  typeNameLengthMax: 100,
  durationMsMax: 2_147_483_647,
  /** Smallest magnitude of a number that is not zero: smaller ones print as hundreds of digits in jsonb. */
  numberMagnitudeMin: 1e-30,
  eventMaxAgeDays: 7,
  eventMaxAheadMinutes: 60,
  idempotencyKeyBytesMax: 255,
  /** Batches that may be waiting for their COMMIT after their 202; the next one is answered when it is stored. */
  pendingBatchesMax: 8,
  idempotencyHours: 24,
  queryRowsMax: 1000,
  queryRowsDefault: 100,
  queryOffsetMax: 10_000,
  queryStatementTimeoutMs: 3_000,
  /** After this a search for words answers with what it has found, and a cursor to go on. */
  queryTextSearchMs: 300,
  queryStringBytesMax: 8 * 1024,
  queryDefaultDays: 7,
  /** Terms in `q`. */
  queryTermsMax: 50,
  /** How long a page's cursor may be used. */
  cursorHours: 24,
  /** A principal's reads with one filter are recorded once in this time. */
  viewRecordMinutes: 10,
  viewRecordEntriesMax: 10_000,
  /** Rows and bytes that an export holds at once: one page, one Parquet row group. */
  exportPageRows: 250,
  exportPageBytes: 2 * 1024 * 1024,
  exportRowGroupRows: 2_000,
  exportRowGroupBytes: 2 * 1024 * 1024,
  /** Exports that one process makes at a time, those of one tenant, and how long one more waits for its turn. */
  exportsMax: 8,
  exportsPerTenantMax: 4,
  exportTurnWaitMs: 5_000,
  /** A client that takes nothing of its export for so long loses it, and with it the place. */
  exportStallMs: 120_000,
  /** How far the clocks of servers may differ: events acknowledged before an export began are in it for sure, received this much later are not. */
  exportClockSkewMs: 30_000,
  /** Pages in a row that may come nowhere before an export gives up. */
  exportStandstillsMax: 8,
  /** One export call on an Edge Function; the rest follows by cursor. */
  exportEdgeRowsMax: 10_000,
  exportEdgeBytesMax: 8 * 1024 * 1024,
  exportsEdgeMax: 2,
  exportEdgeMs: 60_000,
  /** Types, and principals, that a compliance report lists. */
  reportRowsMax: 200,
  /** Types, and principals, of hot events that a report adds archived ones to before it cuts its lists. */
  reportGroupsMax: 10_000,
  statsBucketsMax: 120,
  /** Newest matching events that facets and percentiles are counted over. */
  statsFacetRowsMax: 50_000,
  statsFacetValuesMax: 20,
  /** Newest events over which producers' counters are compared, producers shown, and gaps shown of each. */
  producerEventsMax: 200_000,
  producersMax: 100,
  producerGapsMax: 20,
  /** With the grace below it bounds how long a connection that died unnoticed takes a place in the pool: ingest resumes within 10 s. */
  ingestStatementTimeoutMs: 7_000,
  keyStatementTimeoutMs: 3_000,
  databaseConnectTimeoutMs: 5_000,
  databaseIdleMs: 30_000,
  /** How long after its own timeout the server may take to say so, before its connection is given up. */
  databaseAnswerGraceMs: 1_000,
  /** A process that stops inside a transaction must not hold rows and the sealer's gate for longer. */
  idleInTransactionMs: 5_000,
  storeAttemptsMax: 4,
  /** Body of a request that is no batch, such as a new API key. */
  smallBodyBytesMax: 16 * 1024,
  smallBodyDepthMax: 8,
  /** Why a hold, its release or a deletion was made. */
  reasonBytesMax: 2000,
  holdsPerPage: 100,
  holdsPerPageMax: 1000,
  archivesPerPage: 100,
  archivesPerPageMax: 1000,
  keysPerPage: 100,
  keysPerPageMax: 1000,
  /** Keys of one tenant that are in use; a constant of `audit_log.create_key()` too. */
  keysInUseMax: 1000,
  /** How exact "last used" is, and how often it is written at most. */
  keyTouchMs: 60_000,
  /** How long a looked-up API key may be believed; revocation is effective within 60 s. */
  keyCacheMs: 30_000,
  keyCacheEntriesMax: 10_000,
  /** A credential is measured before it is looked at. */
  credentialBytesMax: 8 * 1024,
  tokenClockToleranceSeconds: 30,
  tenantsPerTokenMax: 100,
  /** Rate limits: what a deployment has by default, and how they work; `core/rate-limiter.ts`. */
  ingestPerSecond: 100_000,
  readsPerSecond: 2_000,
  rateMax: 1_000_000,
  /** A bucket holds so many seconds' worth, a lease at most so many, and before a lease is there so many are given on credit. */
  rateBurstSeconds: 10,
  rateLeaseSeconds: 2,
  /** A lease that is not spent is settled all the same after so long: other quotas, which somebody set meanwhile, come into force. */
  rateLeaseMaxMs: 10_000,
  rateCreditSeconds: 1,
  /** An empty bucket stays closed until there is so much in it again. */
  ratePauseSeconds: 0.5,
  /** Least time between two settlements of one process, and after one that failed. */
  rateAskMs: 100,
  rateRetryMs: 5_000,
  rateBucketsMax: 10_000,
  rateBucketsPerAsk: 200,
  /** Public keys of user tokens: a key that is taken out of the set is refused this much later. */
  jwksFreshMs: 60_000,
  /** How long the last set is believed while the auth server cannot be asked. */
  jwksStaleMs: 600_000,
  /** Least time between two questions to the auth server: unknown key ids must not become a flood of them. */
  jwksRefetchMs: 30_000,
  jwksRetryMs: 5_000,
  jwksTimeoutMs: 5_000,
  /** One turn of the sealer: rows in one transaction, and trees whose keys changed. */
  sealRowsPerTurn: 10_000,
  sealTenantsPerTurn: 200,
  sealStatementTimeoutMs: 30_000,
  /** What one call of the sealer may take: hosted functions have 2 s of CPU. */
  sealBudgetMs: 1_500,
  sealWaitMs: 400,
  /** An archived file: the writer takes 0.4 s of CPU for so many rows, and a hosted function has 2. Bytes are of leaves, roughly. */
  archiveRowsMax: 20_000,
  archiveFileBytes: 16 * 1024 * 1024,
  /** Rows that a reader must read to see one: the finer, the less, the finer, the larger the footer. */
  archiveRowGroupRows: 2_000,
  /** What one call of the archiver may take, how long it may keep a piece of work, and how often a piece is tried before its object is given up. */
  archiveBudgetMs: 1_000,
  archiveLeaseSeconds: 300,
  archiveReadsMax: 3,
  archiveRetrySeconds: 60,
  archiveDaysPerCall: 10,
  archiveStatementTimeoutMs: 60_000,
  /** Reading archived days for one answer: time and bytes fetched; what lies beyond follows by cursor. */
  archivedReadMs: 1_500,
  archivedReadBytes: 64 * 1024 * 1024,
  /** Files up to this size are fetched whole and checked by their SHA-256; of larger ones the footer is read first, about so much. */
  archivedWholeBytes: 64 * 1024,
  /** Manifests, footers and decoded row groups that a process keeps: pages of a walk and of an export come back to them. */
  archivedManifestsKept: 500,
  archivedFilesKept: 32,
  archivedGroupsKept: 3,
  /** Days that one transaction of an import writes to: each is a partition with its indexes to lock. */
  importDaysPerBatchMax: 50,
  importStatementTimeoutMs: 60_000,
  checkpointsPerPage: 100,
  checkpointsPerPageMax: 1000,
  /** Following the log: leaves read at once, and how often the sizes of trees are asked while somebody waits. */
  streamPageRows: 100,
  streamPollMs: 1_000,
  /** Longest silence on a stream; proxies and clients take longer ones for a broken connection. */
  streamHeartbeatMs: 10_000,
  /** How often the credential of a stream is verified again: with a heartbeat and the time that a key is believed, revocation takes effect within 60 s. */
  streamRecheckMs: 10_000,
  /** What clients wait before they connect again. */
  streamRetryMs: 1_000,
  /** A client that takes nothing of its stream for so long loses it, and with it the place. */
  streamStallMs: 120_000,
  /** Streams of one process, and those of them that one tenant may have. */
  streamsMax: 500,
  streamsPerTenantMax: 100,
  /** One stream of an Edge Function, which has 150 s and 2 s of CPU; the client goes on where it ended. */
  streamEdgeMs: 140_000,
  streamEdgeEventsMax: 5_000,
  streamEdgeBytesMax: 8 * 1024 * 1024,
  /** Figures for operators: how long one answer serves all who ask, and how far unsealed events are counted. */
  figuresSharedMs: 5_000,
  figuresStatementTimeoutMs: 3_000,
  unsealedCountMax: 100_000,
  readinessSharedMs: 1_000,
  archiveProbeMs: 3_000,
  /** Beyond these `/readyz` warns: how long an event may wait to be sealed, and days that must be ready, today included. */
  sealLagMaxMs: 120_000,
  partitionsAheadMin: 2,
} as const;

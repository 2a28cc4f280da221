import type { AccessRecorder } from "../core/access-record.ts";
import type { Authenticate, Caller, Claims } from "../core/caller.ts";
import type { ArchiverSummary } from "../core/archive.ts";
import type { ArchiveCatalogue } from "../core/archived-catalogue.ts";
import type { DeletionAdmin } from "../core/deletion-admin.ts";
import type { ExportBounds, RunningHash } from "../core/export.ts";
import type { ExportRoom } from "../core/export-room.ts";
import type { CursorCodec } from "../core/format/cursor.ts";
import type { HoldAdmin } from "../core/hold-admin.ts";
import type { IngestHandlerParts } from "../core/ingest-handler.ts";
import type { Catalogue } from "../core/catalogue.ts";
import type { KeyAdmin } from "../core/key-admin.ts";
import type { PolicyAdmin } from "../core/policy-admin.ts";
import type { Metrics } from "../core/metrics.ts";
import type { OperationsReader } from "../core/operations.ts";
import type { ArchiveStore, EventStore, Log, TextSha256 } from "../core/ports.ts";
import type { ProofStore } from "../core/proofs.ts";
import type { RateLimiter } from "../core/rate-limiter.ts";
import type { EventReader } from "../core/query-store.ts";
import type { StreamBounds } from "../core/stream.ts";
import type { SealedFeed } from "../core/stream-feed.ts";
import type { RetentionPreview } from "../core/retention-preview.ts";

/** All that the query service is made of. Entry files make it from their runtime; tests make it from what they like. */
export type ApiParts = {
  readonly authenticate: Authenticate;
  readonly reader: EventReader;
  /** Runs `work` with the proofs that a caller may read, in one read-only transaction. */
  readonly prove: <T>(claims: Claims, work: (store: ProofStore) => Promise<T>) => Promise<T>;
  readonly events: EventStore;
  readonly keys: KeyAdmin;
  readonly holds: HoldAdmin;
  readonly deletions: DeletionAdmin;
  readonly policies: PolicyAdmin;
  readonly archives: ArchiveCatalogue;
  /** Undefined where any event type will do. */
  readonly catalogue: Catalogue | undefined;
  /** Undefined where nobody is limited. */
  readonly rates: RateLimiter | undefined;
  readonly recorder: AccessRecorder;
  readonly cursors: CursorCodec;
  readonly createHash: () => RunningHash;
  readonly sha256: TextSha256;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly log: Log;
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined;
  /** Undefined where a call may take as long as it needs. */
  readonly exportBounds: ExportBounds | undefined;
  readonly exportRoom: ExportRoom;
  readonly feed: SealedFeed;
  readonly streamBounds: StreamBounds | undefined;
  /** Streams that are open in this process, by tenant. */
  readonly openStreams: Map<string, number>;
  readonly metrics: Metrics;
  readonly operations: OperationsReader;
  readonly archive: ArchiveStore | undefined;
  readonly retentionPreview: RetentionPreview;
  /** Works on what is due for so long; undefined where this process has no archive or no signing key. */
  readonly runArchiver: ((budgetMs: number) => Promise<ArchiverSummary>) | undefined;
  /** Fires when the process is asked to stop: what lasts as long as it is let ends then. */
  readonly stopping: AbortSignal;
  readonly settings: IngestHandlerParts["settings"] & {
    readonly hotDays: number;
    readonly retentionYears: number;
    readonly retentionFloorYears: number;
    readonly keyCacheMs: number;
    readonly metricsToken: string | undefined;
  };
};

/** What middleware leaves for handlers: the request's id, and on routes behind `requireScope` its verified caller. */
export type ApiEnv = {
  /** What the server knows of the connection; an Edge Function knows nothing. */
  Bindings: { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } };
  Variables: { requestId: string; caller: Caller; counts?: Readonly<Record<string, number>> };
};

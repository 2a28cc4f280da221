import type { Pool } from "pg";
import { createAuthenticate } from "../adapters/auth/authenticate.ts";
import type { Settings } from "../adapters/environment.ts";
import { jsonLog } from "../adapters/log.ts";
import { createArchiveCatalogue } from "../adapters/postgres/archived-catalogue.ts";
import { createDeletionAdmin } from "../adapters/postgres/deletion-admin.ts";
import { openCatalogue } from "../adapters/open-catalogue.ts";
import { createEventStore } from "../adapters/postgres/event-store.ts";
import { createHoldAdmin } from "../adapters/postgres/hold-admin.ts";
import { createOperationsReader } from "../adapters/postgres/operations-reader.ts";
import { createKeyAdmin } from "../adapters/postgres/key-admin.ts";
import { createKeyStore } from "../adapters/postgres/key-store.ts";
import { createPolicyAdmin } from "../adapters/postgres/policy-admin.ts";
import { readAs } from "../adapters/postgres/claims.ts";
import { createRateStore } from "../adapters/postgres/rate-store.ts";
import { createPool } from "../adapters/postgres/pool.ts";
import { createProofStore } from "../adapters/postgres/proof-store.ts";
import { createEventReader } from "../adapters/postgres/query-reader.ts";
import { hmacSha256, runningSha256, sha256 } from "../adapters/sha256.ts";
import { createSealedReader } from "../adapters/postgres/sealed-reader.ts";
import { openArchive } from "../adapters/storage/open-archive.ts";
import { createAccessRecorder } from "../core/access-record.ts";
import { createArchiveSource } from "../core/archived-source.ts";
import { createExportRoom } from "../core/export-room.ts";
import { createCursorCodec } from "../core/format/cursor.ts";
import { createRateLimiter } from "../core/rate-limiter.ts";
import { createMetrics } from "../core/metrics.ts";
import { counted } from "../core/request-metrics.ts";
import { archive as runArchive } from "../core/archive.ts";
import { createArchiver } from "../adapters/create-archiver.ts";
import { createRetentionPreview } from "../adapters/postgres/archive-preview.ts";
import { limits } from "../core/limits.ts";
import { withArchivedTiles } from "../core/archive-tiles.ts";
import type { ArchiveStore, Log } from "../core/ports.ts";
import type { ProofStore } from "../core/proofs.ts";
import type { ApiParts } from "./context.ts";
import { createSealedFeed } from "../core/stream-feed.ts";

/** What differs between a server and an Edge Function. */
export type Runtime = Pick<ApiParts, "exportBounds" | "streamBounds" | "stopping" | "waitUntil"> & { readonly write: (line: string) => void };

/** The parts of the service over one pool of connections, as `settings` say. `close` ends the pool, once what runs has ended. */
export function createParts(settings: Settings, runtime: Runtime): { readonly parts: ApiParts; readonly close: () => Promise<void> } {
  const { waitUntil, exportBounds, streamBounds, stopping } = runtime;
  if (settings.cursorKey === undefined) throw new Error("create parts: AUDIT_CURSOR_KEY must have been required");
  const now = () => new Date();
  const elapsedMs = () => performance.now();
  const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const metrics = createMetrics();
  const log = counted(jsonLog(runtime.write, now), metrics);
  const pool = createPool(settings, log);
  const events = createEventStore(pool, log);
  const archive = openArchive(settings);
  const parts: ApiParts = {
    authenticate: createAuthenticate({ settings, keys: createKeyStore(pool, log), now, log, waitUntil }),
    reader: createEventReader({ pool, log }, elapsedMs, {
      source: archive && createArchiveSource({ store: archive, sha256 }),
      eventMaxAgeDays: settings.eventMaxAgeDays,
    }),
    prove: (claims, work) => readAs({ pool, log }, claims, (transaction) => work(proofsOf(createProofStore(transaction.query), archive))),
    events,
    keys: createKeyAdmin(pool, log),
    catalogue: openCatalogue(settings),
    holds: createHoldAdmin(pool, log),
    deletions: createDeletionAdmin(pool, log),
    policies: createPolicyAdmin(pool, log),
    archives: createArchiveCatalogue(pool, log),
    rates: settings.quotas && createRateLimiter({ store: createRateStore(pool, log), quotas: settings.quotas, elapsedMs, log, waitUntil }),
    recorder: createAccessRecorder({ events, now, randomBytes, sha256, log, waitUntil }),
    cursors: createCursorCodec(hmacSha256(settings.cursorKey)),
    createHash: runningSha256,
    sha256,
    now,
    elapsedMs,
    randomBytes,
    log,
    waitUntil,
    exportBounds,
    exportRoom: createExportRoom({
      places: exportBounds === undefined ? limits.exportsMax : limits.exportsEdgeMax,
      placesPerTenant: exportBounds === undefined ? limits.exportsPerTenantMax : limits.exportsEdgeMax,
      waitMs: limits.exportTurnWaitMs,
    }),
    feed: createSealedFeed(createSealedReader({ pool, log }), (ms) => new Promise((resolve) => setTimeout(resolve, ms))),
    streamBounds,
    openStreams: new Map(),
    metrics,
    operations: createOperationsReader(pool, settings.databasePoolSize, log),
    archive,
    retentionPreview: createRetentionPreview(pool, log),
    runArchiver: archiverOf(settings, pool, log, now),
    stopping,
    settings,
  };
  return { parts, close: () => pool.end() };
}

/** Proofs whose tiles, when they are no longer in Postgres, are in the archive. */
function proofsOf(store: ProofStore, archive: ArchiveStore | undefined): ProofStore {
  if (archive === undefined) return store;
  return { ...store, tiles: (tenantId, wanted) => withArchivedTiles((more) => store.tiles(tenantId, more), archive, tenantId)(wanted) };
}

/** Made at its first run: a process that is never asked to archive parses no signing key. */
function archiverOf(settings: Settings, pool: Pool, log: Log, now: () => Date): ApiParts["runArchiver"] {
  if (openArchive(settings) === undefined || settings.signingKey === undefined || settings.logOrigin === undefined) return undefined;
  const { archiveLeaseSeconds: leaseSeconds, archiveRetrySeconds: retrySeconds } = limits;
  const { hotDays, retentionYears } = settings;
  return async (budgetMs) =>
    await runArchive(await createArchiver(settings, pool, log, now), { hotDays, retentionYears, budgetMs, leaseSeconds, retrySeconds });
}

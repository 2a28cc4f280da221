import pg from "pg";
import { createEventStore } from "../../adapters/postgres/event-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import type { AuditEvent } from "../../core/event.ts";
import { makeSigningKey, parseSigningKey } from "../../core/format/signed-note.ts";
import { limits } from "../../core/limits.ts";
import { seal } from "../../core/seal.ts";
import type { SealBounds, SealDependencies } from "../../core/sealer.ts";
import { createDatabase } from "./database.ts";
import { eventRow } from "./random-events.ts";
import { sha256 } from "./sha256.ts";

export const logOrigin = "log.example/audit";
/** Two test keys, the second for rotations: text, public text, and ready to sign. */
export const [firstKey, secondKey] = await Promise.all([1, 2].map(async (byte) => {
  const made = await makeSigningKey(logOrigin, new Uint8Array(32).fill(byte));
  return { ...made, signer: await parseSigningKey(made.signingKey) };
})) as [TestKey, TestKey];
export type TestKey = { readonly signingKey: string; readonly verifierKey: string; readonly signer: Awaited<ReturnType<typeof parseSigningKey>> };

/** Patient: the gate waits for transactions of every database in the cluster, and other tests have some open in theirs. */
export const sealBounds: SealBounds = {
  rowsPerTurn: limits.sealRowsPerTurn,
  tenantsPerTurn: limits.sealTenantsPerTurn,
  budgetMs: 30_000,
  waitMs: 30_000,
};

/** A database of its own with an ingest and a sealer at hand. */
export async function openLog(options: Parameters<typeof createDatabase>[0] = {}) {
  const database = await createDatabase(options);
  const pool = createPool({ databaseUrl: database.url, databasePoolSize: 4 }, () => {});
  const admin = new pg.Client({ connectionString: database.adminUrl });
  admin.on("error", () => {});
  await admin.connect();
  const events = createEventStore(pool, () => {});
  const dependencies: SealDependencies = {
    store: createSealStore(pool, () => {}),
    signer: firstKey.signer,
    logOrigin,
    sha256,
    now: () => new Date(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
  return {
    database,
    pool,
    admin,
    dependencies,
    /** Stores `stored` in batches of `batch`, as the door does: one batch has one received_at and one principal. */
    ingest: async (stored: readonly AuditEvent[], batch = 500) => {
      for (let at = 0; at < stored.length; at += batch) await events.insert(stored.slice(at, at + batch).map(eventRow));
    },
    seal: (overrides: Partial<SealDependencies> = {}, bounds: Partial<SealBounds> = {}) =>
      seal({ ...dependencies, ...overrides }, { ...sealBounds, ...bounds }),
    close: async () => {
      await admin.end();
      await pool.end();
      await database.drop();
    },
  };
}

export type TestLog = Awaited<ReturnType<typeof openLog>>;

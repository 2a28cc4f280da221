import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEventStore } from "../../adapters/postgres/event-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import { seal } from "../../core/seal.ts";
import type { SealDependencies } from "../../core/sealer.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { migrate, readMigrations } from "../../scripts/stack/migrate.ts";
import { type PostgresProcess, startPostgres } from "../../scripts/stack/postgres-process.ts";
import { prepareDatabase } from "../../scripts/stack/prepare-database.ts";
import { checkDatabase } from "../support/check-log.ts";
import { eventRow, randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, sealBounds } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

const password = "replica";
const tenantId = "123e4567-e89b-12d3-a456-426614174000";

describe("on a replica", () => {
  let folder: string;
  let postgres: PostgresProcess;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "audit-replica-"));
    chmodSync(folder, 0o711);
    postgres = await start();
    await prepareDatabase(postgres.adminUrl("postgres"), password);
    await migrate(urlOf(postgres), readMigrations(join(projectFolder, "migrations")));
    await withPool(async (pool) => {
      await createEventStore(pool, () => {}).insert(randomEvents(randomFrom(1), 50, { tenantIds: [tenantId] }).map(eventRow));
      expect(await seal(sealer(pool), sealBounds)).toMatchObject({ status: "done", sealed: 50 });
      await createEventStore(pool, () => {}).insert(randomEvents(randomFrom(2), 50, { tenantIds: [tenantId] }).map(eventRow));
    });
    await postgres.stop();
    // What makes a server a standby: it stays in recovery, readable, and waits for a primary.
    writeFileSync(join(folder, "postgres", "standby.signal"), "");
    postgres = await start();
  });
  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async () => startPostgres({ folder: join(folder, "postgres"), logFile: join(folder, "postgres.log"), port: await freePort(), password });
  const urlOf = (server: PostgresProcess) => `postgresql://postgres:${password}@127.0.0.1:${server.port}/postgres`;
  const withPool = async <T>(work: (pool: pg.Pool) => Promise<T>): Promise<T> => {
    const pool = createPool({ databaseUrl: urlOf(postgres), databasePoolSize: 2 }, () => {});
    return await work(pool).finally(() => pool.end());
  };
  const sealer = (pool: pg.Pool): SealDependencies => ({
    store: createSealStore(pool, () => {}),
    signer: firstKey.signer,
    logOrigin,
    sha256,
    now: () => new Date(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });

  it("the server can be read, so that what follows is a refusal and no outage", async () => {
    const client = new pg.Client({ connectionString: postgres.adminUrl("postgres") });
    await client.connect();
    const { rows } = await client.query("select pg_is_in_recovery() as replica, count(*)::int as events from audit_log.events");
    await client.end();
    expect(rows).toEqual([{ replica: true, events: 100 }]);
  });

  it("the sealer seals nothing and throws: a tree that grew there would be a fork", async () => {
    await withPool(async (pool) => {
      await expect(seal(sealer(pool), sealBounds)).rejects.toMatchObject({ name: "AuditError" });
      // Its own refusal stands before anything that Postgres would refuse to write.
      await expect(pool.query("begin read only; select audit_log.seal_open()")).rejects.toThrow("seal: this is a replica");
    });
  });

  it("verify refuses to say anything: events may lag behind the trees", async () => {
    await expect(checkDatabase(postgres.adminUrl("postgres"))).rejects.toThrow("it is a replica: verify the primary");
  });
});

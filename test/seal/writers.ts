import pg from "pg";
import { describe, expect, it } from "vitest";
import { createPool } from "../../adapters/postgres/pool.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import type { SealSummary } from "../../core/seal.ts";
import { openDatabaseLog } from "../../scripts/audit/database-source.ts";
import { nativeHash } from "../../scripts/audit/native-hash.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import { eventRow, randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"];
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export type WriterLoad = { readonly writers: number; readonly transactionMsMax: number; readonly seconds: number };

/**
 * Writers whose transactions last between nothing and `transactionMsMax`, one in five rolled back; two sealers at once, their connections
 * cut at random; and the reader that everybody would write first, which believes that numbers become visible in their order.
 */
export function describeWriters({ writers, transactionMsMax, seconds }: WriterLoad): void {
  describe(`${writers} writers with transactions of 0 to ${transactionMsMax} ms, two sealers, killed and doubled`, () => {
    it("seals every committed event exactly once, while a reader of seq > last loses some", async () => {
      const log = await openLog();
      // Days and tenants are there before: making them would hold a lock through a transaction that the door never leaves open so long.
      await log.admin.query("select audit_log.ensure_partitions((now() - interval '1 day')::date, now()::date)");
      for (const tenantId of tenantIds) await log.admin.query("insert into audit_log.tenants (id, name) values ($1, 'Writers')", [tenantId]);
      const until = performance.now() + seconds * 1000;
      const isRunning = () => performance.now() < until;
      const committed = new Set<string>();
      const naive = readNaively(log, isRunning);
      const sealers = [1, 2].map(() => sealAllTheTime(log, isRunning));
      const killer = cutConnections(log, isRunning);
      await Promise.all(Array.from({ length: writers }, (_, i) => write(log, i + 1, transactionMsMax, isRunning, committed)));
      const sealed = await Promise.all(sealers);
      const cuts = await killer;
      const seen = await naive;

      // What was committed last waits for nobody now.
      const last = await log.seal();
      expect(last).toMatchObject({ status: "done", problems: 0, tree_problems: 0 });
      const { rows } = await log.admin.query("select tile_index, seqs, ids from audit_log.tiles where level = 0 order by tenant_id, tile_index");
      const ids = rows.flatMap((row) => row.ids as string[]);
      expect(new Set(ids)).toEqual(committed);
      expect(ids).toHaveLength(committed.size);

      const source = await openDatabaseLog(log.database.adminUrl);
      const report = await verifyLog(source, { ring: await followRotations([firstKey.verifierKey], []), hash: nativeHash });
      await source.close();
      expect(report).toMatchObject({ sound: true, events: committed.size, unsealed: 0 });

      const lost = [...committed].filter((id) => !seen.has(id));
      expect(lost.length, "events that the naive reader lost").toBeGreaterThan(0);
      expect(sealed.flatMap(({ summaries }) => summaries).filter(({ status }) => status === "busy").length).toBeGreaterThan(0);
      expect(cuts).toBeGreaterThan(0);
      console.info(`${committed.size} committed and sealed; naive reader lost ${lost.length}; ${cuts} connections of sealers cut`);
      await log.close();
    }, (seconds + 60) * 1000);
  });
}

async function write(log: TestLog, seed: number, transactionMsMax: number, isRunning: () => boolean, committed: Set<string>): Promise<void> {
  const random = randomFrom(seed);
  const client = new pg.Client({ connectionString: log.database.url });
  await client.connect();
  while (isRunning()) {
    const receivedAt = new Date();
    const rows = randomEvents(random, 1 + Math.floor(random() * 4), { tenantIds, receivedAt }).map(eventRow);
    await client.query("begin; set local role audit_ingest");
    await client.query(`select audit_log.ingest(${Array.from({ length: 22 }, (_, i) => `$${i + 1}`).join(", ")})`, [
      receivedAt.toISOString(),
      "key:test00000001",
      ...["tenant_id", "occurred_at", "id", "source", "actor_id", "actor_type", "event_type", "object_type", "object_id", "result", "message", "duration_ms"]
        .map((column) => rows.map(({ event }) => (event as Record<string, unknown>)[column] ?? null)),
      rows.map(({ contextJson }) => contextJson ?? null),
      ...["ip_address", "user_agent", "device_fingerprint", "request_id", "producer_id", "producer_seq"]
        .map((column) => rows.map(({ event }) => (event as Record<string, unknown>)[column] ?? null)),
      rows.map(({ leafHash }) => Buffer.from(leafHash, "hex")),
    ]);
    await pause(random() < 0.3 ? 0 : random() * transactionMsMax);
    const isKept = random() >= 0.2;
    await client.query(isKept ? "commit" : "rollback");
    if (isKept) { for (const { event } of rows) committed.add(event.id); }
  }
  await client.end();
}

/** What it says: `seq > last`. */
async function readNaively(log: TestLog, isRunning: () => boolean): Promise<ReadonlySet<string>> {
  const client = new pg.Client({ connectionString: log.database.adminUrl });
  await client.connect();
  const seen = new Set<string>();
  let last = "0";
  for (let isLast = false; !isLast;) {
    isLast = !isRunning();
    if (isLast) await pause(200);
    const { rows } = await client.query("select seq, id from audit_log.events where seq > $1 order by seq", [last]);
    for (const row of rows) seen.add(row.id);
    last = rows.at(-1)?.seq ?? last;
    await pause(10);
  }
  await client.end();
  return seen;
}

async function sealAllTheTime(log: TestLog, isRunning: () => boolean): Promise<{ readonly summaries: readonly SealSummary[] }> {
  const pool = createPool({ databaseUrl: log.database.url, databasePoolSize: 1 }, () => {});
  const summaries: SealSummary[] = [];
  while (isRunning()) {
    // A cut connection fails the call, as a killed process would; the next one goes on.
    await log.seal({ store: createSealStore(pool, () => {}) }, { waitMs: 40 }).then((summary) => summaries.push(summary), () => {});
    await pause(5);
  }
  await pool.end();
  return { summaries };
}

/** Ends sealers' connections wherever they happen to be. */
async function cutConnections(log: TestLog, isRunning: () => boolean): Promise<number> {
  let cuts = 0;
  const random = randomFrom(99);
  while (isRunning()) {
    await pause(20 + random() * 150);
    const { rowCount } = await log.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'audit-events'
         and (state = 'active' or state like 'idle in%') and query ~ 'seal|committed|checkpoint|audit_job' limit 1`,
      [log.database.name],
    );
    cuts += rowCount ?? 0;
  }
  return cuts;
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import type { ArchiverSummary } from "../../core/archive.ts";
import { startFunction } from "../support/functions.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";
import { archiverOf, eventsOf } from "./archived-log.ts";
import { everything } from "./everything.ts";

const tenants = Array.from({ length: 20 }, (_, at) => `00000000-0000-4000-8000-0000000000${String(at + 10)}`);
const days = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"];

/** What both sides must agree on: counts and sums, by tenant and day. */
const figures = "count(*)::text as rows, coalesce(sum(duration_ms), 0)::text as durations, count(distinct id)::text as ids, count(message)::text as messages";

/**
 * A log of `events` over five days and twenty tenants, archived by the function while batches are stored beside it. What is read is the same before and
 * after, DuckDB reads the folder with the counts and sums that Postgres had, and a `share` of
 * the batches waits at most `waitsMax` times as long as between the calls.
 */
export function volume(events: number, waitsMax: number, share: number): void {
  it(`archives ${events.toLocaleString("en")} events of 20 tenants, DuckDB reads them, and ingest goes on meanwhile`, async () => {
    const log = await openLog();
    const folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    try {
      for (const [at, day] of days.entries()) await log.ingest(eventsOf(day, events / days.length, at + 1, tenants), 1000);
      // A busy machine takes longer over a million than a call of the sealer may.
      expect(await log.seal({}, { budgetMs: 600_000 })).toMatchObject({ status: "done", sealed: events });
      const all = await everything(log, archiverOf(log, folder).archive);
      const before = (await log.admin.query(
        `select tenant_id::text as tenant, (occurred_at at time zone 'UTC')::date::text as day, ${figures} from audit_log.events group by 1, 2 order by 1, 2`,
      )).rows;
      expect(before).toHaveLength(tenants.length * days.length);

      const { idle, busy } = await waitsOfIngest(log, folder);
      const hotRows = (await log.admin.query("select count(*)::int as count from audit_log.events")).rows[0].count;
      expect(hotRows).toBe((idle.length + busy.length) * batchRows);
      const left = (await everything(log, archiverOf(log, folder).archive)).filter((line) => line.split("/")[1]?.startsWith("2026-03"));
      expect(left).toEqual(all);
      expect(await readByDuckDb(folder)).toEqual(before);
      const [waited, usual] = [quantile(busy, share), quantile(idle, share)];
      expect(waited, `what ${share} of ${busy.length} batches waited at most, idle ${usual.toFixed(1)} ms`).toBeLessThan(Math.max(waitsMax * usual, 50));
    } finally {
      await log.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 1_800_000);
}

/** What batches waited during calls of the archiver, and between them: in turns, so that what else the machine does weighs on both. */
async function waitsOfIngest(log: TestLog, folder: string): Promise<{ readonly idle: readonly number[]; readonly busy: readonly number[] }> {
  const archiver = await startArchiver(log, folder);
  const idle = await ingestLatencies(log, (done) => done >= 100);
  const busy: number[] = [];
  try {
    for (let isDone = false; !isDone;) {
      let hasAnswered = false;
      const call = archiver.call().finally(() => hasAnswered = true);
      busy.push(...await ingestLatencies(log, () => hasAnswered));
      isDone = await call === "done";
      idle.push(...await ingestLatencies(log, (done) => done >= 5));
    }
  } finally {
    await archiver.stop();
  }
  const { rows } = await log.admin.query("select state, count(*)::int as days from audit_log.archive_days group by state");
  expect(rows).toEqual([{ state: "dropped", days: days.length }]);
  return { idle, busy };
}

const batchRows = 50;
const today = new Date().toISOString().slice(0, 10);

/** How long batches of today took to be stored, one after the other with a pause, until `isOver`. */
async function ingestLatencies(log: TestLog, isOver: (done: number) => boolean): Promise<number[]> {
  const latencies: number[] = [];
  while (!isOver(latencies.length)) {
    const batch = eventsOf(today, batchRows, 1000 + Math.floor(Math.random() * 1e9), tenants);
    const started = performance.now();
    await log.ingest(batch);
    latencies.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return latencies;
}

function quantile(latencies: readonly number[], share: number): number {
  return [...latencies].sort((a, b) => a - b)[Math.floor(latencies.length * share)] ?? 0;
}

/** The function as its scheduler has it. */
async function startArchiver(log: TestLog, folder: string) {
  const env = { ...testEnvironment(log.database), AUDIT_SIGNING_KEY: firstKey.signingKey, AUDIT_LOG_ORIGIN: logOrigin, AUDIT_ARCHIVE_URL: `file:${folder}` };
  const archiver = await startFunction("audit-retention", { env, writableFolders: [folder] });
  return {
    call: async () => {
      const answer = await fetch(archiver.url, { method: "POST", headers: { apikey: secretKey } });
      const summary = await answer.json() as ArchiverSummary;
      expect(summary, archiver.stderr()).toMatchObject({ failed: 0, differing: [] });
      return summary.status;
    },
    stop: archiver.stop,
  };
}

/** Counts and sums of the folder as any tool with Hive partitions sees them: tenant and day are taken from the paths. */
async function readByDuckDb(folder: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  try {
    const text = `select tenant_id::text as tenant, date::text as day, ${figures.replaceAll("::text", "::varchar")}
      from read_parquet('${folder}/tenant_id=*/date=*/*.parquet', hive_partitioning = true) group by 1, 2 order by 1, 2`;
    return await (await connection.runAndReadAll(text)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

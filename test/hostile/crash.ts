import { expect } from "vitest";
import { type OwnPostgres, runSql } from "../support/postgres-process.ts";
import { openDoor } from "./door.ts";
import { expectFlawless, judgeLoad, ratePerSecond, recoveryMs, recoveryMsMax, startTestLoad, until } from "./load.ts";

/** How a server is run that forgets: it acknowledges before the disk has anything, and writes nothing soon by itself. */
export const forgetful = { synchronous_commit: "off", wal_writer_delay: "10s", wal_writer_flush_after: "1GB", wal_buffers: "64MB", autovacuum: "off" };

/** Lets the settings of a control run have their way over what ingest() asks for itself. */
export async function allowForgetting(postgres: OwnPostgres): Promise<void> {
  await runSql(postgres.adminUrl, "create or replace function audit_log.require_durable_commit() returns void language sql as ''");
  // The schema itself must outlive the crash.
  await runSql(postgres.adminUrl, "checkpoint");
  // Every ten seconds is still sometimes: the writer that comes right before the crash would leave nothing to lose.
  const [writer] = await runSql<{ pid: number }>(postgres.adminUrl, "select pid from pg_stat_activity where backend_type = 'walwriter'");
  if (writer !== undefined) process.kill(writer.pid, "SIGSTOP");
}

/** Rounds of load, `kill -9` of all of PostgreSQL and restart, then the judgement: nothing acknowledged is lost, nothing is doubled. */
export async function crashRounds(postgres: OwnPostgres, seed: number, rounds: number): Promise<void> {
  const door = await openDoor({ database: postgres });
  try {
    const run = startTestLoad([door.url], seed);
    const { load } = run;
    await until("the first batches are stored", () => load.counts.acknowledged >= 2_000);
    for (let round = 1; round <= rounds; round++) {
      const [acknowledged, sinceMs] = [load.counts.acknowledged, performance.now()];
      const rate = () => ratePerSecond(load, performance.now() - 1_000, performance.now());
      // Or as fast as it gets where other programs have the processors: what a crash meets is requests under way.
      const isFull = () => rate() >= 2_000 || (performance.now() - sinceMs > 8_000 && load.counts.acknowledged >= acknowledged + 2_000);
      await until("ingest runs at 2,000 events a second", isFull);
      const rateBefore = rate();
      await postgres.crash();
      await postgres.start();
      const readyMs = performance.now();
      await until("ingest resumes", () => recoveryMs(load, readyMs) < Infinity);
      console.info(`crash ${round}: ${rateBefore.toFixed(0)} events/s before it, first success ${recoveryMs(load, readyMs).toFixed(0)} ms after the restart`);
      expect(recoveryMs(load, readyMs)).toBeLessThan(recoveryMsMax);
    }
    await load.stop();
    expectFlawless(await judgeLoad("crashes of PostgreSQL", run, postgres.adminUrl), load);
  } finally {
    await door.close();
  }
}

import pg from "pg";
import { describe, expect, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { runSql, startOwnPostgres } from "../support/postgres-process.ts";
import { openDoor } from "./door.ts";
import { faultBench } from "./faults.ts";
import { expectFlawless, judgeLoad, recoveryMs, recoveryMsMax, startTestLoad, until } from "./load.ts";

const bench = faultBench();

describe("backends of PostgreSQL terminated every 100 ms", () => {
  it("cost 503s and retries: nothing is lost or doubled", async () => {
    const door = await bench.door();
    const run = startTestLoad([door.url], seedFor("terminated backends"));
    const endMs = performance.now() + 6_000;
    let endedMs = 0;
    let terminated = 0;
    while (performance.now() < endMs || terminated <= 30) {
      const rows = await runSql(
        bench.database().adminUrl,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'postgres'",
      );
      terminated += rows.length;
      endedMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await until("ingest goes on", () => recoveryMs(run.load, endedMs) < recoveryMsMax);
    await run.load.stop();
    expectFlawless(await judgeLoad(`${terminated} backends terminated`, run, bench.database().adminUrl), run.load);
  });
});

describe("PostgreSQL restarted in order during ingest", () => {
  it("is waited for: 503 while it is away, ingest within 10 s of its return", async () => {
    const postgres = await startOwnPostgres();
    try {
      const door = await openDoor({ database: postgres });
      try {
        const run = startTestLoad([door.url], seedFor("restart"));
        for (let restart = 0; restart < 2; restart++) {
          const acknowledged = run.load.counts.acknowledged;
          await until("two thousand more events are stored", () => run.load.counts.acknowledged >= acknowledged + 2_000);
          await postgres.stop();
          const refused = run.load.requests.filter((request) => request.status === 503).length;
          await until("a client is told", () => run.load.requests.filter((request) => request.status === 503).length > refused);
          await postgres.start();
          const readyMs = performance.now();
          await until("ingest resumes", () => recoveryMs(run.load, readyMs) < recoveryMsMax);
        }
        await run.load.stop();
        expectFlawless(await judgeLoad("restarts of PostgreSQL", run, postgres.adminUrl), run.load);
      } finally {
        await door.close();
      }
    } finally {
      await postgres.remove();
    }
  });
});

describe("a black hole between function and PostgreSQL", () => {
  it("of 6 s, which then delivers what it held: nothing is lost or doubled, and nobody waits longer than his timeout", async () => {
    const seed = seedFor("black hole");
    const proxy = await bench.proxy(bench.database().url, seed);
    const door = await bench.door(proxy.through(bench.database().url));
    const run = startTestLoad([door.url], seed);
    await until("batches are stored", () => run.load.counts.acknowledged >= 2_000);
    proxy.set({ hold: ["to-server", "to-client"] });
    const heldMs = performance.now();
    await until("six seconds have passed", () => performance.now() - heldMs > 6_000);
    proxy.heal();
    const healedMs = performance.now();
    await until("ingest resumes", () => recoveryMs(run.load, healedMs) < recoveryMsMax);
    await run.load.stop();
    expectFlawless(await judgeLoad("black hole of 6 s", run, bench.database().adminUrl), run.load);
  });

  it("that swallows the open connections for good is left within 10 s: new connections are made", async () => {
    const seed = seedFor("frozen connections");
    const proxy = await bench.proxy(bench.database().url, seed);
    const door = await bench.door(proxy.through(bench.database().url));
    const run = startTestLoad([door.url], seed);
    await until("batches are stored", () => run.load.counts.acknowledged >= 2_000);
    proxy.freeze();
    const frozenMs = performance.now();
    await until("ingest resumes", () => recoveryMs(run.load, frozenMs) < Infinity);
    const resumedMs = recoveryMs(run.load, frozenMs);
    await run.load.stop();
    const allMs = performance.now() - frozenMs;
    console.info(`frozen connections: ingest resumed after ${resumedMs.toFixed(0)} ms, every batch had its verdict after ${allMs.toFixed(0)} ms`);
    expectFlawless(await judgeLoad("frozen connections", run, bench.database().adminUrl), run.load);
    expect(resumedMs).toBeLessThan(recoveryMsMax);
  });

  it("that swallows every connection in the middle of an insert is left within 10 s, and the rows' locks are given up", async () => {
    const seed = seedFor("frozen inserts");
    const { adminUrl, url } = bench.database();
    const proxy = await bench.proxy(url, seed);
    const door = await bench.door(proxy.through(url));
    const run = startTestLoad([door.url], seed);
    await until("batches are stored", () => run.load.counts.acknowledged >= 2_000);
    // Whoever closes a day holds this lock: here it makes every insert wait, so that all connections are in the same place when they freeze.
    const closer = new pg.Client({ connectionString: adminUrl });
    await closer.connect();
    await closer.query("begin; select pg_advisory_xact_lock(1635083369, current_date - date '2000-01-01' + days) from generate_series(-1, 1) as days");
    const waiting = "select 1 from pg_stat_activity where datname = current_database() and query like '%audit_log.ingest%' and wait_event_type = 'Lock'";
    await until("every connection waits in its insert", async () => (await runSql(adminUrl, waiting)).length === 4);
    proxy.freeze();
    await closer.query("commit");
    await closer.end();
    const frozenMs = performance.now();
    await until("ingest resumes", () => recoveryMs(run.load, frozenMs) < Infinity);
    await run.load.stop();
    console.info(`frozen inserts: ingest resumed after ${recoveryMs(run.load, frozenMs).toFixed(0)} ms`);
    expectFlawless(await judgeLoad("frozen inserts", run, adminUrl), run.load);
    expect(recoveryMs(run.load, frozenMs)).toBeLessThan(recoveryMsMax);
  });
});

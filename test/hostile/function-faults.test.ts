import { describe, expect, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { faultBench } from "./faults.ts";
import { expectFlawless, judgeLoad, recoveryMs, recoveryMsMax, startTestLoad, until } from "./load.ts";

const bench = faultBench();

describe("SIGKILL of the function during ingest", () => {
  it("loses and doubles nothing: what was in flight is retried elsewhere", async () => {
    const survivor = await bench.door();
    let victim = await bench.door();
    const first = victim;
    const proxy = await bench.proxy(victim.url, 1);
    const run = startTestLoad([proxy.through(victim.url), survivor.url], seedFor("SIGKILL"));
    for (let kill = 0; kill < 2; kill++) {
      const acknowledged = run.load.counts.acknowledged;
      await until("a thousand more events are stored", () => run.load.counts.acknowledged >= acknowledged + 1_000);
      victim.function.kill("SIGKILL");
      if (kill === 0) victim = await bench.door();
    }
    await run.load.stop();
    const report = await judgeLoad("SIGKILL of the function", run, bench.database().adminUrl);
    expectFlawless(report, run.load);
    expect(run.load.requests.some((request) => request.status === "none")).toBe(true);
    expect(victim.function.pid).not.toBe(first.function.pid);
  });
});

describe("SIGSTOP of the function for 5 s", () => {
  it("loses and doubles nothing when the batches are retried elsewhere and the sleeper then wakes and finishes them", async () => {
    const [sleeper, other] = [await bench.door(), await bench.door()];
    const run = startTestLoad([sleeper.url, other.url], seedFor("SIGSTOP"), { requestTimeoutMs: 1_000 });
    await until("batches are stored", () => run.load.counts.acknowledged >= 2_000);
    sleeper.function.kill("SIGSTOP");
    const stoppedMs = performance.now();
    await until("five seconds have passed", () => performance.now() - stoppedMs > 5_000);
    await until("ingest goes on without the sleeper", () => recoveryMs(run.load, stoppedMs + 1_000) < Infinity);
    sleeper.function.kill("SIGCONT");
    const wokenMs = performance.now();
    await until("the sleeper has caught up", () => performance.now() - wokenMs > 1_000);
    await run.load.stop();
    expectFlawless(await judgeLoad("SIGSTOP of the function", run, bench.database().adminUrl), run.load);
    expect(run.load.requests.some((request) => request.status === "none")).toBe(true);
  });
});

describe("the answer to COMMIT swallowed", () => {
  it.each(["reset", "hang"] as const)(
    "at random (p = 0.3, then %s): every event is stored once and every client gets its verdict",
    { timeout: 90_000 },
    async (then) => {
      const seed = seedFor(`swallowed COMMIT, ${then}`);
      const proxy = await bench.proxy(bench.database().url, seed);
      const door = await bench.door(proxy.through(bench.database().url));
      const run = startTestLoad([door.url], seed, { eventsPerSecond: 1_000, batchSize: 50 });
      proxy.set({ swallow: { answer: "commit", probability: 0.3, then } });
      await until("answers were swallowed", () => proxy.counts.swallowed >= (then === "hang" ? 5 : 30), 60_000);
      const healedMs = performance.now();
      proxy.heal();
      await run.load.stop();
      expectFlawless(await judgeLoad(`answer to COMMIT swallowed, ${then}`, run, bench.database().adminUrl), run.load);
      expect(recoveryMs(run.load, healedMs)).toBeLessThan(recoveryMsMax);
      const duplicates = run.history.records().filter((record) => record.type === "ok" && record.status === "duplicate");
      expect(duplicates.length, "events whose first COMMIT nobody heard of").toBeGreaterThan(0);
    },
  );
});

describe("events without ids under an Idempotency-Key", () => {
  it("are stored once when answers to COMMIT are swallowed, and the replay repeats the answer that was lost", async () => {
    const seed = seedFor("swallowed COMMIT, keyed");
    const proxy = await bench.proxy(bench.database().url, seed);
    const doors = [await bench.door(proxy.through(bench.database().url)), await bench.door(proxy.through(bench.database().url))];
    const run = startTestLoad(doors.map((door) => door.url), seed, { eventsPerSecond: 1_000, batchSize: 50, keyed: true });
    proxy.set({ swallow: { answer: "commit", probability: 0.3, then: "reset" } });
    await until("fifteen answers were swallowed", () => proxy.counts.swallowed >= 15);
    proxy.heal();
    await run.load.stop();
    const report = await judgeLoad("answer to COMMIT swallowed, keyed", run, bench.database().adminUrl);
    expectFlawless(report, run.load);
    expect(run.history.records().some((record) => record.type === "ok" && record.status === "duplicate")).toBe(false);
  });
});

describe("the function's answer swallowed", () => {
  it("at random (p = 0.3): every event is stored once and every client gets its verdict", async () => {
    const seed = seedFor("swallowed answer");
    const door = await bench.door();
    const proxy = await bench.proxy(door.url, seed);
    const run = startTestLoad([proxy.through(door.url)], seed);
    proxy.set({ swallow: { answer: "http", probability: 0.3, then: "reset" } });
    await until("thirty answers were swallowed", () => proxy.counts.swallowed >= 30);
    proxy.heal();
    await run.load.stop();
    expectFlawless(await judgeLoad("answer of the function swallowed", run, bench.database().adminUrl), run.load);
    expect(run.history.records().some((record) => record.type === "ok" && record.status === "duplicate")).toBe(true);
  });
});

describe("a network that resets, delays and slices", () => {
  it("between client and function costs retries and nothing else", async () => {
    const seed = seedFor("bad network to the function");
    const door = await bench.door();
    const proxy = await bench.proxy(door.url, seed);
    const run = startTestLoad([proxy.through(door.url)], seed, { eventsPerSecond: 1_500, batchSize: 50 });
    proxy.set({ resetProbability: 0.02, latencyMs: 1, jitterMs: 5, bytesPerWrite: 1_000 });
    await until("three thousand events are stored", () => run.load.counts.acknowledged >= 3_000);
    expect(proxy.counts.resets).toBeGreaterThan(5);
    proxy.heal();
    await run.load.stop();
    expectFlawless(await judgeLoad("bad network to the function", run, bench.database().adminUrl), run.load);
  });

  it("between function and PostgreSQL costs 503s and nothing else", async () => {
    const seed = seedFor("bad network to PostgreSQL");
    const proxy = await bench.proxy(bench.database().url, seed);
    const door = await bench.door(proxy.through(bench.database().url));
    const run = startTestLoad([door.url], seed, { eventsPerSecond: 1_500, batchSize: 50 });
    proxy.set({ resetProbability: 0.03, jitterMs: 3, bytesPerWrite: 2_000 });
    await until("three thousand events are stored", () => run.load.counts.acknowledged >= 3_000);
    expect(proxy.counts.resets).toBeGreaterThan(5);
    proxy.heal();
    await run.load.stop();
    expectFlawless(await judgeLoad("bad network to PostgreSQL", run, bench.database().adminUrl), run.load);
  });
});

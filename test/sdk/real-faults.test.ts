import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AuditClient, createAuditClient } from "../../sdk/src/index.ts";
import type { AppSettings } from "./app-settings.ts";
import { type RealServer, startRealServer } from "./real-server.ts";
import { type App, runApp } from "./run-app.ts";

let real: RealServer;
let directory: string;
const apps: App[] = [];

beforeEach(async () => {
  real = await startRealServer();
  directory = mkdtempSync(join(tmpdir(), "audit-events-spool-"));
});
afterEach(async () => {
  for (const { process } of apps.splice(0)) process.kill("SIGKILL");
  await real.stop();
  rmSync(directory, { recursive: true, force: true });
});

const options = { queueSize: 20_000, batchSize: 500, backoffBaseMs: 50, backoffCapMs: 1000, requestTimeoutMs: 5000 };
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function start(settings: Partial<AppSettings>): App {
  const app = runApp({ url: real.url, apiKey: real.key, first: 0, count: 10_000, ending: "stay", options, ...settings });
  apps.push(app);
  return app;
}

/** Every number once, as the table has them. */
async function expectStoredOnce(numbers: Iterable<number>): Promise<void> {
  const stored = (await real.stored("app.event")).map(Number).sort((a, b) => a - b);
  expect(new Set(stored).size).toBe(stored.length);
  const all = new Set(stored);
  expect([...numbers].filter((number) => !all.has(number))).toEqual([]);
}

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

/** Logs `perSecond` events, some awaited; what was acknowledged is known at the end. */
async function load(client: AuditClient, seconds: number, perSecond: number, during: () => Promise<void>): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  const waiting: Promise<unknown>[] = [];
  const disturbed = during();
  const count = seconds * perSecond;
  for (let number = 0; number < count;) {
    for (let slice = 0; slice < perSecond / 50 && number < count; slice++, number++) {
      const event = { event_type: "app.event", object_id: String(number) };
      const acked = number;
      if (number % 10 > 0) expect(client.logEventFireAndForget(event)).toBe(true);
      else waiting.push(client.logEvent(event, { timeoutMs: 120_000 }).then(() => acknowledged.add(acked)));
    }
    await sleep(20);
  }
  await disturbed;
  await Promise.all(waiting);
  return acknowledged;
}

describe("SIGTERM with 10,000 events queued, at the real doors a second away", () => {
  it("accounts for every event; with a spool the next process stores the rest, none twice", async () => {
    real.delayMs = 1000;
    const app = start({ closeTimeoutMs: 2500, spool: { directory } });
    await app.said("logged");
    app.process.kill("SIGTERM");
    expect(await app.ended).toBe("SIGTERM");
    const left = app.stats();
    expect((left?.sent ?? 0) + (left?.queued ?? 0)).toBe(10_000);
    expect(left?.spooled).toBeGreaterThan(0);
    real.delayMs = 0;
    const heir = start({ count: 0, spool: { directory }, ending: "drain" });
    expect(await heir.ended).toBe(0);
    expect(heir.stats()).toMatchObject({ recovered: left?.spooled, queued: 0, dropped: { total: 0 } });
    await expectStoredOnce(upTo(10_000));
    expect((await real.stored("app.event")).length).toBe(10_000);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("SIGKILL with a spool, at the real doors", () => {
  it("loses no event that was taken and stores none twice, three times in a row", async () => {
    const taken = new Set<number>();
    for (let round = 0; round < 3; round++) {
      const app = start({ first: round * 10_000, perSecond: 2000, spool: { directory, segmentBytes: 100_000 } });
      // In the middle of its work, however long it took to come up here.
      while (app.taken().length < 500) await sleep(20);
      await sleep(Math.random() * 800);
      app.process.kill("SIGKILL");
      await app.ended;
      for (const number of app.taken()) taken.add(number);
    }
    expect(taken.size).toBeGreaterThan(1000);
    const heir = start({ count: 0, spool: { directory }, ending: "drain" });
    expect(await heir.ended).toBe(0);
    await expectStoredOnce(taken);
  });
});

describe("PostgreSQL killed and started again under load", () => {
  it("costs no acknowledged event, doubles none, and everything arrives", async () => {
    const client = createAuditClient({ url: real.url, apiKey: real.key, environment: {}, onWarning: () => {}, ...options });
    const acknowledged = await load(client, 6, 2000, async () => {
      for (let round = 0; round < 2; round++) {
        await sleep(1200);
        await real.postgres.crash();
        await sleep(500);
        await real.postgres.start();
      }
    });
    const { complete, stats } = await client.close({ timeoutMs: 60_000 });
    expect({ complete, queued: stats.queued, dropped: stats.dropped.total, rejected: stats.rejected }).toEqual({
      complete: true,
      queued: 0,
      dropped: 0,
      rejected: 0,
    });
    expect(stats.retried).toBeGreaterThan(0);
    expect(acknowledged.size).toBe(1200);
    await expectStoredOnce(upTo(12_000));
  });
});

describe("the function killed and started again under load", () => {
  it("costs no acknowledged event and doubles none: the API takes over, or the events wait", async () => {
    for (const hasApi of [true, false]) {
      real.hasApi = hasApi;
      const client = createAuditClient({ url: real.url, apiKey: real.key, environment: {}, onWarning: () => {}, ...options, source: hasApi ? "both" : "one" });
      const acknowledged = await load(client, 4, 2000, async () => {
        for (let round = 0; round < 2; round++) {
          await sleep(800);
          real.killFunction();
          await sleep(400);
          await real.startFunction();
        }
      });
      const { complete, stats } = await client.close({ timeoutMs: 60_000 });
      expect({ complete, dropped: stats.dropped.total, rejected: stats.rejected }).toEqual({ complete: true, dropped: 0, rejected: 0 });
      expect(acknowledged.size).toBe(800);
      expect((await real.stored("app.event")).length).toBe(hasApi ? 8000 : 16_000);
    }
  });
});

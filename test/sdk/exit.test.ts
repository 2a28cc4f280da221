import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { container, mayContain } from "../../sdk/test/container.ts";
import { type ServerDouble, startServerDouble } from "../../sdk/test/server-double.ts";
import type { AppSettings } from "./app-settings.ts";
import { type App, runApp } from "./run-app.ts";

let double: ServerDouble;
let directory: string;
const apps: App[] = [];

beforeEach(async () => {
  double = await startServerDouble();
  directory = mkdtempSync(join(tmpdir(), "audit-events-spool-"));
});
afterEach(async () => {
  for (const { process } of apps.splice(0)) process.kill("SIGKILL");
  await double.stop();
  rmSync(directory, { recursive: true, force: true });
});

function start(settings: Partial<AppSettings>, ...within: readonly string[]): App {
  const app = runApp({ url: double.url, apiKey: "aud_test", first: 0, count: 10_000, ending: "stay", ...settings }, within);
  apps.push(app);
  return app;
}

/** Answers after a second, as a server does that is short of breath. */
function slow(): void {
  double.behave = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return undefined;
  };
}

/** Numbers of the application's events on the server, which tells each identity once. */
function storedNumbers(): number[] {
  return [...double.events.values()].map((text) => JSON.parse(text)).filter(({ event_type }) => event_type === "app.event").map(({ object_id }) =>
    Number(object_id)
  );
}

function expectEachOnce(count: number): void {
  expect(storedNumbers().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, number) => number));
}

const options = { queueSize: 10_000, batchSize: 500 };

describe("SIGTERM with 10,000 events queued and a server that takes a second", () => {
  it("sends what it can in time and counts the rest, to the unit", async () => {
    slow();
    const app = start({ options, closeTimeoutMs: 2500 });
    await app.said("logged");
    app.process.kill("SIGTERM");
    expect(await app.ended).toBe("SIGTERM");
    const stats = app.stats();
    expect(app.taken()).toHaveLength(10_000);
    expect(stats).toMatchObject({ logged: 10_000, queued: 0 });
    expect((stats?.sent ?? 0) + (stats?.dropped.total ?? 0)).toBe(10_000);
    expect(stats?.sent).toBeGreaterThan(1000);
    expect(stats?.dropped.closed).toBeGreaterThan(1000);
    expect(new Set(storedNumbers()).size).toBeGreaterThanOrEqual(stats?.sent ?? 0);
  });

  it("leaves the rest to the next process when it has a spool: every event arrives, none twice", async () => {
    slow();
    const first = start({ options, closeTimeoutMs: 2500, spool: { directory } });
    await first.said("logged");
    first.process.kill("SIGTERM");
    expect(await first.ended).toBe("SIGTERM");
    const left = first.stats();
    expect(left?.dropped.total).toBe(0);
    expect(left?.spooled).toBeGreaterThan(1000);
    expect((left?.sent ?? 0) + (left?.queued ?? 0)).toBe(10_000);
    double.behave = () => undefined;
    const second = start({ options, count: 0, spool: { directory }, ending: "drain" });
    expect(await second.ended).toBe(0);
    expect(second.stats()).toMatchObject({ recovered: left?.spooled, queued: 0 });
    expectEachOnce(10_000);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("does not wait when it is told a second time", async () => {
    slow();
    const app = start({ options, closeTimeoutMs: 300_000 });
    await app.said("logged");
    app.process.kill("SIGTERM");
    // The same one, while the first is still on its way to a process that waits for a processor, would be none.
    app.process.kill("SIGINT");
    expect(["SIGTERM", "SIGINT"]).toContain(await app.ended);
    expect(storedNumbers().length).toBeLessThan(10_000);
  });

  it.skipIf(!mayContain)("ends also as the first process of a container, which the kernel spares a signal of its own", async () => {
    const app = start({ count: 10, closeTimeoutMs: 5000 }, ...container);
    await app.said("logged");
    const { pid } = app.process;
    process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")), "SIGTERM");
    expect(await app.ended).toBe(143);
    expectEachOnce(10);
  });

  it("leaves the end to an application that listens for the signal itself", async () => {
    const app = start({ count: 10, closeTimeoutMs: 5000, ending: "own-handler" });
    await app.said("logged");
    app.process.kill("SIGTERM");
    await app.said("stats");
    expect(app.stats()).toMatchObject({ created: 10, queued: 0 });
    expect(app.process.exitCode).toBeNull();
    expect(app.process.signalCode).toBeNull();
    expectEachOnce(10);
  });
});

describe("a process that has nothing left to do", () => {
  it("ends, with everything sent, with hooks and without", async () => {
    for (const closeTimeoutMs of [5000, undefined]) {
      double.events.clear();
      const app = start({ count: 700, ending: "by-itself", ...closeTimeoutMs === undefined ? {} : { closeTimeoutMs } });
      expect(await app.ended).toBe(0);
      expectEachOnce(700);
    }
  });

  it("does not hang on a server that is away: hooks wait as long as they were told, no hooks until all doors are known to be down", async () => {
    double.behave = (_, response) => (response.destroy(), true);
    const quick = { breakerFailures: 2, backoffBaseMs: 10, backoffCapMs: 100 };
    for (const closeTimeoutMs of [1000, undefined]) {
      const startedAt = performance.now();
      const app = start({ count: 5, ending: "by-itself", options: quick, ...closeTimeoutMs === undefined ? {} : { closeTimeoutMs } });
      expect(await app.ended).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(60_000);
    }
    expect(existsSync(directory)).toBe(true);
  });
});

describe("SIGKILL with a spool", () => {
  it("loses no event that was taken, and stores none twice, five times in a row", async () => {
    double.behave = async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
      return undefined;
    };
    const taken = new Set<number>();
    for (let round = 0; round < 5; round++) {
      const app = start({ first: round * 10_000, count: 10_000, perSecond: 3000, spool: { directory, segmentBytes: 50_000 }, options });
      // Alive first, however long that takes here; then somewhere in the middle of its work.
      await app.said("taken");
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 700));
      app.process.kill("SIGKILL");
      expect(await app.ended).toBe("SIGKILL");
      expect(app.taken().length).toBeGreaterThan(0);
      for (const number of app.taken()) taken.add(number);
    }
    const heir = start({ count: 0, spool: { directory }, ending: "drain" });
    expect(await heir.ended).toBe(0);
    const numbers = storedNumbers();
    expect([...taken].filter((number) => !new Set(numbers).has(number))).toEqual([]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it("has the events of the dead delivered by another process that shares the folder and lives", async () => {
    double.behave = (_, response) => (response.destroy(), true);
    const spool = { directory, scanMs: 200 };
    const dying = start({ first: 0, count: 1000, spool, options });
    const living = start({ first: 1000, count: 1000, spool, options });
    await Promise.all([dying.said("logged"), living.said("logged")]);
    dying.process.kill("SIGKILL");
    await dying.ended;
    double.behave = () => undefined;
    for (let turns = 0; turns < 300 && new Set(storedNumbers()).size < 2000; turns++) await new Promise((resolve) => setTimeout(resolve, 100));
    expectEachOnce(2000);
  });
});

import { monitorEventLoopDelay } from "node:perf_hooks";
import { expect } from "vitest";
import { createHistory, type History } from "../support/history.ts";
import { checkHistory, type CheckReport } from "../support/history-check.ts";
import { readStoredRows } from "../support/history-rows.ts";
import { type Load, type LoadOptions, startLoad } from "../support/load-client.ts";
import { secretKey } from "../support/tokens.ts";
import { tenantA, tenantB } from "./door.ts";

/** A client's own timeout in these tests; how long the longest request may take is judged against it. */
export const requestTimeoutMs = 3_000;

/** How late this process comes to what is due: a client that waits for a processor ends its requests no sooner. */
const lateness = monitorEventLoopDelay({ resolution: 10 });
lateness.enable();

export type TestLoad = { readonly load: Load; readonly history: History; readonly keyed: boolean };

/** Four clients with batches of 100, rather more than 2,000 events a second over all, unless `changes` says otherwise. */
export function startTestLoad(urls: readonly string[], seed: number, changes: Partial<LoadOptions> = {}): TestLoad {
  const history = changes.history ?? createHistory();
  const load = startLoad({
    urls,
    headers: { apikey: secretKey },
    tenantIds: [tenantA, tenantB],
    clients: 4,
    batchSize: 100,
    eventsPerSecond: 3_200,
    requestTimeoutMs,
    giveUpAfterMs: 45_000,
    retryDelayMs: 100,
    seed,
    history,
    ...changes,
  });
  return { load, history, keyed: changes.keyed === true };
}

/** Judges a finished load against the rows; prints what it came to. */
export async function judgeLoad(name: string, run: TestLoad, adminUrl: string): Promise<CheckReport> {
  const rows = await readStoredRows(adminUrl);
  const report = checkHistory(run.history.records(), rows, { createdMayRepeat: run.keyed });
  const longestMs = Math.max(...run.load.requests.map((request) => request.durationMs));
  const answers = Object.entries(Object.groupBy(run.load.requests, (request) => String(request.status))).map(([status, all]) => `${status}: ${all?.length}`);
  console.info(`${name}: ${JSON.stringify({ ...report.totals, ...report.counts })}, answers {${answers.join(", ")}}, longest ${longestMs.toFixed(0)} ms`);
  return report;
}

/** Everything acknowledged is there once and as it was sent, every batch got its verdict, and no request outlived its timeout by a second more than this process was held up. */
export function expectFlawless(report: CheckReport, load: Load): void {
  expect(report.findings.slice(0, 10)).toEqual([]);
  expect(load.unexpected).toEqual([]);
  expect(load.counts.givenUp).toBe(0);
  expect(report.totals.unknown).toBe(0);
  expect(Math.max(...load.requests.map((request) => request.durationMs))).toBeLessThan(requestTimeoutMs + 1_000 + lateness.max / 1e6);
}

/**
 * After a fault ingest must go on within ten seconds, of a machine that has a processor for it; twice as long here, where other programs have them. What
 * does not recover by itself takes minutes, or for ever.
 */
export const recoveryMsMax = 20_000;

/** Milliseconds from `sinceMs` to the end of the first request that was answered 2xx after it. */
export function recoveryMs(load: Load, sinceMs: number): number {
  return (load.requests.find((request) => request.atMs > sinceMs && typeof request.status === "number" && request.status < 300)?.atMs ?? Infinity) - sinceMs;
}

/** Acknowledged events a second between two moments; every request carries `batchSize` of them. */
export function ratePerSecond(load: Load, fromMs: number, toMs: number, batchSize = 100): number {
  const answered = load.requests.filter((request) => request.atMs >= fromMs && request.atMs < toMs && request.status === 201);
  return (answered.length * batchSize * 1000) / (toMs - fromMs);
}

/** Resolves when `condition` holds; throws after `timeoutMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!await condition()) {
    if (performance.now() > deadlineMs) throw new Error(`wait until ${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

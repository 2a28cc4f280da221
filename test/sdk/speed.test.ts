import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { root } from "./build.ts";

const run = promisify(execFile);
const roundsMax = 8;

type Seen = {
  readonly perSecond: number;
  readonly p99Micros: number;
  readonly baselineP99Micros: number;
  readonly loopP99Ms: number;
  readonly heldP99Ms: number;
  readonly lost: number;
};
/** What a client costs, and beside it, in the same seconds, how an event loop fares whose process does the least of all instead. */
type Round = Seen & { readonly controlLoopP99Ms: number; readonly controlPerSecond: number };

async function seenBy(...args: readonly string[]): Promise<Seen> {
  const { stdout } = await run(process.execPath, ["--experimental-strip-types", "--no-warnings", join(root, "test", "sdk", "speed-app.ts"), ...args]);
  return JSON.parse(stdout);
}

async function round(...args: readonly string[]): Promise<Round> {
  const [seen, control] = await Promise.all([seenBy("client", ...args), seenBy("control", ...args)]);
  return { ...seen, controlLoopP99Ms: control.loopP99Ms, controlPerSecond: control.perSecond };
}

/** Rounds until one is good; the last one otherwise: other processes on the machine only ever add to what the client costs. */
async function roundsUntil(isGood: (one: Round) => boolean, ...args: readonly string[]): Promise<Round> {
  let one = await round(...args);
  for (let count = 1; count < roundsMax && !isGood(one); count++) one = await round(...args);
  const { p99Micros, baselineP99Micros, loopP99Ms, controlLoopP99Ms, heldP99Ms } = one;
  console.info(
    `p99 ${p99Micros.toFixed(1)} µs (the least of all: ${baselineP99Micros.toFixed(1)} µs), event loop p99 ${loopP99Ms.toFixed(2)} ms (${
      controlLoopP99Ms.toFixed(2)
    } ms), of it by its own work ${heldP99Ms.toFixed(2)} ms`,
  );
  return one;
}

/** Under `micros`, or, on a machine that is busy with other things, under twice what the least of all costs there. */
const isQuick = ({ p99Micros, baselineP99Micros }: Round, micros: number) => p99Micros < Math.max(micros, 2 * baselineP99Micros);

/**
 * Later than the control's by less than `ms`, or, on a machine that is busy with other things, at most twice as late, or held up for less than `ms` by
 * what the process itself did: the rest was waiting for a processor.
 */
const isFree = ({ loopP99Ms, controlLoopP99Ms, heldP99Ms }: Round, ms: number) =>
  loopP99Ms < Math.max(ms + controlLoopP99Ms, 2 * controlLoopP99Ms) || heldP99Ms < ms;

/** Or, on a machine that is busy with other things, as many as the control gets done there, but for a tenth. */
const isFast = ({ perSecond, controlPerSecond }: Round) => perSecond > Math.min(5_000, 0.9 * controlPerSecond);

describe("logEventFireAndForget() at 5,000 events a second", () => {
  it("takes under 50 µs at the 99th percentile, and delays the event loop by less than 5 ms", async () => {
    const one = await roundsUntil((seen) => isQuick(seen, 50) && isFree(seen, 5) && isFast(seen));
    expect(one.lost).toBe(0);
    expect(isFast(one), `${one.perSecond} a second, the control ${one.controlPerSecond}`).toBe(true);
    expect(isQuick(one, 50)).toBe(true);
    expect(isFree(one, 5)).toBe(true);
  });

  it("costs at most twice that with every event on disk before the call returns", async () => {
    const directory = mkdtempSync(join(tmpdir(), "audit-events-spool-"));
    const one = await roundsUntil((seen) => isQuick(seen, 100) && isFree(seen, 10), directory);
    rmSync(directory, { recursive: true, force: true });
    expect(one.lost).toBe(0);
    expect(isQuick(one, 100)).toBe(true);
    expect(isFree(one, 10)).toBe(true);
  });
});

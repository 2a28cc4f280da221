import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Door, openDoor, tenantA, tenantB } from "../http/door.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import type { Flooded, FloodOptions } from "./flood.ts";

const quota = 500;
const roundMs = 1_000;
const rounds = 12;

/** A calm tenant's p99 in each window, by whether its neighbour was noisy in it; the two take turns, so that both meet the same machine. */
type Windows = { readonly quiet: readonly number[]; readonly noisy: readonly number[]; readonly offered: number; readonly stored: number };

describe("one tenant at twenty times its quota", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  async function measure(env: Readonly<Record<string, string>>): Promise<Windows> {
    const door = await openDoor({ database, env });
    const calm = (await door.makeKey(tenantA, ["ingest"])).text;
    const wild = (await door.makeKey(tenantB, ["ingest"])).text;
    // Twenty times the quota: a batch of 100 every 10 ms.
    const flood = startFlood({ url: door.url, key: wild, eventsPerBatch: 100, everyMs: 10 });
    try {
      await door.admin("select audit_log.set_rate_limits($1, $2, $2, null, null)", [tenantB, quota]);
      await window(door, calm);
      await flood.during(() => window(door, calm));
      const [quiet, noisy]: [number[], number[]] = [[], []];
      const sum = { offered: 0, stored: 0 };
      for (let round = 0; round < rounds; round++) {
        quiet.push(p99(await window(door, calm)));
        const { latencies, offered, stored } = await flood.during(() => window(door, calm));
        noisy.push(p99(latencies));
        sum.offered += offered;
        sum.stored += stored;
      }
      return { quiet, noisy, ...sum };
    } finally {
      await flood.end();
      await door.close();
    }
  }

  it("does not slow the others' p99 beyond one and a half times, and would without a quota", { timeout: 240_000 }, async () => {
    const attempts: number[] = [];
    // Whoever else loads the machine can spoil a run, but not every one.
    while (attempts.length < 3 && !attempts.some((ratio) => ratio <= 1.5)) {
      const limited = await measure({});
      attempts.push(ratioOf(limited));
      // Twenty times its quota was offered, and what was stored is the quota and one full bucket.
      expect(limited.offered).toBeGreaterThan(10 * quota * rounds * roundMs / 1000);
      expect(limited.stored).toBeLessThan(quota * (10 + 2 * rounds * roundMs / 1000 + 6));
    }
    const unlimited = await measure({ AUDIT_RATE_LIMITS: "off" });
    const control = ratioOf(unlimited);
    console.info(`p99 with a noisy neighbour: ${attempts.map((ratio) => ratio.toFixed(2)).join(", ")} times; without quotas ${control.toFixed(2)} times`);
    expect(Math.min(...attempts)).toBeLessThanOrEqual(1.5);
    expect(control).toBeGreaterThan(Math.min(...attempts));
  });
});

/** Medians over windows: one in which the machine did something else moves neither. */
function ratioOf({ quiet, noisy }: Windows): number {
  return median(noisy) / median(quiet);
}

function startFlood(options: FloodOptions) {
  const worker = new Worker(new URL("flood.ts", import.meta.url), { workerData: options });
  const broken = new Promise<never>((_, reject) => worker.once("error", reject));
  broken.catch(() => undefined);
  return {
    /** What the calm tenant met while the flood went on, and what came of the flood. */
    during: async (measured: () => Promise<readonly number[]>): Promise<Flooded & { readonly latencies: readonly number[] }> => {
      worker.postMessage("start");
      const latencies = await measured();
      worker.postMessage("stop");
      const [flooded] = await Promise.race([once(worker, "message"), broken]) as [Flooded];
      return { ...flooded, latencies };
    },
    end: () => worker.terminate(),
  };
}

/** Latencies of the calm tenant's batches, one after the other for the time of a window. */
async function window(door: Door, key: string): Promise<readonly number[]> {
  const latencies: number[] = [];
  const endsMs = performance.now() + roundMs;
  while (performance.now() < endsMs) {
    const startedMs = performance.now();
    const { status } = await door.post(batch, { authorization: `Bearer ${key}` });
    latencies.push(performance.now() - startedMs);
    if (status !== 201) throw new Error(`post of the calm tenant: ${status}`);
  }
  return latencies;
}

const batch = Array.from({ length: 20 }, (_, index) => ({ event_type: "neighbour.was", context: { index } }));

function p99(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * 0.99)] ?? Infinity;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? 0)) / 2;
}

// Minutes of steady ingest over one process: memory must be flat, and so must the latency.
import { functionEnvironment, startBenchFunction, startSystem } from "./system.ts";
import { benchDayStart, bodiesOf } from "./ingest-http.ts";
import { postAll } from "./load.ts";
import { processTreeUsage } from "./process-usage.ts";
import type { BenchReport } from "./report.ts";
import { sampleEvents } from "./sample-events.ts";
import { benchTenant } from "./system.ts";
import { median, quantile } from "./statistics.ts";

const EVENTS_PER_STEP = 50_000;

/** Posts for `minutes`; memory of the function in the last third against the second third, the first being warm-up. */
export async function benchSoak(options: { readonly minutes: number }): Promise<BenchReport> {
  const system = await startSystem();
  const database = await system.freshDatabase();
  const deno = await startBenchFunction("audit-logger", functionEnvironment(database));
  try {
    const target = { url: `http://127.0.0.1:${deno.port}/audit-logger`, headers: { authorization: `Bearer ${database.apiKey}` } };
    const memory: number[] = [];
    const latencies: number[][] = [];
    let events = 0;
    const deadline = performance.now() + options.minutes * 60_000;
    for (let step = 0; performance.now() < deadline; step++) {
      const sample = sampleEvents({ tenantId: benchTenant, count: EVENTS_PER_STEP, size: 600, from: benchDayStart() + (step % 1000) * 60_000, seed: step });
      const load = await postAll(target, bodiesOf(sample, 1000), 4);
      latencies.push([...load.latenciesMs]);
      memory.push(processTreeUsage(deno.pid).rssBytes / 1_048_576);
      events += EVENTS_PER_STEP;
    }
    return report(options.minutes, events, memory, latencies);
  } finally {
    await deno.stop();
    await database.drop();
    await system.stop();
  }
}

function report(minutes: number, events: number, memory: readonly number[], latencies: readonly number[][]): BenchReport {
  const third = Math.floor(memory.length / 3);
  const growth = median(memory.slice(2 * third)) / median(memory.slice(third, 2 * third));
  const p99 = (part: readonly number[][]) => quantile(part.flat(), 0.99);
  return {
    keys: { "ingest.soak_memory_ratio": growth },
    rows: [
      { name: `events in ${minutes} minutes`, unit: "events", median: events },
      { name: "memory of function, last third", unit: "MiB", median: median(memory.slice(2 * third)), min: Math.min(...memory), max: Math.max(...memory) },
      { name: "memory, last third : second third", unit: "×", median: growth },
      { name: "p99, last third : second third", unit: "×", median: p99(latencies.slice(2 * third)) / p99(latencies.slice(third, 2 * third)) },
    ],
  };
}

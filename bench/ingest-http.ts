// Ingest through the real function: prepared bodies, a warm process, durable commits, full answers.
import { type BenchDatabase, type BenchSystem, benchTenant, functionEnvironment, startBenchFunction, withClient } from "./system.ts";
import { type LoadOutcome, postAll } from "./load.ts";
import { processTreeUsage } from "./process-usage.ts";
import { type EventSize, type SampleEvent, sampleEvents } from "./sample-events.ts";

export type IngestCase = { readonly name: string; readonly clients: number; readonly batch: number; readonly size: EventSize; readonly events: number };

export type IngestFigures = {
  readonly eventsPerSecond: number;
  readonly load: LoadOutcome;
  /** CPU microseconds an event cost in each process, the load generator's own among them. */
  readonly cpuUsPerEvent: Readonly<Record<"function" | "postgres" | "load", number>>;
  readonly rssMiB: Readonly<Record<"function" | "postgres" | "load", number>>;
};

// Each isolate of the function has code of its own to compile.
const WARM_UP_EVENTS = 40_000;
const encoder = new TextEncoder();

/** Yesterday: inside the accepted window, and no run crosses midnight. */
export function benchDayStart(): number {
  return Math.floor(Date.now() / 86_400_000 - 1) * 86_400_000;
}

export function bodiesOf(events: readonly SampleEvent[], batch: number): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (let at = 0; at < events.length; at += batch) bodies.push(encoder.encode(JSON.stringify({ events: events.slice(at, at + batch) })));
  return bodies;
}

/** One measured run of `run` into `database`, on a function process of its own that is warmed up first. */
export async function measureIngest(system: BenchSystem, database: BenchDatabase, run: IngestCase, seed: number): Promise<IngestFigures> {
  const deno = await startBenchFunction("audit-logger", functionEnvironment(database));
  try {
    const target = { url: `http://127.0.0.1:${deno.port}/audit-logger`, headers: { authorization: `Bearer ${database.apiKey}` } };
    return await measure(system, database, deno.pid, target, run, seed);
  } finally {
    await deno.stop();
  }
}

/** The same against any door: the hand-written baseline is measured by this too. */
export async function measure(
  system: BenchSystem,
  database: BenchDatabase,
  functionPid: number,
  target: { url: string; headers: Record<string, string> },
  run: IngestCase,
  seed: number,
): Promise<IngestFigures> {
  const from = benchDayStart();
  const warmUp = sampleEvents({ tenantId: benchTenant, count: Math.min(WARM_UP_EVENTS, run.events), size: run.size, from, seed: seed + 1 });
  await postAll(target, bodiesOf(warmUp, Math.max(run.batch, 100)), 4);
  const bodies = bodiesOf(sampleEvents({ tenantId: benchTenant, count: run.events, size: run.size, from: from + 3_600_000, seed }), run.batch);
  await withClient(database.adminUrl, (admin) => admin.query("checkpoint"));
  const before = usages(system, functionPid);
  const load = await postAll(target, bodies, run.clients);
  const after = usages(system, functionPid);
  if (load.created !== run.events) throw new Error(`measure ingest: ${load.created} events were created, ${run.events} were sent`);
  const perEvent = (part: Part) => (after[part].cpuSeconds - before[part].cpuSeconds) * 1e6 / run.events;
  const mib = (part: Part) => after[part].rssBytes / 1_048_576;
  return {
    eventsPerSecond: run.events / load.seconds,
    load,
    cpuUsPerEvent: { function: perEvent("function"), postgres: perEvent("postgres"), load: perEvent("load") },
    rssMiB: { function: mib("function"), postgres: mib("postgres"), load: mib("load") },
  };
}

type Part = "function" | "postgres" | "load";

function usages(system: BenchSystem, functionPid: number) {
  const own = process.cpuUsage();
  return {
    function: processTreeUsage(functionPid),
    postgres: processTreeUsage(system.postgres.pid),
    load: { cpuSeconds: (own.user + own.system) / 1e6, rssBytes: process.memoryUsage.rss() },
  };
}

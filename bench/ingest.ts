// Ingest against the two yardsticks, in alternating rounds; then the named cases.
import { join } from "node:path";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { copyByTwoSessions, createPlainTable } from "./copy-baseline.ts";
import { namedCases } from "./ingest-cases.ts";
import { benchDayStart, type IngestCase, type IngestFigures, measure, measureIngest } from "./ingest-http.ts";
import { sampleEvents } from "./sample-events.ts";
import { quantile, type Spread, spread } from "./statistics.ts";
import { type BenchSystem, benchTenant, startBenchFunction, startSystem, withClient } from "./system.ts";
import type { BenchReport, Row } from "./report.ts";

export async function benchIngest(options: { readonly quick: boolean }): Promise<BenchReport> {
  const system = await startSystem();
  try {
    const rounds = await yardsticks(system, options.quick ? 3 : 5, options.quick ? 40_000 : 200_000);
    const single = await oneClient(system, options.quick ? 20_000 : 100_000);
    if (options.quick) return { keys: { ...rounds.keys, ...single.keys }, rows: [...rounds.rows, ...single.rows] };
    const cases = await namedCases(system, 10_000_000);
    return { keys: { ...rounds.keys, ...single.keys, ...cases.keys }, rows: [...rounds.rows, ...single.rows, ...cases.rows] };
  } finally {
    await system.stop();
  }
}

/** COPY, ours and the hand-written insert in turn, so that a drift of the machine meets all three. */
async function yardsticks(system: BenchSystem, rounds: number, events: number): Promise<BenchReport> {
  const run: IngestCase = { name: "ratio", clients: 4, batch: 1000, size: 600, events };
  const copy: number[] = [];
  const ours: IngestFigures[] = [];
  const byHand: IngestFigures[] = [];
  for (let round = 0; round < rounds; round++) {
    copy.push(await copyRate(system, run, round));
    ours.push(await inFreshDatabase(system, (database) => measureIngest(system, database, run, round)));
    byHand.push(await inFreshDatabase(system, (database) => handWritten(system, database, run, round)));
  }
  const rates = (figures: readonly IngestFigures[]) => figures.map((figure) => figure.eventsPerSecond);
  const copyRatio = spread(ours.map((figure, round) => figure.eventsPerSecond / (copy[round] as number)));
  const handRatio = spread(ours.map((figure, round) => figure.eventsPerSecond / (byHand[round] as IngestFigures).eventsPerSecond));
  return {
    keys: { "ingest.copy_ratio": copyRatio.median, "ingest.handwritten_ratio": handRatio.median, "ingest.events_per_second": spread(rates(ours)).median },
    rows: [
      row("COPY, two sessions", "events/s", spread(copy)),
      row("audit-logger, 4 clients × 1000", "events/s", spread(rates(ours))),
      row("hand-written insert, 4 clients × 1000", "events/s", spread(rates(byHand))),
      row("audit-logger : COPY", "×", copyRatio),
      row("audit-logger : hand-written", "×", handRatio),
      ...cpuRows(ours),
    ],
  };
}

function cpuRows(figures: readonly IngestFigures[]): Row[] {
  const parts = ["function", "postgres", "load"] as const;
  return parts.flatMap((part) => [
    row(`CPU of ${part}`, "µs/event", spread(figures.map((figure) => figure.cpuUsPerEvent[part]))),
    row(`memory of ${part}`, "MiB", spread(figures.map((figure) => figure.rssMiB[part]))),
  ]);
}

/** What one client waits for, and what the server says it spent, part by part. */
async function oneClient(system: BenchSystem, events: number): Promise<BenchReport> {
  const run: IngestCase = { name: "one client", clients: 1, batch: 1000, size: 600, events };
  const { load } = await inFreshDatabase(system, (database) => measureIngest(system, database, run, 99));
  const p50 = quantile(load.serverMs, 0.5);
  const p99 = quantile(load.serverMs, 0.99);
  const single = (name: string, value: number): Row => ({ name, unit: "ms", median: value });
  return {
    keys: { "ingest.p50_ms": p50, "ingest.p99_ms": p99 },
    rows: [
      single("one client × 1000, server p50", p50),
      single("one client × 1000, server p99", p99),
      single("one client × 1000, seen by the client p50", quantile(load.latenciesMs, 0.5)),
      ...Object.entries(load.parts).filter(([part]) => part !== "total_ms").map(([part, ms]) => single(`  of which ${part.replace("_ms", "")}, mean`, ms)),
    ],
  };
}

async function copyRate(system: BenchSystem, run: IngestCase, seed: number): Promise<number> {
  const events = sampleEvents({ tenantId: benchTenant, count: run.events, size: run.size, from: benchDayStart() + 3_600_000, seed });
  return await inFreshDatabase(system, async (database) => run.events / await copyByTwoSessions(database.adminUrl, events));
}

async function handWritten(
  system: BenchSystem,
  database: Awaited<ReturnType<BenchSystem["freshDatabase"]>>,
  run: IngestCase,
  seed: number,
): Promise<IngestFigures> {
  await withClient(database.adminUrl, (admin) => createPlainTable(admin, "bench_handwritten"));
  const entry = join(projectFolder, "bench", "handwritten", "index.ts");
  const deno = await startBenchFunction("handwritten", { BENCH_DATABASE_URL: database.adminUrl }, entry);
  try {
    return await measure(system, database, deno.pid, { url: `http://127.0.0.1:${deno.port}/`, headers: {} }, run, seed);
  } finally {
    await deno.stop();
  }
}

async function inFreshDatabase<T>(system: BenchSystem, run: (database: Awaited<ReturnType<BenchSystem["freshDatabase"]>>) => Promise<T>): Promise<T> {
  const database = await system.freshDatabase();
  try {
    return await run(database);
  } finally {
    await database.drop();
  }
}

function row(name: string, unit: string, figures: Spread): Row {
  return { name, unit, ...figures };
}

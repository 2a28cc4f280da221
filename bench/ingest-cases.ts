// The named cases: what changes with clients, batch size and event size, and after ten million rows.
import { createHash } from "node:crypto";
import { benchDayStart, type IngestCase, type IngestFigures, measureIngest } from "./ingest-http.ts";
import type { BenchReport, Row } from "./report.ts";
import { median, quantile, spread } from "./statistics.ts";
import { type BenchDatabase, type BenchSystem, benchTenant, withClient } from "./system.ts";

const cases: readonly IngestCase[] = [
  { name: "c1-b1-600", clients: 1, batch: 1, size: 600, events: 2_000 },
  { name: "c16-b1-600", clients: 16, batch: 1, size: 600, events: 8_000 },
  { name: "c1-b100-600", clients: 1, batch: 100, size: 600, events: 40_000 },
  { name: "c4-b100-600", clients: 4, batch: 100, size: 600, events: 80_000 },
  { name: "c16-b100-600", clients: 16, batch: 100, size: 600, events: 80_000 },
  { name: "c1-b1000-600", clients: 1, batch: 1000, size: 600, events: 80_000 },
  { name: "c4-b1000-600", clients: 4, batch: 1000, size: 600, events: 160_000 },
  { name: "c16-b1000-600", clients: 16, batch: 1000, size: 600, events: 160_000 },
  { name: "c4-b1000-300", clients: 4, batch: 1000, size: 300, events: 160_000 },
  { name: "c4-b500-4096", clients: 4, batch: 500, size: 4096, events: 40_000 },
];

const largeCases: readonly IngestCase[] = [
  { name: "c1-b1000-600-10m", clients: 1, batch: 1000, size: 600, events: 80_000 },
  { name: "c4-b1000-600-10m", clients: 4, batch: 1000, size: 600, events: 160_000 },
];

/** Each case once over an empty database; then growth: the same case in turn over a full table and an empty one. */
export async function namedCases(system: BenchSystem, rowsLoaded: number): Promise<BenchReport> {
  const rows: Row[] = [];
  for (const [index, run] of cases.entries()) {
    const database = await system.freshDatabase();
    rows.push(...caseRows(run, await measureIngest(system, database, run, 1000 + index)));
    await database.drop();
  }
  const growth = await afterMillions(system, rowsLoaded);
  return { keys: growth.keys, rows: [...rows, ...growth.rows] };
}

async function afterMillions(system: BenchSystem, rowsLoaded: number): Promise<BenchReport> {
  const full = await system.freshDatabase();
  const load = await loadRows(full, rowsLoaded);
  const ratios: number[] = [];
  const figures: IngestFigures[] = [];
  const [single, four] = largeCases as readonly [IngestCase, IngestCase];
  for (let round = 0; round < 5; round++) {
    const empty = await system.freshDatabase();
    const onEmpty = await measureIngest(system, empty, four, 2000 + round);
    await empty.drop();
    const onFull = await measureIngest(system, full, four, 3000 + round);
    figures.push(onFull);
    ratios.push(onFull.eventsPerSecond / onEmpty.eventsPerSecond);
  }
  const one = await measureIngest(system, full, single, 4000);
  await full.drop();
  const growth = spread(ratios);
  const rate = median(figures.map((figure) => figure.eventsPerSecond));
  return {
    keys: { "ingest.growth_ratio": growth.median },
    rows: [
      { name: `rows loaded first, one day, ${rowsLoaded.toLocaleString("en-US")}`, unit: "s", median: load },
      ...caseRows(single, one),
      { name: `${four.name}`, unit: "events/s", median: rate },
      { name: "full table : empty table", unit: "×", ...growth },
    ],
  };
}

function caseRows(run: IngestCase, figures: IngestFigures): Row[] {
  const { latenciesMs } = figures.load;
  const row = (what: string, unit: string, value: number): Row => ({ name: `${run.name}${what}`, unit, median: value });
  return [
    row("", "events/s", figures.eventsPerSecond),
    ...[0.5, 0.95, 0.99].map((q) => row(` p${q * 100}`, "ms", quantile(latenciesMs, q))),
    row(" memory function + postgres", "MiB", figures.rssMiB.function + figures.rssMiB.postgres),
  ];
}

/** Fills yesterday's partition with rows as wide as the measured ones, spread over the day; seconds it took. */
async function loadRows(database: BenchDatabase, count: number): Promise<number> {
  const started = performance.now();
  const day = new Date(benchDayStart()).toISOString();
  const partition = `audit_log.events_${day.slice(0, 10).replaceAll("-", "")}`;
  await withClient(database.adminUrl, async (admin) => {
    await admin.query("select audit_log.ensure_partition($1)", [day.slice(0, 10)]);
    const chunk = 500_000;
    for (let from = 0; from < count; from += chunk) {
      await admin.query(loadSql(partition), [benchTenant, day, from, Math.min(count, from + chunk) - 1, createHash("sha256").digest()]);
    }
    await admin.query(`vacuum analyze ${partition}`);
    await admin.query("checkpoint");
  });
  return (performance.now() - started) / 1000;
}

const loadSql = (partition: string) => `
  insert into ${partition} (tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id,
    result, duration_ms, context, ip_address, request_id, leaf_hash)
  select $1, $2::timestamptz + (n * 8640 / 1000) * interval '1 millisecond', gen_random_uuid(), nextval('audit_log.event_seq'), now(), 'key:bench',
    'checkout-service', 'user-' || (random() * 10000)::int, 'user', 'order.updated', 'order', 'order-' || (random() * 100000)::int, 'success', 32,
    jsonb_build_object('amount_0', random() * 10000, 'note_1', md5(n::text), 'note_2', md5(random()::text), 'note_4', md5(random()::text)), '10.1.2.3',
    'req-' || md5(n::text), $5
  from generate_series($3::bigint, $4::bigint) as n`;

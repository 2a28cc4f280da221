// Sealing and verifying against ingest: the same functions, the same PostgreSQL, one after the other; on the rows just ingested, and on a large log.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { makeSigningKey } from "../core/format/signed-note.ts";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { type IngestCase, measureIngest } from "./ingest-http.ts";
import { generateLog, type LogShape } from "./generated-log.ts";
import { processTreeUsage } from "./process-usage.ts";
import type { BenchReport, Row } from "./report.ts";
import { type Spread, spread } from "./statistics.ts";
import { type BenchDatabase, type BenchSystem, functionEnvironment, startBenchFunction, startSystem, withClient } from "./system.ts";

/** Three rounds of ingest, sealing and verifying, each of its own database. */
export async function benchIntegrity({ quick }: { readonly quick: boolean }): Promise<BenchReport> {
  const system = await startSystem();
  try {
    const ingest: number[] = [];
    const sealing: Sealing[] = [];
    const verifying: number[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      const database = await system.freshDatabase();
      const run: IngestCase = { name: "integrity", clients: 4, batch: 1000, size: 600, events: quick ? 40_000 : 200_000 };
      ingest.push((await measureIngest(system, database, run, round)).eventsPerSecond);
      sealing.push(await measureSealing(system, database));
      verifying.push(await measureVerify(database));
      await database.drop();
    }
    const sealed = spread(sealing.map((figures) => figures.eventsPerSecond));
    const ratio = spread(sealing.map((figures, round) => figures.eventsPerSecond / (ingest[round] as number)));
    const verified = spread(verifying);
    return {
      keys: { "seal.events_per_second": sealed.median, "seal.ingest_ratio": ratio.median, "verify.events_per_core_second": verified.median },
      rows: [
        row("audit-logger, 4 clients × 1000", "events/s", spread(ingest)),
        row("audit-sealer", "events/s", sealed),
        row("audit-sealer : audit-logger", "×", ratio),
        row("CPU of sealer", "µs/event", spread(sealing.map((figures) => figures.functionUs))),
        row("CPU of postgres", "µs/event", spread(sealing.map((figures) => figures.postgresUs))),
        row("verify, per second of its own CPU", "events", verified),
      ],
    };
  } finally {
    await system.stop();
  }
}

const largeLog = (quick: boolean): LogShape => quick ? { rows: 200_000, days: 10 } : { rows: 10_000_000, days: 90 };

/** A log of ten million leaves sealed from nothing, against ingest of the same system just before. */
export async function benchSeal({ quick }: { readonly quick: boolean }): Promise<BenchReport> {
  const system = await startSystem();
  try {
    const run: IngestCase = { name: "before sealing", clients: 4, batch: 1000, size: 600, events: quick ? 40_000 : 200_000 };
    const small = await system.freshDatabase();
    const ingest = (await measureIngest(system, small, run, 1)).eventsPerSecond;
    await small.drop();
    const { sealing, events } = await sealedLargeLog(system, quick);
    return {
      keys: { "seal.ingest_ratio": sealing.eventsPerSecond / ingest, "seal.events_per_second": sealing.eventsPerSecond, "seal.leaves": events },
      rows: [
        { name: "audit-logger, 4 clients × 1000", unit: "events/s", median: ingest },
        { name: `audit-sealer, ${events.toLocaleString("en-US")} leaves`, unit: "events/s", median: sealing.eventsPerSecond },
        { name: "audit-sealer : audit-logger", unit: "×", median: sealing.eventsPerSecond / ingest },
        { name: "CPU of sealer", unit: "µs/event", median: sealing.functionUs },
        { name: "CPU of postgres", unit: "µs/event", median: sealing.postgresUs },
      ],
    };
  } finally {
    await system.stop();
  }
}

/** A log of ten million leaves verified, from the event to the signed root. */
export async function benchVerify({ quick }: { readonly quick: boolean }): Promise<BenchReport> {
  const system = await startSystem();
  try {
    const { database, events } = await sealedLargeLog(system, quick);
    const rate = await measureVerify(database);
    return {
      keys: { "verify.events_per_core_second": rate, "verify.leaves": events },
      rows: [{ name: `verify, ${events.toLocaleString("en-US")} leaves, per second of its own CPU`, unit: "events", median: rate }],
    };
  } finally {
    await system.stop();
  }
}

async function sealedLargeLog(system: BenchSystem, quick: boolean) {
  const database = await system.freshDatabase();
  await generateLog(database.adminUrl, largeLog(quick));
  const { rows } = await withClient(database.adminUrl, (admin) => admin.query<{ count: string }>("select count(*) from audit_log.events"));
  const events = Number(rows[0]?.count);
  const sealing = await measureSealing(system, database);
  if (sealing.sealed !== events) throw new Error(`seal a large log: ${sealing.sealed} of ${events} events were sealed`);
  return { database, sealing, events };
}

type Sealing = { readonly sealed: number; readonly eventsPerSecond: number; readonly functionUs: number; readonly postgresUs: number };

/** Calls the sealer as the scheduler does, until it has nothing more to do. */
export async function measureSealing(system: BenchSystem, database: BenchDatabase): Promise<Sealing> {
  const environment = functionEnvironment(database);
  const { signingKey } = await makeSigningKey(environment["AUDIT_LOG_ORIGIN"] as string, crypto.getRandomValues(new Uint8Array(32)));
  const deno = await startBenchFunction("audit-sealer", { ...environment, AUDIT_SIGNING_KEY: signingKey });
  const headers = { apikey: JSON.parse(environment["SUPABASE_SECRET_KEYS"] as string).default as string };
  try {
    let sealed = 0;
    const started = performance.now();
    const before = [processTreeUsage(deno.pid), processTreeUsage(system.postgres.pid)] as const;
    for (let status = "out_of_time"; status !== "done";) {
      const response = await fetch(`http://127.0.0.1:${deno.port}/audit-sealer`, { method: "POST", headers });
      const summary = await response.json();
      if (!response.ok || summary.problems > 0) throw new Error(`measure sealing: ${JSON.stringify(summary)}`);
      sealed += summary.sealed;
      status = summary.status;
    }
    const seconds = (performance.now() - started) / 1000;
    const after = [processTreeUsage(deno.pid), processTreeUsage(system.postgres.pid)] as const;
    const perEvent = (part: 0 | 1) => (after[part].cpuSeconds - before[part].cpuSeconds) * 1e6 / sealed;
    return { sealed, eventsPerSecond: sealed / seconds, functionUs: perEvent(0), postgresUs: perEvent(1) };
  } finally {
    await deno.stop();
  }
}

/** Events that the command checks in a second of its own CPU, its start included. */
async function measureVerify(database: BenchDatabase): Promise<number> {
  const child = spawn(process.execPath, ["scripts/audit.ts", "verify", "--database", database.adminUrl, "--json"], {
    cwd: join(projectFolder),
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => out += chunk);
  let cpuSeconds = 0;
  const sampling = setInterval(() => cpuSeconds = Math.max(cpuSeconds, processTreeUsage(child.pid as number).cpuSeconds), 20);
  await new Promise((resolve) => child.on("exit", resolve));
  clearInterval(sampling);
  const report = JSON.parse(out);
  if (report.status !== "sound") throw new Error(`measure verify: ${out.slice(0, 500)}`);
  return report.events / cpuSeconds;
}

function row(name: string, unit: string, figures: Spread): Row {
  return { name, unit, ...figures };
}

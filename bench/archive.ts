// Archiving: events per CPU second of the function, export and verification together, as a scheduler calls it on a log that was just sealed.
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSigningKey } from "../core/format/signed-note.ts";
import { type DenoProcess, projectFolder, startDeno } from "../scripts/stack/deno-process.ts";
import { generateLog } from "./generated-log.ts";
import { processTreeUsage } from "./process-usage.ts";
import type { BenchReport } from "./report.ts";
import { type BenchSystem, functionEnvironment, startSystem, withClient } from "./system.ts";

/** A log of twelve days, ten of which are no longer hot: exported, read back, compared with the signed tree, and dropped. */
export async function benchArchive({ quick }: { readonly quick: boolean }): Promise<BenchReport> {
  const system = await startSystem();
  const folder = mkdtempSync(join(tmpdir(), "audit-bench-archive-"));
  try {
    const { rows, calls, functionSeconds, postgresSeconds, seconds } = await measureArchiving(system, folder, quick);
    return {
      keys: { "archive.rows_per_cpu_second": rows / functionSeconds, "archive.rows": rows },
      rows: [
        { name: "archived, per second of the function's CPU", unit: "events", median: rows / functionSeconds },
        { name: "archived, per second", unit: "events", median: rows / seconds },
        { name: "CPU of the function in one call, on average", unit: "s", median: functionSeconds / calls },
        { name: "CPU of postgres", unit: "µs/event", median: postgresSeconds * 1e6 / rows },
        { name: "in the archive", unit: "bytes/event", median: bytesBelow(folder) / rows },
      ],
    };
  } finally {
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureArchiving(system: BenchSystem, folder: string, quick: boolean) {
  const database = await system.freshDatabase();
  await generateLog(database.adminUrl, { rows: quick ? 60_000 : 480_000, days: 12 });
  const settings = functionEnvironment(database);
  const { signingKey } = await makeSigningKey(settings["AUDIT_LOG_ORIGIN"] as string, crypto.getRandomValues(new Uint8Array(32)));
  const hot = { AUDIT_EVENT_MAX_AGE_DAYS: "1", AUDIT_HOT_DAYS: "2" };
  const environment = { ...settings, ...hot, AUDIT_SIGNING_KEY: signingKey, AUDIT_ARCHIVE_URL: `file:${folder}` };
  const sealer = await startJob("audit-sealer", environment, folder);
  await callUntilDone(sealer, "audit-sealer", environment).finally(() => sealer.stop());

  const archiver = await startJob("audit-retention", environment, folder);
  try {
    const started = performance.now();
    const before = [processTreeUsage(archiver.pid), processTreeUsage(system.postgres.pid)] as const;
    const calls = await callUntilDone(archiver, "audit-retention", environment);
    const seconds = (performance.now() - started) / 1000;
    const after = [processTreeUsage(archiver.pid), processTreeUsage(system.postgres.pid)] as const;
    const { rows } = await withClient(
      database.adminUrl,
      (admin) => admin.query<{ rows: string }>("select sum(rows) as rows from audit_log.archives where state = 'archived'"),
    );
    const cpuSeconds = (part: 0 | 1) => after[part].cpuSeconds - before[part].cpuSeconds;
    return { rows: Number(rows[0]?.rows), calls, seconds, functionSeconds: cpuSeconds(0), postgresSeconds: cpuSeconds(1) };
  } finally {
    await archiver.stop();
  }
}

function startJob(name: string, environment: Readonly<Record<string, string>>, folder: string): Promise<DenoProcess> {
  return startDeno({
    name,
    entry: join(projectFolder, "functions", name, "index.ts"),
    environment,
    cacheFolder: join(tmpdir(), "audit-bench-deno"),
    writableFolders: [folder],
    output: (text) => /"level":"(error|warn)"/.test(text) && process.stderr.write(text),
  });
}

/** Calls a job as the scheduler does, until it has nothing more to do; how often. */
async function callUntilDone(deno: DenoProcess, name: string, environment: Readonly<Record<string, string>>): Promise<number> {
  const headers = { apikey: JSON.parse(environment["SUPABASE_SECRET_KEYS"] as string).default as string };
  for (let calls = 1;; calls++) {
    const response = await fetch(`http://127.0.0.1:${deno.port}/${name}`, { method: "POST", headers });
    const summary = await response.json();
    if (!response.ok || summary.failed > 0 || summary.problems > 0) throw new Error(`measure archiving: ${JSON.stringify(summary)}`);
    if (summary.status === "done") return calls;
  }
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .reduce((sum, entry) => entry.isFile() ? sum + statSync(join(entry.parentPath, entry.name)).size : sum, 0);
}

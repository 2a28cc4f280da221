import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../scripts/stack/free-port.ts";
import { migrate, readMigrations } from "../../scripts/stack/migrate.ts";
import { type PostgresProcess, startPostgres } from "../../scripts/stack/postgres-process.ts";
import { prepareDatabase } from "../../scripts/stack/prepare-database.ts";
import { postgresWithPgCron } from "./debian-pg-cron.ts";

const migrations = fileURLToPath(new URL("../../migrations", import.meta.url));
const password = "password";

let folder: string;
let server: PostgresProcess | undefined;
/** Why there is no pg_cron here; undefined when there is. */
let missing: string | undefined;
let url: string;
let start: () => Promise<PostgresProcess>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "audit-events-pg-cron-"));
  const binaries = await postgresWithPgCron(folder).catch((error: Error) => void (missing = error.message));
  if (binaries === undefined) return;
  const port = await freePort();
  const settings = {
    fsync: "off",
    shared_preload_libraries: "pg_cron",
    "cron.database_name": "postgres",
    "cron.use_background_workers": "on",
    max_worker_processes: "16",
  };
  start = () => startPostgres({ folder: join(folder, "data"), logFile: join(folder, "log"), port, password, binaries, settings });
  server = await start();
  url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  await prepareDatabase(server.adminUrl("postgres"), password);
  await query(server.adminUrl("postgres"), asSupabaseInstallsIt);
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(({ skip }) => skip(missing !== undefined, missing));

/** What Supabase's own hook does after `create extension pg_cron`. */
const asSupabaseInstallsIt = `
  create extension pg_cron;
  grant usage on schema cron to postgres with grant option;
  grant all on all functions in schema cron to postgres with grant option;
  grant all privileges on all tables in schema cron to postgres;
  revoke all on table cron.job from postgres;
  grant select on table cron.job to postgres with grant option;`;

async function query<Row extends pg.QueryResultRow>(databaseUrl: string, sql: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return (await client.query<Row>(sql).finally(() => client.end())).rows;
}

const jobs = () => query<{ jobname: string; schedule: string }>(url, "select jobname, schedule from cron.job order by jobname");

describe("Debian's pg_cron 1.4 on PostgreSQL 15", () => {
  it("takes the jobs that the migrations schedule, as a login that is no superuser", async () => {
    await migrate(url, readMigrations(migrations));
    expect(await jobs()).toEqual([
      { jobname: "audit_log clean-up", schedule: "*/5 * * * *" },
      { jobname: "audit_log history", schedule: "37 * * * *" },
      { jobname: "audit_log partitions", schedule: "7 * * * *" },
    ]);
  });

  it("knows no seconds: the sealer is called every minute, once there is a pg_net", async () => {
    await query(url, "create schema net; create function net.http_post(text, jsonb, jsonb, jsonb, integer) returns bigint language sql as 'select 1::bigint'");
    expect(await query(url, "select audit_log.schedule_jobs() as jobs")).toEqual([{ jobs: 6 }]);
    expect(await jobs()).toContainEqual({ jobname: "audit_log sealer", schedule: "* * * * *" });
    expect(await jobs()).toContainEqual({ jobname: "audit_log retention", schedule: "* 1-4 * * *" });
  });

  it("runs every job, and each outcome is recorded", async () => {
    // The same commands, at the one time for which a test need not wait: the server's start.
    await query(url, "select cron.schedule(jobname, '@reboot', command) from cron.job");
    await server?.stop();
    server = await start();
    // Some may have come to their time before, when a minute began meanwhile.
    const sinceStart =
      "select j.jobname as job, d.status from cron.job_run_details as d join cron.job as j using (jobid) where start_time >= pg_postmaster_start_time()";
    const runs = () => query<{ job: string; status: string }>(url, sinceStart);
    await expect.poll(async () => (await runs()).filter(({ status }) => status === "succeeded" || status === "failed").length, { timeout: 30_000 }).toBe(6);
    expect((await runs()).filter(({ status }) => status !== "succeeded")).toEqual([]);
    expect(await query(url, "select job, least(failures, 1)::text as failures, problem from audit_log.job_outcomes order by job")).toEqual([
      { job: "audit-retention", failures: "1", problem: "Vault holds no secret named audit_events_functions_url" },
      { job: "audit-sealer", failures: "1", problem: "Vault holds no secret named audit_events_functions_url" },
      { job: "clean-up", failures: "0", problem: null },
      { job: "partitions", failures: "0", problem: null },
    ]);
    const [days] = await query<{ count: number }>(url, "select count(*)::integer as count from pg_class where relname ~ '^events_[0-9]{8}$' and relkind = 'r'");
    expect(days?.count).toBeGreaterThanOrEqual(8);
  });
});

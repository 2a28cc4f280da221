import { readFileSync } from "node:fs";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";

const doubles = readFileSync(new URL("cron-doubles.sql", import.meta.url), "utf8");

let database: TestDatabase;
/** The login `postgres`, as which pg_cron runs what the migration schedules. */
let client: pg.Client;
let notices: string[];

beforeEach(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  notices = [];
  client.on("notice", ({ message }) => notices.push(message ?? ""));
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

async function rows<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
  return (await client.query<Row>(sql, [...values])).rows;
}

type Outcome = { readonly job: string; readonly failures: string; readonly problem: string | null; readonly succeeded: boolean; readonly failed: boolean };

const outcomes = () =>
  rows<Outcome>(
    "select job, failures, problem, succeeded_at is not null as succeeded, failed_at is not null as failed from audit_log.job_outcomes order by job",
  );

const jobs = () => rows<{ jobname: string; schedule: string; command: string }>("select jobname, schedule, command from cron.job order by jobname");

describe("audit_log.schedule_jobs()", () => {
  it("schedules nothing and says so where pg_cron is not installed", async () => {
    expect(await rows("select audit_log.schedule_jobs() as jobs")).toEqual([{ jobs: 0 }]);
    expect(notices.join()).toMatch(/pg_cron is not installed/);
  });

  it("schedules the jobs of the database where pg_net is not installed", async () => {
    await client.query(doubles);
    await client.query("drop schema net cascade");
    notices = [];
    expect(await rows("select audit_log.schedule_jobs() as jobs")).toEqual([{ jobs: 3 }]);
    expect(notices.join()).toMatch(/pg_net is not installed/);
    expect((await jobs()).map(({ jobname }) => jobname)).toEqual(["audit_log clean-up", "audit_log history", "audit_log partitions"]);
  });

  it("calls the sealer every ten seconds, and schedules nothing twice", async () => {
    await client.query(doubles);
    await client.query("select audit_log.schedule_jobs()");
    expect(await rows("select audit_log.schedule_jobs() as jobs")).toEqual([{ jobs: 6 }]);
    expect(await jobs()).toHaveLength(6);
    expect(await jobs()).toContainEqual({
      jobname: "audit_log sealer",
      schedule: "10 seconds",
      command: "select audit_log.call_function('audit-sealer')",
    });
    expect(await jobs()).toContainEqual({
      jobname: "audit_log retention",
      schedule: "* 1-4 * * *",
      command: "select audit_log.call_function('audit-retention')",
    });
  });

  it("calls the sealer every minute where pg_cron knows no seconds", async () => {
    await client.query(doubles);
    await client.query("set test.cron_knows_seconds = 'no'");
    await client.query("select audit_log.schedule_jobs()");
    expect(await jobs()).toContainEqual(expect.objectContaining({ jobname: "audit_log sealer", schedule: "* * * * *" }));
  });

  it("schedules commands that run, and leave other people's history alone", async () => {
    await client.query(doubles);
    await client.query("select audit_log.schedule_jobs()");
    await client.query("select cron.schedule('nightly report', '0 0 * * *', 'select 1')");
    await client.query("insert into cron.job_run_details (jobid, end_time) select jobid, now() - interval '2 days' from cron.job");
    await client.query("insert into cron.job_run_details (jobid, end_time) select jobid, now() from cron.job");
    for (const { command } of await jobs()) await client.query(command);
    expect(await rows("select count(*)::int as lines, count(distinct jobid)::int as jobs from cron.job_run_details")).toEqual([{ lines: 8, jobs: 7 }]);
    expect((await outcomes()).map(({ job }) => job)).toEqual(["audit-retention", "audit-sealer", "clean-up", "partitions"]);
  });
});

describe("audit_log.run_job()", () => {
  it("makes today and the seven days after it", async () => {
    await client.query("select audit_log.run_job('partitions')");
    const made = await rows<{ last: string; days: number }>(`
      select max(relname) = 'events_' || to_char((now() at time zone 'UTC')::date + 7, 'YYYYMMDD') as last, count(*)::int as days
      from pg_class where relnamespace = 'audit_log'::regnamespace and relkind = 'r' and relname ~ '^events_[0-9]{8}$'`);
    expect(made).toEqual([{ last: true, days: 8 }]);
    expect(await outcomes()).toEqual([{ job: "partitions", failures: "0", problem: null, succeeded: true, failed: false }]);
  });

  it("forgets claims of more than a day ago, and no younger one", async () => {
    await client.query(`insert into audit_log.batches (principal, key_hash, body_hash, received_at, claimed_at)
      select 'key:a', sha256(age::bytea), sha256('x'), now(), now() - age::interval from unnest(array['25 hours', '23 hours']) as age`);
    await client.query("select audit_log.run_job('clean-up')");
    expect(await rows("select now() - claimed_at < interval '24 hours' as young from audit_log.batches")).toEqual([{ young: true }]);
  });

  it("records a failure, counts it, and forgets it with the next success", async () => {
    const admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    try {
      await admin.query("alter table audit_log.events rename to events_moved");
      await client.query("select audit_log.run_job('partitions')");
      await client.query("select audit_log.run_job('partitions')");
      expect(await outcomes()).toEqual([{ job: "partitions", failures: "2", problem: expect.stringContaining("42P01"), succeeded: false, failed: true }]);
      expect(notices.join()).toMatch(/run job partitions/);
      await admin.query("alter table audit_log.events_moved rename to events");
    } finally {
      await admin.end();
    }
    await client.query("select audit_log.run_job('partitions')");
    expect(await outcomes()).toEqual([{ job: "partitions", failures: "0", problem: null, succeeded: true, failed: true }]);
  });
});

describe("audit_log.call_function()", () => {
  const call = () => client.query("select audit_log.call_function('audit-sealer')");
  const calls = () => rows<{ id: string; url: string }>("select * from net.calls order by id");
  const answer = (id: string, status: number | null, fault: { timedOut?: boolean; error?: string } = {}) =>
    client.query("insert into net._http_response values ($1, $2, 'because', $3, $4)", [id, status, fault.timedOut ?? null, fault.error ?? null]);
  const lastId = async () => (await calls()).at(-1)?.id ?? "";

  beforeEach(async () => {
    await client.query(doubles);
    await client.query(
      "insert into vault.decrypted_secrets (name, decrypted_secret) values ('audit_events_functions_url', 'https://x.supabase.co/functions/v1/')",
    );
  });

  it("says which secret Vault does not hold, and calls nobody", async () => {
    await call();
    expect(await outcomes()).toEqual([expect.objectContaining({ failures: "1", problem: "Vault holds no secret named audit_events_secret_key" })]);
    expect(await calls()).toEqual([]);
  });

  it("posts with the secret key, and does not ask again before the answer", async () => {
    await client.query("insert into vault.decrypted_secrets (name, decrypted_secret) values ('audit_events_secret_key', 'sb_secret_x')");
    await call();
    await call();
    expect(await calls()).toEqual([{
      id: "1",
      url: "https://x.supabase.co/functions/v1/audit-sealer",
      body: {},
      headers: { apikey: "sb_secret_x", "content-type": "application/json" },
      timeout_milliseconds: 150_000,
    }]);
    expect(JSON.stringify(await rows("select * from audit_log.job_outcomes"))).not.toContain("sb_secret_x");
  });

  it("records what was answered, and asks again", async () => {
    await client.query("insert into vault.decrypted_secrets (name, decrypted_secret) values ('audit_events_secret_key', 'sb_secret_x')");
    await call();
    for (
      const [status, fault, problem] of [
        [503, {}, "the function answered 503: because"],
        [null, { timedOut: true }, "the function did not answer in time"],
        [null, { error: "Couldn't resolve host name" }, "Couldn't resolve host name"],
        [200, {}, null],
      ] as const
    ) {
      await answer(await lastId(), status, fault);
      await call();
      expect(await outcomes()).toEqual([expect.objectContaining({ problem })]);
    }
    expect(await calls()).toHaveLength(5);
    expect(await outcomes()).toEqual([{ job: "audit-sealer", failures: "0", problem: null, succeeded: true, failed: true }]);
  });

  it("gives an answer up after five minutes", async () => {
    await client.query("insert into vault.decrypted_secrets (name, decrypted_secret) values ('audit_events_secret_key', 'sb_secret_x')");
    await call();
    await client.query("set role audit_owner; update audit_log.job_outcomes set asked_at = now() - interval '6 minutes'; reset role");
    await call();
    expect(await outcomes()).toEqual([expect.objectContaining({ failures: "1", problem: "no answer came within five minutes" })]);
    expect(await calls()).toHaveLength(2);
  });

  it("keeps apart what different functions answered, and needs no next call to record it", async () => {
    await client.query("insert into vault.decrypted_secrets (name, decrypted_secret) values ('audit_events_secret_key', 'sb_secret_x')");
    await call();
    await client.query("select audit_log.call_function('audit-retention')");
    await client.query("select audit_log.record_answers()");
    expect(await outcomes()).toMatchObject([{ job: "audit-retention", succeeded: false, failed: false }, {
      job: "audit-sealer",
      succeeded: false,
      failed: false,
    }]);
    await answer("2", 202);
    await answer("1", 401);
    await client.query("select audit_log.record_answers()");
    expect(await outcomes()).toMatchObject([
      { job: "audit-retention", succeeded: true, problem: null },
      { job: "audit-sealer", succeeded: false, problem: "the function answered 401: because" },
    ]);
    expect(await calls()).toHaveLength(2);
  });

  it("is refused to whoever only ingests, reads or seals", async () => {
    for (const role of ["anon", "authenticated", "service_role", "audit_ingest", "audit_job"]) {
      await expect(client.query(`begin; set local role ${role}; select audit_log.call_function('audit-sealer')`), role).rejects.toThrow(/permission denied/);
      await client.query("rollback");
    }
  });
});

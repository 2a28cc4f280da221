import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { examine, type Project } from "../../scripts/doctor/examine.ts";
import { readMigrations } from "../../scripts/stack/migrate.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

const migrations = readMigrations(fileURLToPath(new URL("../../migrations", import.meta.url)));
const doubles = readFileSync(new URL("cron-doubles.sql", import.meta.url), "utf8");

let database: TestDatabase;
let client: pg.Client;

async function open(template: "migrated" | "prelude"): Promise<void> {
  database = await createDatabase({ template });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
}
afterEach(async () => {
  await client.end();
  await database.drop();
});

/** What is said of the database; nothing listens at the project's own address. */
async function findings(changes: Partial<Project> = {}): Promise<readonly string[]> {
  const project: Project = { ref: undefined, url: "http://127.0.0.1:9", databaseUrl: database.url, secretKey: undefined, settings: {}, ...changes };
  const about = ["database", "names", "migrations", "Vault", "jobs"];
  return (await examine(project, migrations)).filter(({ check }) => about.includes(check)).map(({ check, state, detail }) => `${state} ${check}: ${detail}`);
}

describe("examine() of a project without the log", () => {
  beforeEach(() => open("prelude"));

  it("finds that all is to be done", async () => {
    expect(await findings()).toEqual([
      "ok database: PostgreSQL 17",
      "ok names: audit_log and public.audit_events are free or ours",
      `pending migrations: ${migrations.length} of ${migrations.length} are to be applied`,
    ]);
  });

  it("tells names that others have taken: what collides, what stands back, what can stay", async () => {
    await client.query("create schema audit_log; create schema audit; create table public.audit_events (id bigint)");
    expect(await findings()).toEqual([
      "ok database: PostgreSQL 17",
      "fault names: the schema audit_log belongs to postgres: it is not ours",
      "warning names: public.audit_events is the project's own: it stays, and our view of that name is not made",
      "ok names: a schema audit is there, such as supa_audit's: ours is audit_log, both can stay",
      `pending migrations: ${migrations.length} of ${migrations.length} are to be applied`,
    ]);
  });

  it("tells a login that could not apply the first migration", async () => {
    const { hostname, port } = new URL(database.url);
    await client.query(`create role ${database.name} login password 'x'`);
    try {
      const found = await findings({ databaseUrl: `postgresql://${database.name}:x@${hostname}:${port}/${database.name}` });
      expect(found).toContain("fault migrations: the login may not create roles, which the first one does");
    } finally {
      await client.query(`drop role ${database.name}`);
    }
  });

  it("tells a database that does not answer", async () => {
    expect(await findings({ databaseUrl: "postgresql://postgres:hunter2@127.0.0.1:1/x" })).toEqual([
      expect.stringMatching(/^fault database: cannot be asked: .*ECONNREFUSED/),
    ]);
  });
});

describe("examine() of a project with the log", () => {
  beforeEach(() => open("migrated"));

  it("finds it in order, and tells a job that fails", async () => {
    await client.query(doubles);
    await client.query(
      "select vault.create_secret('x', 'audit_events_functions_url'), vault.create_secret('y', 'audit_events_secret_key'), audit_log.schedule_jobs()",
    );
    expect(await findings()).toEqual([
      "ok database: PostgreSQL 17",
      "ok names: audit_log and public.audit_events are free or ours",
      `ok migrations: all ${migrations.length} are applied`,
      "ok Vault: holds both secrets of the schedule",
      "ok jobs: 6 are scheduled",
    ]);
    await client.query(
      "select audit_log.job_ended('audit-sealer', 'the function answered 503: no'), audit_log.job_ended('audit-sealer', 'the function answered 503: no')",
    );
    expect(await findings()).toContain("warning jobs: audit-sealer: failed 2 times since its last success: the function answered 503: no");
  });

  it("changes nothing, and could not", async () => {
    await client.query("select audit_log.job_ended('clean-up', null)");
    const before = await client.query("select * from audit_log.job_outcomes");
    await findings();
    expect((await client.query("select * from audit_log.job_outcomes")).rows).toEqual(before.rows);
    expect((await client.query("select count(*)::integer as open from pg_stat_activity where datname = current_database() and state like 'idle in%'")).rows)
      .toEqual([{ open: 0 }]);
  });
});

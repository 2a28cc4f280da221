import { spawnSync } from "node:child_process";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEventStore } from "../../adapters/postgres/event-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import { checkDatabase } from "../support/check-log.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { eventRow, randomEvents, randomFrom } from "../support/random-events.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"];

/** What administrators do, and what changes how a value is stored or printed, but not what it is. `DAY` is a partition with events, `DB` the database. */
const operations: Readonly<Record<string, readonly string[]>> = {
  "vacuum full of a day": ["vacuum full DAY"],
  "vacuum full of the tiles": ["vacuum full audit_log.tiles"],
  "vacuum freeze": ["vacuum (freeze, analyze)"],
  "cluster by the primary key": ["cluster DAY using DAY_pkey"],
  "reindex": ["reindex schema audit_log"],
  "another time zone of the database": ["alter database DB set timezone = 'Asia/Kathmandu'"],
  "another time zone of the roles": [
    "alter role audit_job in database DB set timezone = 'America/St_Johns'",
    "alter role supabase_admin in database DB set timezone = 'America/St_Johns'",
  ],
  "another date style": ["alter database DB set datestyle = 'SQL, DMY'"],
  "another text form of bytes": ["alter database DB set bytea_output = 'escape'"],
  "another text form of floats and intervals": ["alter database DB set extra_float_digits = -5", "alter database DB set intervalstyle = 'sql_standard'"],
  "standard_conforming_strings off": ["alter database DB set standard_conforming_strings = off"],
  "detach and attach": [
    "alter table audit_log.events detach partition DAY",
    "alter table audit_log.events attach partition DAY for values from ('FROM') to ('TO')",
  ],
  "a new index": ["create index on audit_log.events (tenant_id, request_id)"],
  "an index on an expression": ["create index on audit_log.events ((context ->> 'a'))"],
  "an index less": ["drop index audit_log.events_by_actor"],
  "a new column": ["alter table audit_log.events add column note text"],
  "another compression": ["alter table audit_log.events alter column context set compression pglz", "vacuum full DAY"],
  "another storage": ["alter table DAY alter column context set storage external", "vacuum full DAY"],
  "another fill factor": ["alter table DAY set (fillfactor = 50)", "vacuum full DAY"],
  "more days": ["select audit_log.ensure_partitions('2027-01-01', '2027-01-20')"],
  "gaps in the sequence": ["select nextval('audit_log.event_seq') from generate_series(1, 1000)"],
  "statistics": ["create statistics audit_log.more (ndistinct) on actor_id, object_id from audit_log.events", "analyze"],
  "another name of a tenant": [`update audit_log.tenants set name = 'Renamed' where id = '${tenantIds[0]}'`],
  "row security bypassed and forced anew": [
    "alter table audit_log.events no force row level security",
    "alter table audit_log.events force row level security",
  ],
};

describe(`${Object.keys(operations).length} harmless operations on a sealed log`, () => {
  let log: TestLog;
  let kept: string[];
  let day: { readonly name: string; readonly from: string; readonly to: string };
  beforeAll(async () => {
    log = await openLog();
    await log.ingest(randomEvents(randomFrom(1), 700, { tenantIds }));
    await log.seal();
    kept = (await log.admin.query("select note from audit_log.checkpoints")).rows.map((row) => row.note);
    const { rows: [row] } = await log.admin.query(
      "select tableoid::regclass::text as name, (occurred_at at time zone 'UTC')::date::text as date from audit_log.events limit 1",
    );
    const next = new Date(Date.parse(`${row.date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
    day = { name: row.name, from: `${row.date} 00:00:00+00`, to: `${next} 00:00:00+00` };
  });
  afterAll(() => log.close());

  it.each(Object.entries(operations))("raise no alarm, and the sealer goes on: %s", async (_, statements) => {
    for (const statement of statements) {
      const sql = statement.replace("DAY_pkey", await primaryKeyOf(log.admin, day.name)).replaceAll("DAY", day.name)
        .replace("DB", log.database.name).replace("FROM", day.from).replace("TO", day.to);
      await log.admin.query(sql);
    }
    expect(await checkDatabase(log.database.adminUrl, kept)).toMatchObject({ sound: true, finding_count: 0, unsealed: 0 });
    await log.ingest(randomEvents(randomFrom(2), 3, { tenantIds }));
    expect(await log.seal()).toMatchObject({ sealed: 3, problems: 0, tree_problems: 0 });
  });
});

async function primaryKeyOf(admin: pg.Client, table: string): Promise<string> {
  const { rows: [row] } = await admin.query(
    "select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = $1::regclass and i.indisprimary",
    [table],
  );
  return row.relname;
}

describe.skipIf(spawnSync("pg_dump", ["--version"]).status !== 0)("a dump of PostgreSQL 15 restored in 17", () => {
  let old: TestLog;
  let restored: TestDatabase;
  beforeAll(async () => {
    old = await openLog({ major: 15 });
    // Makes the roles of the new cluster, which a dump of one schema does not carry.
    await (await createDatabase({ major: 17 })).drop();
    restored = await createDatabase({ major: 17, template: "prelude" });
  });
  afterAll(async () => {
    await old.close();
    await restored.drop();
  });

  it("raises no alarm, and the sealer of the new cluster goes on; made and loaded by the login, as docs/how-to/restore.md has it", async () => {
    await old.ingest(randomEvents(randomFrom(3), 600, { tenantIds }));
    await old.seal();
    const kept = (await old.admin.query("select note from audit_log.checkpoints")).rows.map((row) => row.note);
    // Hosted projects grant it: without it the login may not read what it dumps.
    await old.admin.query("grant pg_read_all_data to postgres");
    const dump = spawnSync("pg_dump", ["--schema=audit_log", old.database.url], { encoding: "utf8", maxBuffer: 1 << 28 });
    await old.admin.query("revoke pg_read_all_data from postgres");
    expect(dump.status, dump.stderr).toBe(0);
    const load = spawnSync("psql", ["--quiet", "--set=ON_ERROR_STOP=1", restored.url], { input: dump.stdout, encoding: "utf8" });
    expect(load.status, load.stderr).toBe(0);
    expect(await checkDatabase(restored.adminUrl, kept)).toMatchObject({ sound: true, events: 600, unsealed: 0 });

    const pool = createPool({ databaseUrl: restored.url, databasePoolSize: 2 }, () => {});
    const more = randomEvents(randomFrom(4), 50, { tenantIds });
    await createEventStore(pool, () => {}).insert(more.map(eventRow));
    expect(await old.seal({ store: createSealStore(pool, () => {}) })).toMatchObject({ status: "done", sealed: 50, problems: 0, tree_problems: 0 });
    await pool.end();
    expect(await checkDatabase(restored.adminUrl, kept)).toMatchObject({ sound: true, events: 650, unsealed: 0 });
  });
});

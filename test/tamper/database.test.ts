import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabaseLog } from "../../scripts/audit/database-source.ts";
import { nativeHash } from "../../scripts/audit/native-hash.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import type { LogReport } from "../../verify/report.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";
import { databaseKinds } from "./database-kinds.ts";

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"];
const timesEach = process.env["AUDIT_TEST_SLOW"] === "1" ? 100 : 5;

describe(`tampering as superuser after sealing, ${databaseKinds.length} kinds × ${timesEach}`, () => {
  let log: TestLog;
  let kept: string[];
  const clones: string[] = [];

  beforeAll(async () => {
    log = await openLog();
    for (let batch = 0; batch < 3; batch++) {
      const random = randomFrom(batch + 1);
      const receivedAt = new Date();
      await log.ingest([
        ...randomEvents(random, 120, { tenantIds: tenantIds.slice(0, 1), receivedAt }),
        ...randomEvents(random, 20, { tenantIds, receivedAt }),
      ]);
      await log.seal();
    }
    const { rows } = await log.admin.query("select distinct on (tenant_id) note from audit_log.checkpoints order by tenant_id, size desc");
    kept = rows.map((row) => row.note);
    await log.admin.end();
    await log.pool.end();
  });
  afterAll(async () => {
    await onServer(async (server) => {
      for (const name of clones) await server.query(`drop database if exists ${name} with (force)`);
    });
    await log.database.drop();
  });

  /** A database of its own with the sealed log in it; the triggers that stand in the way of ordinary roles are off, as a superuser can have them. */
  async function cloned<T>(work: (admin: pg.Client, url: string) => Promise<T>): Promise<T> {
    const name = `${log.database.name}_${clones.length}`;
    clones.push(name);
    await onServer((server) => server.query(`create database ${name} template ${log.database.name}`));
    const url = Object.assign(new URL(log.database.adminUrl), { pathname: `/${name}` }).href;
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    try {
      return await work(admin, url);
    } finally {
      await admin.end();
      await onServer((server) => server.query(`drop database ${name} with (force)`));
    }
  }

  async function onServer(work: (server: pg.Client) => Promise<unknown>): Promise<void> {
    const server = new pg.Client({ connectionString: Object.assign(new URL(log.database.adminUrl), { pathname: "/postgres" }).href });
    await server.connect();
    await work(server).finally(() => server.end());
  }

  async function check(url: string, expected: readonly string[] = []): Promise<LogReport> {
    const source = await openDatabaseLog(url);
    try {
      return await verifyLog(source, { ring: await followRotations([firstKey.verifierKey], source.rotations), expected, hash: nativeHash });
    } finally {
      await source.close();
    }
  }

  it("finds nothing before", async () => {
    await cloned(async (_, url) => expect(await check(url, kept)).toMatchObject({ sound: true, unsealed: 0, events: 420 }));
  });

  it.each(databaseKinds.map((kind) => [kind.name, kind] as const))("is found: %s", async (_, kind) => {
    for (let seed = 1; seed <= timesEach; seed++) {
      await cloned(async (admin, url) => {
        await admin.query(disableTriggers);
        await admin.query("select setseed($1)", [seed / 1000]);
        const [target] = [await admin.query(kind.sql)].flat().at(-1)?.rows ?? [];
        const report = await check(url, kind.needsKept ? kept : []);
        expect(report.sound, `seed ${seed}`).toBe(false);
        if (kind.needsKept) expect((await check(url)).sound, "without a checkpoint kept elsewhere").toBe(true);
        expect(report.findings.map((finding) => finding.kind), `seed ${seed}`).toContain(kind.finding);
        if (target?.id !== undefined) expect(report.first_bad_event?.id, `seed ${seed}`).toBe(target.id);
        if (kind.column !== undefined) expect(report.first_bad_event?.column, `seed ${seed}`).toBe(kind.column);
      });
    }
  }, 600_000);
});

/** Every trigger of the schema off, on tables and partitions, and the constraints in the way gone: who owns the server can do that. */
const disableTriggers = `do $$
declare
  t regclass;
  c name;
begin
  for t in select c.oid::regclass from pg_class c where c.relnamespace = 'audit_log'::regnamespace and c.relkind in ('r', 'p') loop
    execute format('alter table %s disable trigger all', t);
  end loop;
  alter table audit_log.tiles drop constraint leaves_are_named_on_level_0;
  -- The parent's constraints go from its partitions with it; a partition keeps its own, and the parent's that were copied before it was attached.
  for t, c in select conrelid::regclass, conname from pg_constraint
    where contype = 'c' and connamespace = 'audit_log'::regnamespace and conrelid::regclass::text like 'audit_log.events%' and conname <> 'occurred_on_this_utc_day'
    order by conrelid::regclass::text loop
    execute format('alter table %s drop constraint if exists %I', t, c);
  end loop;
end $$`;

import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/support/database.ts";
import { OutOfTime, readAs, readWindow } from "./claims.ts";
import { createPool } from "./pool.ts";
import { sql } from "./query-fragment.ts";

describe("readAs()", () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  const logged: string[] = [];
  const log = (record: object) => void logged.push(JSON.stringify(record));
  beforeAll(async () => {
    database = await createDatabase();
    pool = createPool({ databaseUrl: database.url, databasePoolSize: 1 }, () => {});
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  const state = sql`select current_user::text as role, current_setting('transaction_read_only') as read_only, current_setting('statement_timeout') as timeout,
    current_setting('jit') as jit, nullif(current_setting('request.jwt.claims', true), '') as claims`;
  type State = { readonly role: string; readonly read_only: string; readonly timeout: string; readonly jit: string; readonly claims: string | null };

  it("reads as authenticated, read-only, with the caller's claims whatever is in them, and leaves nothing behind", async () => {
    const claims = { sub: `'); drop table audit_log.events; -- \\ " é 😀 \u0000`, app_metadata: { tenant_ids: ["a"] } };
    const [inside] = await readAs({ pool, log }, claims, (transaction) => transaction.rows<State>(state), 2_500);
    expect({ ...inside, claims: JSON.parse(inside?.claims ?? "") }).toEqual({ role: "authenticated", read_only: "on", timeout: "2500ms", jit: "off", claims });
    const { rows: [after] } = await pool.query<State>(
      "select current_user::text as role, current_setting('statement_timeout') as timeout, current_setting('jit') as jit, nullif(current_setting('request.jwt.claims', true), '') as claims",
    );
    expect(after).toMatchObject({ role: "postgres", timeout: "0", claims: null });
  });

  it("writes nothing", async () => {
    await expect(readAs({ pool, log }, {}, (transaction) => transaction.rows(sql`insert into audit_log.tenants values (gen_random_uuid(), 'x')`))).rejects
      .toMatchObject({ code: expect.stringMatching(/internal|unavailable/) });
    await expect(readAs({ pool, log }, {}, (transaction) => transaction.rows(sql`create temporary table t ()`))).rejects.toBeDefined();
    expect((await pool.query("select count(*)::int as count from audit_log.tenants")).rows[0].count).toBe(0);
  });

  it("leaves nothing out of a window in which nothing is softly deleted, as far as the caller may see", async () => {
    const [tenantId, other] = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];
    const admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    await admin.query("insert into audit_log.deletions values ($1, '2026-01-02T00:00:00Z', gen_random_uuid(), 'test', 'test')", [tenantId]);
    await admin.end();
    const claims = { sub: "me", app_metadata: { tenant_id: tenantId, audit_role: "viewer" } };
    const asked = { tenantId, from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z", conditions: [], includeDeleted: false };
    const leavesOut = async (filter: typeof asked, who: object = claims) => {
      return !(await readWindow({ pool, log }, who, filter, (_, found) => Promise.resolve(found))).includeDeleted;
    };
    expect(await leavesOut(asked)).toBe(true);
    expect(await leavesOut({ ...asked, to: "2026-01-01T23:59:59.999Z" })).toBe(false);
    expect(await leavesOut({ ...asked, tenantId: other })).toBe(false);
    expect(await leavesOut({ ...asked, includeDeleted: true })).toBe(false);
    expect(await leavesOut(asked, {})).toBe(false);
    await expect(leavesOut({ ...asked, tenantId: "'; rollback; --" })).rejects.toMatchObject({ code: "internal" });
  });

  it("says when a statement was out of time, and goes on with the claims it had", async () => {
    const seen = await readAs({ pool, log }, { sub: "me" }, async (transaction) => {
      await expect(transaction.rows(sql`select pg_sleep(5)`)).rejects.toBeInstanceOf(OutOfTime);
      await transaction.resume(1_000);
      return (await transaction.rows<State>(state))[0];
    }, 50);
    expect(seen).toMatchObject({ role: "authenticated", read_only: "on", timeout: "1s", claims: JSON.stringify({ sub: "me" }) });
  });

  it("is unavailable, and never empty, when time runs out and nobody asks for less", async () => {
    await expect(readAs({ pool, log }, {}, (transaction) => transaction.rows(sql`select pg_sleep(5)`), 20)).rejects.toMatchObject({
      code: "unavailable",
      retryAfterSeconds: 5,
    });
  });

  it("is unavailable too when time runs out before there is a transaction", async () => {
    // So many claims take longer to decode than the statement may take.
    const claims = { sub: "x".repeat(4_000_000) };
    await expect(readAs({ pool, log }, claims, () => Promise.resolve("begun"), 1)).rejects.toMatchObject({ code: "unavailable", retryAfterSeconds: 5 });
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  it("takes another connection when the idle one has died", async () => {
    await readAs({ pool, log }, {}, (transaction) => transaction.rows(sql`select 1`));
    const admin = new pg.Client({ connectionString: database.adminUrl });
    await admin.connect();
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
    await admin.end();
    expect(await readAs({ pool, log }, {}, (transaction) => transaction.rows(sql`select 1 as one`))).toEqual([{ one: 1 }]);
  });

  it("is unavailable when there is no database, and logs why without values", async () => {
    const nowhere = createPool({ databaseUrl: "postgresql://someone:hidden-password@127.0.0.1:1/none", databasePoolSize: 1 }, () => {});
    await expect(readAs({ pool: nowhere, log }, { sub: "hidden-subject" }, () => Promise.resolve())).rejects.toMatchObject({ code: "unavailable" });
    await nowhere.end();
    expect(logged.some((line) => line.includes("database.fault"))).toBe(true);
    expect(logged.join()).not.toMatch(/hidden/);
  });

  it("knows how fresh it is", async () => {
    const freshAsOf = await readAs({ pool, log }, {}, (transaction) => Promise.resolve(transaction.freshAsOf));
    expect(freshAsOf).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Math.abs(Date.parse(freshAsOf) - Date.now())).toBeLessThan(60_000);
  });
});

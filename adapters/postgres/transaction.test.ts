import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditError } from "../../core/errors.ts";
import type { Log } from "../../core/ports.ts";
import { type ChaosProxy, startChaosProxy } from "../../test/support/chaos-proxy.ts";
import { createDatabase, type TestDatabase } from "../../test/support/database.ts";
import { createPool } from "./pool.ts";
import { inTransaction, type TransactionOptions } from "./transaction.ts";

describe("inTransaction()", () => {
  let database: TestDatabase;
  let proxy: ChaosProxy;
  let pool: pg.Pool;
  let records: Parameters<Log>[0][];
  let options: TransactionOptions;

  beforeEach(async () => {
    database = await createDatabase();
    const { hostname, port } = new URL(database.url);
    proxy = await startChaosProxy({ host: hostname, port: Number(port), protocol: "postgres" }, 1);
    records = [];
    const log: Log = (record) => records.push(record);
    pool = createPool({ databaseUrl: proxy.through(database.url), databasePoolSize: 2 }, log);
    options = { role: "audit_ingest", action: "test", statementTimeoutMs: 1_000, log };
  });
  afterEach(async () => {
    await pool.end();
    await proxy.close();
    await database.drop();
  });

  const admin = async (text: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };
  const faultOf = async (work: Promise<unknown>): Promise<AuditError> => {
    const error = await work.then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof AuditError)) throw new Error("expected an AuditError", { cause: error });
    return error;
  };
  const settings = "select current_user as role, current_setting('statement_timeout') as timeout, current_setting('TimeZone') as zone";

  it("works as the role, in UTC, under the timeout, and leaves nothing of it to the session", async () => {
    await admin(`alter role postgres in database ${database.name} set timezone = 'Asia/Kathmandu'`);
    const [inside] = await inTransaction(pool, options, (transaction) => transaction.rows(settings));
    expect(inside).toEqual({ role: "audit_ingest", timeout: "1s", zone: "UTC" });
    const { rows: [outside] } = await pool.query(settings);
    expect(outside).toEqual({ role: "postgres", timeout: "0", zone: "Asia/Kathmandu" });
  });

  it("commits what worked and takes back what threw, passing the error through", async () => {
    const claim = (name: string) => `select * from audit_log.claim_batch('key:${name}', sha256('a'), sha256('b'), now())`;
    await inTransaction(pool, options, (transaction) => transaction.rows(claim("kept")));
    const thrown = new Error("changed my mind");
    const undone = inTransaction(pool, options, async (transaction) => {
      await transaction.rows(claim("undone"));
      throw thrown;
    });
    await expect(undone).rejects.toBe(thrown);
    expect(await admin("select principal from audit_log.batches")).toEqual([{ principal: "key:kept" }]);
    expect(pool.idleCount).toBe(1);
  });

  it("does not take a commit that was a rollback for one", async () => {
    const swallowing = inTransaction(pool, options, async (transaction) => {
      await transaction.rows("select 1/0").catch(() => {});
    });
    await expect(swallowing).rejects.toThrow(/ROLLBACK/);
  });

  it("tells the caller nothing of the statement, and the log only which rule it broke", async () => {
    const error = await faultOf(inTransaction(pool, options, (transaction) => transaction.rows("select 'c4n4ry'::uuid")));
    expect(error).toMatchObject({ code: "internal", message: "test: the database refused" });
    expect(records).toEqual([expect.objectContaining({ level: "error", event: "database.fault", sqlstate: "22P02", message: "test: SQLSTATE 22P02" })]);
    expect(JSON.stringify([records, error.message, String(error.cause), error.stack])).not.toContain("c4n4ry");
  });

  it("is unavailable when a statement takes too long", async () => {
    const error = await faultOf(inTransaction(pool, { ...options, statementTimeoutMs: 50 }, (transaction) => transaction.rows("select pg_sleep(5)")));
    expect(error).toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
  });

  it("is unavailable when nobody listens, and works again when somebody does", async () => {
    proxy.set({ refuse: true });
    expect(await faultOf(inTransaction(pool, options, (transaction) => transaction.rows("select 1")))).toMatchObject({
      code: "unavailable",
      retryAfterSeconds: 2,
    });
    expect(records.at(-1)).toMatchObject({
      level: "warn",
      event: "database.fault",
      message: expect.stringMatching(/^test: connect: .*(ECONNRESET|terminated)/),
    });
    proxy.heal();
    expect(await inTransaction(pool, options, (transaction) => transaction.rows("select 1 as one"))).toEqual([{ one: 1 }]);
  });

  it("takes another connection when an idle one has died", async () => {
    await inTransaction(pool, options, (transaction) => transaction.rows("select 1"));
    await admin("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
    expect(await inTransaction(pool, options, (transaction) => transaction.rows("select 1 as one"))).toEqual([{ one: 1 }]);
  });

  it("is unavailable when the server ends the session in the middle, and discards the connection", async () => {
    const killed = inTransaction(pool, options, async (transaction) => {
      await transaction.rows("select 1");
      await admin("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
      await transaction.rows("select 1");
    });
    expect(await faultOf(killed)).toMatchObject({ code: "unavailable" });
    expect(pool.totalCount).toBe(0);
  });

  it("gives up a connection that does not answer any more, even to a statement that should have timed out", async () => {
    const started = performance.now();
    const stuck = inTransaction(pool, { ...options, statementTimeoutMs: 100 }, async (transaction) => {
      proxy.set({ hold: ["to-client"] });
      await transaction.rows("select 1");
    });
    expect(await faultOf(stuck)).toMatchObject({ code: "unavailable" });
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(pool.totalCount).toBe(0);
  });

  it("discards a connection that may only read, so that it writes as soon as the database does", async () => {
    const claim = () =>
      inTransaction(
        pool,
        options,
        (transaction) => transaction.rows("select * from audit_log.claim_batch('key:late', sha256('a'), sha256('b'), now())"),
      );
    await admin(`alter role postgres in database ${database.name} set default_transaction_read_only = on`);
    expect(await faultOf(claim())).toMatchObject({ code: "unavailable", cause: { sqlstate: "25006" } });
    await admin(`alter role postgres in database ${database.name} reset default_transaction_read_only`);
    expect(await claim()).toHaveLength(1);
  });

  it("does not say that a commit happened whose answer was lost", async () => {
    proxy.set({ swallow: { answer: "commit", probability: 1, then: "reset" } });
    const claimed = inTransaction(
      pool,
      options,
      (transaction) => transaction.rows("select * from audit_log.claim_batch('key:lost', sha256('a'), sha256('b'), now())"),
    );
    expect(await faultOf(claimed)).toMatchObject({ code: "unavailable" });
    expect(await admin("select principal from audit_log.batches")).toEqual([{ principal: "key:lost" }]);
  });

  it("is unavailable, for longer, when the installation is not finished", async () => {
    const error = await faultOf(inTransaction(pool, options, (transaction) => transaction.rows("select audit_log.not_yet_there()")));
    expect(error).toMatchObject({ code: "unavailable", retryAfterSeconds: 30 });
  });
});

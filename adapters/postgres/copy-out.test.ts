import type pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditError } from "../../core/errors.ts";
import { type ChaosProxy, startChaosProxy } from "../../test/support/chaos-proxy.ts";
import { createDatabase, type TestDatabase } from "../../test/support/database.ts";
import { createPool } from "./pool.ts";
import { inTransaction, type TransactionOptions } from "./transaction.ts";

describe("copyOut(), in a transaction", () => {
  let database: TestDatabase;
  let proxy: ChaosProxy;
  let pool: pg.Pool;
  let options: TransactionOptions;

  beforeEach(async () => {
    database = await createDatabase();
    const { hostname, port } = new URL(database.url);
    proxy = await startChaosProxy({ host: hostname, port: Number(port), protocol: "postgres" }, 1);
    pool = createPool({ databaseUrl: proxy.through(database.url), databasePoolSize: 2 }, () => {});
    options = { role: "audit_ingest", action: "test", statementTimeoutMs: 1_000, log: () => {} };
  });
  afterEach(async () => {
    await pool.end();
    await proxy.close();
    await database.drop();
  });

  const faultOf = async (work: Promise<unknown>): Promise<AuditError> => {
    const error = await work.then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof AuditError)) throw new Error("expected an AuditError", { cause: error });
    return error;
  };
  const numbers = (upTo: number) => `copy (select n from generate_series(1, ${upTo}) as n) to stdout (format binary)`;
  const valueOf = (row: Uint8Array) => new DataView(row.buffer, row.byteOffset).getInt32(6);

  it("gives every row in order, and none when there is none", async () => {
    for (const count of [0, 1, 2, 100_000]) {
      let sum = 0;
      let last = 0;
      await inTransaction(pool, { ...options, statementTimeoutMs: 10_000 }, (transaction) =>
        transaction.copied(numbers(count), (row) => {
          if (valueOf(row) !== last + 1) throw new Error(`${valueOf(row)} after ${last}`);
          sum += last = valueOf(row);
        }));
      expect(sum).toBe(count * (count + 1) / 2);
    }
  });

  it("passes through what is thrown while a row is taken, takes no more, and keeps the connection", async () => {
    const thrown = new Error("a row of no use");
    let taken = 0;
    const copying = inTransaction(pool, options, (transaction) =>
      transaction.copied(numbers(1000), () => {
        taken++;
        throw thrown;
      }));
    await expect(copying).rejects.toBe(thrown);
    expect([taken, pool.idleCount]).toEqual([1, 1]);
  });

  it("refuses, times out and ends with its session like any other statement", async () => {
    const copying = (select: string, statementTimeoutMs = 1_000, take = () => {}) =>
      faultOf(
        inTransaction(pool, { ...options, statementTimeoutMs }, (transaction) => transaction.copied(`copy (${select}) to stdout (format binary)`, take)),
      );
    expect(await copying("select 1 / (n - 2) from generate_series(1, 3) as n")).toMatchObject({ code: "internal", cause: { sqlstate: "22012" } });
    expect(pool.idleCount).toBe(1);
    expect(await copying("select pg_sleep(5)", 50)).toMatchObject({ code: "unavailable" });
    expect(await copying("select pg_terminate_backend(pg_backend_pid())")).toMatchObject({ code: "unavailable" });
  });

  it("gives up a connection that does not answer any more", async () => {
    const stuck = inTransaction(pool, { ...options, statementTimeoutMs: 100 }, async (transaction) => {
      proxy.set({ hold: ["to-client"] });
      await transaction.copied(numbers(10), () => {});
    });
    expect(await faultOf(stuck)).toMatchObject({ code: "unavailable" });
    expect(pool.totalCount).toBe(0);
  });
});

import { describe, expect, it } from "vitest";
import { runSql, startOwnPostgres } from "./postgres-process.ts";

/** Commits without waiting for the disk and nothing that would write it soon: what a crash must lose. */
const forgetful = { synchronous_commit: "off", wal_writer_delay: "10s", wal_writer_flush_after: "1GB", wal_buffers: "32MB" };

describe("startOwnPostgres()", () => {
  it("has our schema, and after crash() and start() what was committed durably and not what was only in memory", async () => {
    const postgres = await startOwnPostgres({ settings: forgetful });
    try {
      expect(await runSql(postgres.adminUrl, "select to_regclass('audit_log.events')::text as name")).toEqual([{ name: "audit_log.events" }]);
      await runSql(postgres.adminUrl, "create table kept (); create table counted (n int)");
      await runSql(postgres.adminUrl, "set synchronous_commit = on; insert into counted values (1)");
      await runSql(postgres.adminUrl, "insert into counted values (2)");
      await postgres.crash();
      expect(postgres.running()).toBe(false);
      await expect(runSql(postgres.adminUrl, "select 1")).rejects.toThrow();
      await postgres.start();
      expect(await runSql(postgres.adminUrl, "select n from counted")).toEqual([{ n: 1 }]);
      expect(postgres.log()).toContain("not properly shut down");
    } finally {
      await postgres.remove();
    }
    expect(postgres.running()).toBe(false);
  });
});

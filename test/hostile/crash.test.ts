import { describe, expect, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { startOwnPostgres } from "../support/postgres-process.ts";
import { allowForgetting, crashRounds, forgetful } from "./crash.ts";
import { openDoor } from "./door.ts";
import { judgeLoad, startTestLoad, until } from "./load.ts";

describe("kill -9 of PostgreSQL during ingest at 2,000 events a second", () => {
  it("loses and doubles nothing over 3 rounds", async () => {
    const postgres = await startOwnPostgres();
    try {
      await crashRounds(postgres, seedFor("crash"), 3);
    } finally {
      await postgres.remove();
    }
  });

  it("is noticed by this test: with synchronous_commit = off it finds losses", async () => {
    const postgres = await startOwnPostgres({ settings: forgetful });
    try {
      await allowForgetting(postgres);
      const door = await openDoor({ database: postgres });
      try {
        const run = startTestLoad([door.url], seedFor("crash control"));
        await until("batches are stored", () => run.load.counts.acknowledged >= 3_000);
        await postgres.crash();
        await postgres.start();
        await run.load.stop();
        const report = await judgeLoad("crash of a forgetful PostgreSQL", run, postgres.adminUrl);
        expect(report.counts.lost).toBeGreaterThan(0);
        expect(report.counts.doubled).toBe(0);
      } finally {
        await door.close();
      }
    } finally {
      await postgres.remove();
    }
  });

  it("is survived even where the server's settings say synchronous_commit = off: ingest() asks for more", async () => {
    const postgres = await startOwnPostgres({ settings: forgetful });
    try {
      await crashRounds(postgres, seedFor("crash with careless settings"), 1);
    } finally {
      await postgres.remove();
    }
  });
});

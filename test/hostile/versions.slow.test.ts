import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { seedFor } from "../support/payloads-seed.ts";
import { runSql, startOwnPostgres } from "../support/postgres-process.ts";
import { crashRounds } from "./crash.ts";
import { type Door, openDoor } from "./door.ts";
import { fuzz, judgeRows } from "./fuzz.ts";
import { modelRuns } from "./model.ts";
import { poisonAt, poisons } from "./poison.ts";

describe.each([15, 18] as const)("the function over PostgreSQL %i", (major) => {
  let database: TestDatabase;
  let door: Door;
  beforeAll(async () => {
    database = await createDatabase({ major });
    door = await openDoor({ database });
  });
  afterAll(async () => {
    await door.close();
    await database.drop();
  });

  it("is that version's", async () => {
    const [row] = await runSql<{ major: number }>(database.adminUrl, "select current_setting('server_version_num')::int / 10000 as major");
    expect(row?.major).toBe(major);
  });

  it("answers 20,000 payloads as the format's page says, and stores them byte for byte", { timeout: 300_000 }, async () => {
    const report = await fuzz(door, seedFor(`payloads on ${major}`), 15_000, 5_000);
    expect(await judgeRows(database.adminUrl, report.contents)).toBe(report.accepted);
  });

  it("does not diverge from the model in 500 runs", { timeout: 300_000 }, async () => {
    expect(await modelRuns(door, seedFor(`model on ${major}`), 500)).toBeGreaterThan(1_000);
  });

  it("lets every kind of poison cost only itself", { timeout: 120_000 }, async () => {
    for (let n = 0; n < poisons.length; n++) await poisonAt(door, n * 50 + n);
  });

  it("survives kill -9 during ingest", { timeout: 120_000 }, async () => {
    const postgres = await startOwnPostgres({ major });
    try {
      await crashRounds(postgres, seedFor(`crash on ${major}`), 3);
    } finally {
      await postgres.remove();
    }
  });
});

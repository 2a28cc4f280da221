import { describe, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { startOwnPostgres } from "../support/postgres-process.ts";
import { crashRounds } from "./crash.ts";

describe("kill -9 of PostgreSQL during ingest at 2,000 events a second, often", () => {
  it("loses and doubles nothing over 20 rounds", { timeout: 600_000 }, async () => {
    const postgres = await startOwnPostgres();
    try {
      await crashRounds(postgres, seedFor("20 crashes"), 20);
    } finally {
      await postgres.remove();
    }
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { printSchema } from "../../scripts/schema/print.ts";
import { useDatabase } from "./use-database.ts";

export function describeGoldenSchema(major: PostgresMajor): void {
  describe("migrations", () => {
    const database = useDatabase(major);

    it("make the schema of test/db/schema.sql, whichever PostgreSQL applies them", async () => {
      const client = await database.login();
      await client.query("select audit_log.ensure_partition('2026-01-01')");
      expect(await printSchema(client, "events_20260101")).toBe(readFileSync(new URL("schema.sql", import.meta.url), "utf8"));
    });
  });
}

import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateDatabaseTypes } from "../../scripts/schema/database-types.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { runSupabaseCli } from "../../scripts/supabase-cli.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

async function run(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

describe("supabase/database.types.ts", () => {
  it("is what the CLI makes of the migrations; `npm run schema` writes it", async () => {
    expect(await generateDatabaseTypes(database.url)).toBe(readFileSync(join(projectFolder, "supabase/database.types.ts"), "utf8"));
  });
});

describe("supabase db advisors", () => {
  const advise = () => runSupabaseCli(["db", "advisors", "--remote", database.url, "--fail-on", "warn"], { cwd: tmpdir(), env: { PGSSLMODE: "disable" } });

  it("finds nothing to warn of, neither in the schema as it is made nor once days are made", async () => {
    await run("select audit_log.ensure_partitions((now() - interval '1 day')::date, now()::date)");
    const { stdout, stderr } = await advise();
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: expect.stringMatching(/No issues found/) });
  });

  it("would have found a table that everybody may read", async () => {
    await run("create table public.unprotected (id bigint primary key)");
    await expect(advise()).rejects.toMatchObject({ stdout: expect.stringContaining("rls_disabled_in_public") });
    await run("drop table public.unprotected");
  });
});

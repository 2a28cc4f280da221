import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { printSchema } from "../../scripts/schema/print.ts";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

const migrations = fileURLToPath(new URL("../../migrations/", import.meta.url));
const binary = join(dirname(createRequire(import.meta.url).resolve("@supabase/cli-linux-x64/package.json")), "bin", "supabase");

/** A fresh project as the CLI sees it, outside of this repository, so that no other configuration is found. */
function makeProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-cli-"));
  mkdirSync(join(folder, "supabase", "migrations"), { recursive: true });
  for (const file of readdirSync(migrations)) copyFileSync(join(migrations, file), join(folder, "supabase", "migrations", file));
  return folder;
}

async function push(folder: string, url: string): Promise<string> {
  const env = { PATH: process.env["PATH"], HOME: folder, SUPABASE_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
  const { stdout, stderr } = await promisify(execFile)(binary, ["db", "push", "--remote", url, "--yes", "--agent", "no"], {
    cwd: folder,
    env,
    timeout: 60_000,
  });
  return stdout + stderr;
}

describe.each([15, 17, 18] as const satisfies readonly PostgresMajor[])("supabase db push to PostgreSQL %i", (major) => {
  let database: TestDatabase | undefined;
  let project: string | undefined;
  const current = () => ({ url: database?.url ?? "", folder: project ?? "" });

  beforeAll(async () => {
    // Roles belong to the cluster: this migrated database has made them before the CLI tries to.
    await (await createDatabase({ major })).drop();
    database = await createDatabase({ major, template: "prelude" });
    project = makeProject();
  });
  afterAll(async () => {
    await database?.drop();
    if (project !== undefined) rmSync(project, { recursive: true, force: true });
  });

  it("applies every migration as postgres, who is no superuser, and makes the same schema", async () => {
    const { url, folder } = current();
    expect(await push(folder, url)).toContain("Finished supabase db push");
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      await client.query("select audit_log.ensure_partition('2026-01-01')");
      expect(await printSchema(client, "events_20260101")).toBe(readFileSync(new URL("schema.sql", import.meta.url), "utf8"));
    } finally {
      await client.end();
    }
  });

  it("finds nothing to do the second time", async () => {
    const { url, folder } = current();
    expect(await push(folder, url)).toContain("up to date");
  });
});

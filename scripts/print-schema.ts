import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import pg from "pg";
import { generateDatabaseTypes } from "./schema/database-types.ts";
import { printSchema } from "./schema/print.ts";
import { freePort } from "./stack/free-port.ts";
import { migrate, readMigrations } from "./stack/migrate.ts";
import type { PostgresMajor } from "./stack/postgres-binaries.ts";
import { startPostgres } from "./stack/postgres-process.ts";
import { prepareDatabase } from "./stack/prepare-database.ts";
import { findSupabaseCli } from "./supabase-cli.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const golden = join(root, "test/db/schema.sql");
const goldenTypes = join(root, "supabase/database.types.ts");

/** Any day; its partition stands for all. */
const sampleDay = "2026-01-01";

/** Applies every migration to a new cluster of its own, prints the schema, and its types where there is a Supabase CLI, and removes the cluster. */
async function printFreshSchema(major: PostgresMajor): Promise<{ readonly schema: string; readonly types: string | undefined }> {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-schema-"));
  chmodSync(folder, 0o711);
  const password = "password";
  const settings = { fsync: "off", full_page_writes: "off" };
  const postgres = await startPostgres({
    major,
    folder: join(folder, "postgres"),
    logFile: join(folder, "postgres.log"),
    port: await freePort(),
    password,
    settings,
  });
  try {
    await prepareDatabase(postgres.adminUrl("postgres"), password);
    const url = `postgresql://postgres:${password}@127.0.0.1:${postgres.port}/postgres`;
    await migrate(url, readMigrations(join(root, "migrations")));
    const client = new pg.Client({ connectionString: url });
    // Before the sample partition is made: a day has no types of its own.
    const types = findSupabaseCli() === undefined ? undefined : await generateDatabaseTypes(url);
    await client.connect();
    try {
      await client.query("select audit_log.ensure_partition($1)", [sampleDay]);
      return { schema: await printSchema(client, `events_${sampleDay.replaceAll("-", "")}`), types };
    } finally {
      await client.end();
    }
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function firstDifference(expected: string, actual: string): string {
  const [before, after] = [expected.split("\n"), actual.split("\n")];
  const line = before.findIndex((text, index) => text !== after[index]);
  const at = line === -1 ? before.length : line;
  return `line ${at + 1}:\n- ${before[at] ?? "(end)"}\n+ ${after[at] ?? "(end)"}`;
}

const { values } = parseArgs({ options: { check: { type: "boolean", default: false }, major: { type: "string", default: "17" } } });
const { schema, types } = await printFreshSchema(Number(values.major) as PostgresMajor);
if (!values.check) {
  writeFileSync(golden, schema);
  if (types !== undefined) writeFileSync(goldenTypes, types);
  else console.error("generate supabase/database.types.ts: there is no Supabase CLI here: it is left as it was");
} else {
  const expected = readFileSync(golden, "utf8");
  if (expected !== schema) {
    console.error(
      `compare test/db/schema.sql with the migrations: they differ: run npm run schema and commit it with the migration\n${firstDifference(expected, schema)}`,
    );
    process.exitCode = 1;
  }
}

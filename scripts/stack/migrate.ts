import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";

/** One file of `migrations/`: `<version>_<name>.sql`. */
export type Migration = { readonly version: string; readonly name: string; readonly sql: string };

/** The migrations of a folder in the order in which they apply. Throws on a name that the Supabase CLI would not take, and on two of one version. */
export function readMigrations(folder: string): readonly Migration[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql")).sort();
  const migrations = files.map((file) => {
    const match = /^(\d{14})_([a-z0-9_]+)\.sql$/.exec(file);
    if (match === null) throw new Error(`read migrations: ${file} is not named <14 digits>_<words>.sql`);
    return { version: match[1] as string, name: match[2] as string, sql: readFileSync(join(folder, file), "utf8") };
  });
  for (const [index, migration] of migrations.entries()) {
    if (migration.version === migrations[index - 1]?.version) throw new Error(`read migrations: version ${migration.version} stands twice`);
  }
  return migrations;
}

/** The Supabase CLI's own record, so that `supabase db push` carries on where we stopped, and we where it stopped. */
const recordSql = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
  alter table supabase_migrations.schema_migrations add column if not exists statements text[];
  alter table supabase_migrations.schema_migrations add column if not exists name text;`;

/** Any constant will do, as long as every runner takes the same: two stacks, or a stack and a test, must not apply one file twice. */
const lockKey = 5_432_100_711;

/**
 * Applies what is not yet recorded, in order, each file and its record in one transaction: a fault leaves the files before it applied and
 * nothing of its own. Returns the versions applied. `url` logs in as `postgres`, as on hosted projects.
 */
export async function migrate(url: string, migrations: readonly Migration[]): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [lockKey]);
    await client.query(recordSql);
    const recorded = await client.query<{ version: string }>("select version from supabase_migrations.schema_migrations");
    const known = new Set(recorded.rows.map((row) => row.version));
    const pending = migrations.filter((migration) => !known.has(migration.version));
    for (const migration of pending) await apply(client, migration);
    return pending.map((migration) => migration.version);
  } finally {
    await client.end();
  }
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query("begin");
    await client.query(migration.sql);
    await client.query("insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)", [
      migration.version,
      migration.name,
      [migration.sql],
    ]);
    await client.query("commit");
    // A migration may `set` what the next one must not inherit: the CLI resets too.
    await client.query("reset all");
  } catch (cause) {
    await client.query("rollback").catch(() => {});
    throw new Error(`apply migration ${migration.version}_${migration.name}.sql: ${describe(cause, migration.sql)}`, { cause });
  }
}

function describe(cause: unknown, sql: string): string {
  if (!(cause instanceof pg.DatabaseError)) return String(cause);
  const line = cause.position === undefined ? "" : ` at line ${sql.slice(0, Number(cause.position)).split("\n").length}`;
  const where = cause.where === undefined ? "" : ` (${cause.where.split("\n")[0]})`;
  return `${cause.message}${line}${where}${cause.hint === undefined ? "" : `: ${cause.hint}`}`;
}

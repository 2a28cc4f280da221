import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { freePort } from "../../scripts/stack/free-port.ts";
import { migrate, readMigrations } from "../../scripts/stack/migrate.ts";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { startPostgres } from "../../scripts/stack/postgres-process.ts";
import { prepareDatabase } from "../../scripts/stack/prepare-database.ts";
import type { ProcessRecord } from "../../scripts/stack/process-record.ts";

/** `migrated`: Supabase's prelude and our migrations. `prelude`: a fresh Supabase project. */
export type TemplateName = "migrated" | "prelude";

/** Everything a test needs in order to clone a template; both passwords are `password`. */
export type ClusterAddress = { readonly port: number; readonly template: string };

export type Cluster = {
  /** Makes the template on first use, and again when a migration has changed since (vitest's watch mode). */
  template(name: TemplateName): Promise<ClusterAddress>;
  stop(): Promise<void>;
};

/** Long enough that it stands nowhere by chance. */
export const password = "passwordOfEveryTestDatabase";
const migrationsFolder = fileURLToPath(new URL("../../migrations", import.meta.url));

/** A cluster that forgets on power failure, which no test here can cause, and is otherwise like the stack's: `synchronous_commit` stays on. */
const settings = { fsync: "off", full_page_writes: "off", shared_buffers: "128MB", max_connections: "200", jit: "off", log_checkpoints: "off" };

export async function startCluster(major: PostgresMajor, runFolder: string, record: ProcessRecord): Promise<Cluster> {
  const postgres = await startPostgres({
    major,
    folder: join(runFolder, `postgres-${major}`),
    logFile: join(runFolder, `postgres-${major}.log`),
    port: await freePort(),
    password,
    settings,
    started: (pid, binaries) => record.add(`PostgreSQL ${major}`, pid, binaries.copy ? [binaries.folder] : []),
  });
  await prepareDatabase(postgres.adminUrl("postgres"), password);
  const templates = new Map<string, Promise<ClusterAddress>>();
  return {
    template(name) {
      const migrations = name === "migrated" && existsSync(migrationsFolder) ? readMigrations(migrationsFolder) : [];
      const hash = createHash("sha256").update(JSON.stringify(migrations)).digest("hex").slice(0, 12);
      const template = `template_${name}_${hash}`;
      const made = templates.get(template) ?? makeTemplate(postgres.adminUrl, postgres.port, template, migrations);
      templates.set(template, made);
      return made;
    },
    stop: () => postgres.stop(),
  };
}

async function makeTemplate(
  adminUrl: (database: string) => string,
  port: number,
  template: string,
  migrations: ReturnType<typeof readMigrations>,
): Promise<ClusterAddress> {
  const client = new pg.Client({ connectionString: adminUrl("postgres") });
  await client.connect();
  try {
    await client.query(`create database ${template} owner postgres`);
  } finally {
    await client.end();
  }
  await prepareDatabase(adminUrl(template), password);
  await migrate(`postgresql://postgres:${password}@127.0.0.1:${port}/${template}`, migrations);
  return { port, template };
}

// The system under measurement: a PostgreSQL of its own, the migrations, and Deno functions over it. Nothing is shared with a running stack.
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { makeApiKey } from "../core/api-key.ts";
import { type DenoProcess, projectFolder, startDeno } from "../scripts/stack/deno-process.ts";
import { ingestThreads } from "../scripts/stack/functions.ts";
import { freePort } from "../scripts/stack/free-port.ts";
import { migrate, readMigrations } from "../scripts/stack/migrate.ts";
import { type PostgresProcess, startPostgres } from "../scripts/stack/postgres-process.ts";
import { prepareDatabase } from "../scripts/stack/prepare-database.ts";

export const benchTenant = "123e4567-e89b-12d3-a456-426614174000";
const password = randomBytes(12).toString("hex");

/** Durable as the stack is, with room enough that neither side of a comparison waits for a checkpoint the other did not have. */
export const postgresSettings = { shared_buffers: "1GB", max_wal_size: "8GB", checkpoint_timeout: "30min", jit: "off", log_checkpoints: "off" };

export type BenchSystem = {
  readonly postgres: PostgresProcess;
  /** An empty database with every migration applied, and an ingest key of `benchTenant` in it. */
  freshDatabase(): Promise<BenchDatabase>;
  /** Ends PostgreSQL and starts it over the same data: what it had in memory is gone. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

export type BenchDatabase = { readonly url: string; readonly adminUrl: string; readonly apiKey: string; drop(): Promise<void> };

export async function startSystem(): Promise<BenchSystem> {
  const folder = mkdtempSync(join(tmpdir(), "audit-bench-"));
  chmodSync(folder, 0o711);
  const port = await freePort();
  const start = () => startPostgres({ folder: join(folder, "postgres"), logFile: join(folder, "postgres.log"), port, password, settings: postgresSettings });
  let postgres = await start();
  await prepareDatabase(postgres.adminUrl("postgres"), password);
  const migrations = readMigrations(join(projectFolder, "migrations"));
  let made = 0;
  return {
    get postgres() {
      return postgres;
    },
    restart: async () => {
      await postgres.stop();
      postgres = await start();
    },
    freshDatabase: () => makeDatabase(postgres, `bench_${++made}`, migrations),
    stop: async () => {
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makeDatabase(postgres: PostgresProcess, name: string, migrations: ReturnType<typeof readMigrations>): Promise<BenchDatabase> {
  const url = `postgresql://postgres:${password}@127.0.0.1:${postgres.port}/${name}`;
  const adminUrl = postgres.adminUrl(name);
  await withClient(postgres.adminUrl("postgres"), (admin) => admin.query(`create database ${name} owner postgres`));
  await prepareDatabase(adminUrl, password);
  await migrate(url, migrations);
  const key = makeApiKey(randomBytes);
  const hash = createHash("sha256").update(key.text).digest();
  await withClient(url, async (client) => {
    await client.query("begin; set local role audit_job");
    await client.query("select audit_log.create_tenant($1, 'bench')", [benchTenant]);
    await client.query("select audit_log.create_key($1, $2, $3, 'bench', array['ingest', 'admin'], null)", [benchTenant, key.id, hash]);
    await client.query("commit");
  });
  const drop = () => withClient(postgres.adminUrl("postgres"), (admin) => admin.query(`drop database ${name} with (force)`)).then(() => {});
  return { url, adminUrl, apiKey: key.text, drop };
}

export async function withClient<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/** A function of the project, or another `entry`, as a Deno process like the stack's. */
export async function startBenchFunction(name: string, environment: Readonly<Record<string, string>>, entry?: string): Promise<DenoProcess> {
  const path = entry ?? join(projectFolder, "functions", name, "index.ts");
  return await startDeno({
    name,
    entry: path,
    // As the local stack runs it; what is written by hand would run on the same machine.
    ...name === "audit-logger" || name === "handwritten" ? { threads: ingestThreads } : {},
    environment,
    cacheFolder: join(tmpdir(), "audit-bench-deno"),
    output: (text) => /"level":"(error|warn)"/.test(text) && process.stderr.write(text),
  });
}

/** What a function needs to run over `database`. */
export function functionEnvironment(database: BenchDatabase): Record<string, string> {
  return {
    SUPABASE_URL: "http://127.0.0.1:54321",
    SUPABASE_JWKS: '{"keys":[]}',
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: `sb_secret_${randomBytes(24).toString("hex")}` }),
    SUPABASE_PUBLISHABLE_KEYS: "{}",
    AUDIT_DATABASE_URL: database.url,
    AUDIT_CURSOR_KEY: randomBytes(32).toString("base64"),
    AUDIT_LOG_ORIGIN: "bench.audit-events.dev",
    // Quotas are at work, and out of reach.
    AUDIT_INGEST_EVENTS_PER_SECOND: "1000000",
    AUDIT_READS_PER_SECOND: "1000000",
  };
}

import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { freePort } from "../../scripts/stack/free-port.ts";
import { migrate, readMigrations } from "../../scripts/stack/migrate.ts";
import { type PostgresProcess, startPostgres } from "../../scripts/stack/postgres-process.ts";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { prepareDatabase } from "../../scripts/stack/prepare-database.ts";

export type OwnPostgresOptions = {
  /** An empty folder for the cluster, such as a small file system; a temporary one, removed at the end, when absent. */
  readonly folder?: string;
  readonly major?: PostgresMajor;
  /** `-c` settings above the durable ones: `fsync` and `synchronous_commit` are on unless a control run says otherwise. */
  readonly settings?: Readonly<Record<string, string>>;
};

/** A PostgreSQL of this test alone, with every migration applied, that may be killed, starved and started again. */
export type OwnPostgres = {
  readonly port: number;
  /** For the login `postgres`, as services use it. */
  readonly url: string;
  /** For the superuser. */
  readonly adminUrl: string;
  /** `kill -9` of every process of the server at the same moment: what was only in its shared memory is gone. Resolves when all are. */
  crash(): Promise<void>;
  /** Starts what has crashed or was stopped; resolves when it answers. Safe when it runs. */
  start(): Promise<void>;
  /** Fast shutdown, as a restart for maintenance does it. */
  stop(): Promise<void>;
  /** True until it was stopped, crashed, or gave up by itself. */
  running(): boolean;
  /** What it wrote to its log. */
  log(): string;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
};

const password = "password";
const database = "postgres";
const migrationsFolder = fileURLToPath(new URL("../../migrations", import.meta.url));

/** Makes a cluster and starts it. Callers must `remove()` it, also when their test fails. */
export async function startOwnPostgres(options: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const parent = mkdtempSync(join(tmpdir(), "audit-events-own-"));
  // The account that PostgreSQL runs as, when we are root, must be able to walk through.
  chmodSync(parent, 0o711);
  const [folder, logFile, port] = [options.folder ?? join(parent, "data"), join(parent, "postgres.log"), await freePort()];
  const settings = { shared_buffers: "64MB", jit: "off", max_connections: "60", ...options.settings };
  let process: PostgresProcess | undefined;

  async function start(): Promise<void> {
    if (process !== undefined) return;
    const started = await startPostgres({ folder, logFile, port, password, settings, ...(options.major === undefined ? {} : { major: options.major }) });
    process = started;
    void started.ended.then(() => {
      if (process === started) process = undefined;
    });
  }

  async function stop(): Promise<void> {
    const stopping = process;
    process = undefined;
    await stopping?.stop();
  }

  async function remove(): Promise<void> {
    await stop();
    rmSync(parent, { recursive: true, force: true });
  }

  async function crash(): Promise<void> {
    if (process === undefined) throw new Error("crash PostgreSQL: it does not run");
    const crashing = process;
    process = undefined;
    killTree(crashing.pid);
    await crashing.ended;
    await crashing.stop();
  }

  const adminUrl = `postgresql://supabase_admin:${password}@127.0.0.1:${port}/${database}`;
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
  try {
    await start();
    await prepareDatabase(adminUrl, password);
    await migrate(url, readMigrations(migrationsFolder));
    // Whatever the settings say about commits, the schema itself outlives a crash.
    await runSql(adminUrl, "checkpoint");
  } catch (error) {
    await remove();
    throw error;
  }
  return { port, url, adminUrl, start, stop, crash, remove, running: () => process !== undefined, log: () => readFileSync(logFile, "utf8") };
}

/** One statement as superuser, outside any pool. */
export async function runSql<T extends pg.QueryResultRow>(url: string, sql: string, values: readonly unknown[] = []): Promise<readonly T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<T>(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/**
 * The parent is stopped first, so that it cannot answer a child's death; each child is a session of its own, so that no signal to a group would
 * reach them all.
 */
function killTree(pid: number): void {
  process.kill(pid, "SIGSTOP");
  for (const child of childrenOf(pid)) {
    try {
      process.kill(child, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
  process.kill(pid, "SIGKILL");
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter((text) => text !== "").map(Number);
}

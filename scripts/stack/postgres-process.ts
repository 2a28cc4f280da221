import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { type Account, type Binaries, canReach, postgresAccount, reachableBinaries } from "./postgres-account.ts";
import { postgresFolder, type PostgresMajor } from "./postgres-binaries.ts";
import { clearStaleLock } from "./postgres-lock.ts";
import { stopProcess } from "./stop-process.ts";

/** The superuser of a cluster; as on Supabase, `postgres` is only its most powerful ordinary role. */
export const superuser = "supabase_admin";

export type PostgresOptions = {
  /** The cluster's folder: made when missing, with `logFile` beside it. */
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  readonly password: string;
  readonly major?: PostgresMajor;
  /** Another PostgreSQL than npm's: a folder with `bin`, `lib` and `share`. */
  readonly binaries?: string;
  /** `-c name=value` settings; those of a durable local server when absent. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Called as soon as the process exists, before it is ready: whoever must be able to stop it after a crash notes its pid here. */
  readonly started?: (pid: number, binaries: Binaries) => void;
};

export type PostgresProcess = {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** URL of `database` for the superuser. */
  adminUrl(database: string): string;
  /** Fast shutdown: open transactions are aborted, what was committed is flushed. */
  stop(): Promise<void>;
};

/** Starts a PostgreSQL of npm on 127.0.0.1, making its cluster first if there is none; resolves when it answers, after crash recovery if need be. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresProcess> {
  const account = postgresAccount();
  const binaries = reachableBinaries(account, options.binaries ?? postgresFolder(options.major));
  try {
    prepareFolder(options.folder, account);
    const dataPath = canReach(account, options.folder, "-x") ? options.folder : "/proc/self/cwd";
    if (!existsSync(join(options.folder, "PG_VERSION"))) makeCluster(options, binaries, account, dataPath);
    await clearStaleLock(options.folder);
    const child = spawnServer(options, binaries, account, dataPath);
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve())).then(() => binaries.dispose());
    const adminUrl = (database: string) => `postgresql://${superuser}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${database}`;
    const stop = () => stopProcess(child, ended, "SIGINT", 20_000);
    try {
      options.started?.(child.pid ?? 0, binaries);
      await untilReady(adminUrl("postgres"), child, options.logFile);
    } catch (error) {
      await stop();
      throw error;
    }
    return { pid: child.pid ?? 0, port: options.port, ended, adminUrl, stop };
  } catch (error) {
    binaries.dispose();
    throw error;
  }
}

function prepareFolder(folder: string, account: Account): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
}

/**
 * The environment of both programs is fixed: a server must not take its time zone, language or library path from whoever started it first.
 * The working directory is the cluster's: where the account may not walk the path to it, `/proc/self/cwd` still names it, because the
 * kernel checks the folder itself and not its parents.
 */
function spawnOptions(folder: string, account: Account) {
  return { cwd: folder, env: { LC_ALL: "C", TZ: "UTC", PATH: "/usr/bin:/bin" }, ...account };
}

function makeCluster(options: PostgresOptions, binaries: Binaries, account: Account, dataPath: string): void {
  // The password travels as an open file on standard input: an argument would show in the process list, a path might not be reachable.
  const passwordFile = `${options.folder}.password`;
  writeFileSync(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
  const password = openSync(passwordFile, "r");
  try {
    // ICU's English order is what hosted projects have: an index or a cursor that silently relies on byte order shows here.
    const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
    const args = ["-D", dataPath, "-U", superuser, "-A", "scram-sha-256", "--pwfile=/dev/stdin", ...locale];
    const result = spawnSync(join(binaries.folder, "bin", "initdb"), args, {
      ...spawnOptions(options.folder, account),
      stdio: [password, "pipe", "pipe"],
      encoding: "utf8",
    });
    if (result.signal !== null || /caught signal|terminated by signal (2|15)\b/.test(`${result.stdout}${result.stderr}`)) {
      throw new Error(`make a PostgreSQL cluster in ${options.folder}: it was stopped before it was done, and removed; start again`);
    }
    if (result.status !== 0) {
      throw new Error(`make a PostgreSQL cluster in ${options.folder}: initdb failed: ${(result.error?.message ?? result.stderr).trim()}`);
    }
  } finally {
    closeSync(password);
    rmSync(passwordFile, { force: true });
  }
}

const durableSettings = { shared_buffers: "256MB", max_wal_size: "4GB", jit: "off", log_checkpoints: "off" };

function spawnServer(options: PostgresOptions, binaries: Binaries, account: Account, dataPath: string): ChildProcess {
  const settings = { listen_addresses: "127.0.0.1", unix_socket_directories: "", timezone: "UTC", ...(options.settings ?? durableSettings) };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  // Its log is a file of its own, not our pipe: a server that outlives us by a moment must not block on it.
  const log = openSync(options.logFile, "a", 0o600);
  try {
    return spawn(join(binaries.folder, "bin", "postgres"), ["-D", dataPath, "-p", String(options.port), ...flags], {
      ...spawnOptions(options.folder, account),
      stdio: ["ignore", log, log],
      // A group of its own: Ctrl-C in the terminal reaches us alone, and we stop the parts in order.
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** Recovery after a crash can take a while: wait as long as the server lives, up to a minute. */
async function untilReady(url: string, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  let failure: unknown;
  child.once("error", (error) => failure = error);
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw new Error(`start PostgreSQL: it ended at once; the end of ${logFile} says why:\n${lastLines(logFile)}`, { cause: failure });
    }
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => {});
    try {
      await client.connect();
      return;
    } catch (error) {
      failure = error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    } finally {
      await client.end().catch(() => {});
    }
  }
  throw new Error(`start PostgreSQL: it did not answer within 60 s; the end of ${logFile} may say why:\n${lastLines(logFile)}`, { cause: failure });
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-8).map((line) => `    ${line}`).join("\n");
  } catch {
    return "    (no log)";
  }
}

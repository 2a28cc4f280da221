import { join } from "node:path";
import { hasPage } from "./api-process.ts";
import { curlLine } from "./banner.ts";
import { buildPage } from "./build-page.ts";
import { type Credentials, publicKeySet, readCredentials } from "./credentials.ts";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import { recordDemoTenants } from "./demo-tenants.ts";
import { projectFolder } from "./deno-process.ts";
import { partEnvironment } from "./environment.ts";
import { freePort } from "./free-port.ts";
import { type Routes, startGateway } from "./gateway.ts";
import { writeLocalFile } from "./local-file.ts";
import { migrate, readMigrations } from "./migrate.ts";
import { pageConfig } from "./page-config.ts";
import { startPostgres } from "./postgres-process.ts";
import { prepareDatabase } from "./prepare-database.ts";
import { endLeftovers, livingProcesses, openProcessRecord, type ProcessRecord } from "./process-record.ts";
import { createReadiness } from "./readiness.ts";
import { databaseJobs } from "./run-jobs.ts";
import { type Job, startScheduler } from "./scheduler.ts";
import { restartServices, type Services, startServices } from "./services.ts";
import type { Shutdown } from "./shutdown.ts";
import { type Part, supervise, type Supervisor } from "./supervisor.ts";

export type StackOptions = {
  readonly port: number;
  readonly dataFolder: string;
  /** The environment of whoever starts it. */
  readonly shell: Readonly<Record<string, string | undefined>>;
  /** One line for a person: an end, a recovery, a job that fails. */
  readonly report: (line: string) => void;
};

export type Stack = {
  readonly url: string;
  readonly databasePort: number;
  readonly functions: readonly string[];
  readonly hasApi: boolean;
  readonly hasPage: boolean;
  readonly ingestKey: string;
  /** Replaces functions and API by new processes, which run the sources as they are now; no request fails. */
  readonly restart: () => Promise<void>;
};

/** What is known so far; the gateway answers from the first moment, `/readyz` with what is still missing. */
type Progress = { databaseUrl?: string; migrations?: readonly string[]; database?: Supervisor<Part>; services?: Services; started: boolean };

/**
 * Starts the whole stack; whatever it has started is in `shutdown`, also when it throws. The port comes first: another
 * stack on the folder, or a stranger on the port, is noticed before the database is touched.
 */
export async function startStack(options: StackOptions, shutdown: Shutdown): Promise<Stack> {
  const folder = openDataFolder(options.dataFolder);
  refuseSecondStack(folder);
  const progress: Progress = { started: false };
  const credentials = await readCredentials(folder.credentials);
  const gateway = await startGateway(options.port, routesOf(progress, credentials));
  shutdown.add("gateway", () => gateway.stop(5_000));
  const record = await claim(folder, shutdown, options.report);

  const url = `http://127.0.0.1:${options.port}`;
  const page = buildPage(options.report);
  const databasePort = await startDatabase(folder, options, credentials, record, shutdown, progress);
  const databaseUrl = `postgresql://postgres:${credentials.postgresPassword}@127.0.0.1:${databasePort}/postgres`;
  const migrations = readMigrations(join(projectFolder, "migrations"));
  await migrate(databaseUrl, migrations);
  await recordDemoTenants(databaseUrl, credentials.tenants);
  progress.databaseUrl = databaseUrl;
  progress.migrations = migrations.map((migration) => migration.version);

  const environment = partEnvironment(url, databaseUrl, folder.path, credentials, options.shell);
  await page;
  const ingestKey = credentials.tenants[0]?.api_keys.ingest ?? "";
  const config = pageConfig(credentials.tenants, curlLine(url, ingestKey));
  const services = progress.services = await startServices({ folder, environment, pageConfig: config, record, shutdown, report: options.report });
  const functions = [...services.functions.keys()];
  const database = databaseJobs(databaseUrl);
  await database.run("partitions");
  const due = jobs(url).filter((job) => job.url === undefined || functions.includes(job.name));
  const scheduler = startScheduler(due, credentials.secretKey, options.report, database);
  shutdown.add("scheduler", () => scheduler.stop());
  const adminUrl = `postgresql://supabase_admin:${credentials.superuserPassword}@127.0.0.1:${databasePort}/postgres`;
  writeLocalFile(folder.local, url, adminUrl, credentials);
  progress.started = true;
  return {
    url,
    databasePort,
    functions,
    hasApi: services.api !== undefined,
    hasPage: hasPage(),
    ingestKey,
    restart: () => restartServices(services),
  };
}

/** pg_cron's part of a hosted project. */
function jobs(url: string): readonly Job[] {
  return [
    { name: "partitions", pattern: "0 7 * * * *" },
    { name: "clean-up", pattern: "0 */5 * * * *" },
    { name: "audit-sealer", pattern: "*/2 * * * * *", url: `${url}/functions/v1/audit-sealer` },
    { name: "audit-retention", pattern: "0 * * * * *", url: `${url}/functions/v1/audit-retention` },
  ];
}

const stackName = "the stack";

function refuseSecondStack(folder: DataFolder): void {
  const other = livingProcesses(folder.processes).find((entry) => entry.name === stackName);
  if (other === undefined) return;
  throw new Error(
    `A stack runs on ${folder.path} already (process ${other.pid}); ${folder.local} says where.\n` +
      `Stop it with Ctrl-C where it runs or with: kill ${other.pid}\nOr start another beside it: npm start -- --port N --data DIR`,
  );
}

/** Ends what a killed stack left on this folder, and notes that the folder is ours. */
async function claim(folder: DataFolder, shutdown: Shutdown, report: (line: string) => void): Promise<ProcessRecord> {
  const ended = await endLeftovers(folder.processes);
  if (ended.length > 0) report(`ended what an earlier run had left: ${ended.join(", ")}`);
  const record = openProcessRecord(folder.processes);
  record.add(stackName, process.pid);
  shutdown.add("record", () => record.clear());
  // An exit that did not go through `shutdown` (a fault of ours, a second Ctrl-C) must not leave anything running either.
  process.once("exit", () => record.killAll());
  return record;
}

async function startDatabase(
  folder: DataFolder,
  options: StackOptions,
  credentials: Credentials,
  record: ProcessRecord,
  shutdown: Shutdown,
  progress: Progress,
): Promise<number> {
  const port = await freePort(options.port + 1);
  const logFile = join(folder.logs, "postgres.log");
  const start = async () => {
    const started = (pid: number, binaries: { folder: string; copy: boolean }) => record.add("PostgreSQL", pid, binaries.copy ? [binaries.folder] : []);
    const postgres = await startPostgres({ folder: folder.cluster, logFile, port, password: credentials.superuserPassword, started });
    void postgres.ended.then(() => record.remove(postgres.pid));
    return postgres;
  };
  const database = await supervise("PostgreSQL", start, options.report, logFile);
  shutdown.add("database", () => database.stop());
  progress.database = database;
  const running = database.current();
  if (running === undefined) throw new Error(`start PostgreSQL: it ended at once; see ${logFile}`);
  await prepareDatabase(running.adminUrl("postgres"), credentials.postgresPassword);
  return port;
}

function routesOf(progress: Progress, credentials: Credentials): Routes {
  const services = () => progress.services;
  return {
    functionPort: (name) => {
      const found = services()?.functions.get(name);
      return services() === undefined ? undefined : found === undefined ? "absent" : found.current()?.port;
    },
    apiPort: () => services() === undefined ? undefined : services()?.api === undefined ? "absent" : services()?.api?.current()?.port,
    keySet: () => publicKeySet(credentials),
    readiness: createReadiness({
      databaseUrl: () => progress.databaseUrl,
      migrations: () => progress.migrations,
      parts: () =>
        [...services()?.functions.values() ?? [], services()?.api].filter((part) => part !== undefined)
          .map((part) => ({ name: part.name, running: part.current() !== undefined })),
      apiPort: () => services()?.api?.current()?.port,
      started: () => progress.started,
    }),
  };
}

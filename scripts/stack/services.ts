import { join } from "node:path";
import { type ApiProcess, hasApi, startApi } from "./api-process.ts";
import type { DataFolder } from "./data-folder.ts";
import { type DenoProcess, startDeno } from "./deno-process.ts";
import { findFunctions, type FunctionSource } from "./functions.ts";
import { openLogFile } from "./log-file.ts";
import type { ProcessRecord } from "./process-record.ts";
import { drained } from "./proxy.ts";
import type { Shutdown } from "./shutdown.ts";
import { type Part, supervise, type Supervisor } from "./supervisor.ts";

export type ServiceContext = {
  readonly folder: DataFolder;
  readonly environment: Readonly<Record<string, string>>;
  /** `config.json` of the events page. */
  readonly pageConfig: string;
  readonly record: ProcessRecord;
  readonly shutdown: Shutdown;
  readonly report: (line: string) => void;
};

/** The Edge Functions and, once this checkout has one, the query service: each a process of its own, kept running. */
export type Services = {
  readonly functions: ReadonlyMap<string, Supervisor<DenoProcess>>;
  readonly api: Supervisor<ApiProcess> | undefined;
};

/** How long requests to a process that is being replaced may take: an Edge Function's limit is longer, no request of ours is. */
const drainMs = 30_000;

/** Replaces every process by a new one, one after the other, without a request that fails: the new one takes over before the old one is asked to stop. */
export async function restartServices({ functions, api }: Services): Promise<void> {
  for (const supervisor of functions.values()) await supervisor.replace(({ port }) => drained(port, drainMs));
  await api?.replace(({ port }) => drained(port, drainMs));
}

/** Starts them all at once; throws if one of them cannot start, with what it printed. */
export async function startServices(context: ServiceContext): Promise<Services> {
  const sources = findFunctions();
  const api = hasApi()
    ? keepRunning(
      "api",
      context,
      (hooks) => startApi({ environment: { ...context.environment, AUDIT_PAGE_CONFIG: context.pageConfig }, folder: context.folder.api, ...hooks }),
    )
    : undefined;
  const functions = sources.map((source) => keepRunning(source.name, context, (hooks) => startFunction(source, context, hooks)));
  const all = await Promise.allSettled([api, ...functions]);
  const fault = all.find((result) => result.status === "rejected");
  if (fault !== undefined) throw fault.reason;
  const running = await Promise.all(functions);
  return { functions: new Map(running.map((supervisor) => [supervisor.name, supervisor])), api: await api };
}

type Hooks = { readonly output: (text: string) => void; readonly started: (pid: number) => void };

async function keepRunning<P extends Part>(name: string, context: ServiceContext, start: (hooks: Hooks) => Promise<P>): Promise<Supervisor<P>> {
  const logPath = join(context.folder.logs, `${name}.log`);
  const log = openLogFile(logPath);
  const hooks: Hooks = { output: (text) => log.write(text), started: (pid) => context.record.add(name, pid) };
  const startRecorded = async () => {
    const part = await start(hooks);
    void part.ended.then(() => context.record.remove(part.pid));
    return part;
  };
  const supervisor = await supervise(name, startRecorded, context.report, logPath);
  context.shutdown.add("services", async () => {
    await supervisor.stop();
    log.close();
  });
  return supervisor;
}

function startFunction(source: FunctionSource, context: ServiceContext, hooks: Hooks): Promise<DenoProcess> {
  const archive = context.environment["AUDIT_ARCHIVE_URL"];
  // The function that the whole world may call gets no file at all; the others work on the archive.
  const writableFolders = source.name === "audit-logger" || !archive?.startsWith("file:") ? [] : [archive.slice("file:".length)];
  return startDeno({ ...source, environment: context.environment, cacheFolder: context.folder.denoCache, writableFolders, ...hooks });
}

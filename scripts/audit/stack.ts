import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { openDataFolder } from "../stack/data-folder.ts";
import { projectFolder } from "../stack/deno-process.ts";
import { livingProcesses } from "../stack/process-record.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { CommandError } from "./failure.ts";

type Options = { readonly data: string; readonly port?: string; readonly background?: boolean; readonly yes?: boolean; readonly json?: boolean };

const defaultData = ".audit";

/** How long a start (its first one makes a database) and a stop may take. */
const startMs = 120_000;
const stopMs = 60_000;

/** `audit-events stack`: the local stack of one data folder. */
export function stackCommand(): Command {
  const stack = new Command("stack").description("Start, look at, stop or remove the local stack");
  const add = (name: string, description: string, action: (options: Options) => Promise<void>, example: string) =>
    withExamples(
      stack.command(name).description(description).option("--data <dir>", "folder of its database, keys and logs", defaultData).action(action),
      `stack ${name}${example}`,
    );
  add("start", "Start it, as npm start does", start, " --background")
    .option("--port <n>", "port to listen on (default: 54321)")
    .option("--background", "return when it is ready, and leave it running");
  add("status", "Say whether it runs, and what each part says of itself", status, " --json").option("--json", "as JSON");
  add("stop", "Stop it, wherever it was started", stop, "");
  add("reset", "Stop it and remove its folder: every event, key and archive in it", reset, " --yes").option("--yes", "really do it");
  return stack;
}

/** The process that everything else of the stack belongs to; undefined when none runs on the folder. */
function running(data: string) {
  return livingProcesses(join(data, "processes.json")).find(({ name }) => name === "the stack");
}

async function start(options: Options): Promise<void> {
  const args = ["scripts/stack.ts", "--data", resolve(options.data), ...options.port === undefined ? [] : ["--port", options.port]];
  // What npm set for us would make the stack end when this command does.
  const { npm_lifecycle_event: _, ...env } = process.env;
  if (!options.background) {
    const child = spawn(process.execPath, args, { cwd: projectFolder, stdio: "inherit" });
    // The terminal sends Ctrl-C to both of us; the stack stops in its own time, and its exit code is ours.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => signal === "SIGTERM" && child.kill(signal));
    const code = await new Promise<number | null>((done) => child.once("close", done));
    process.exitCode = code === exitCodes.done || code === exitCodes.interrupted ? code : exitCodes.undone;
    return;
  }
  if (running(options.data) !== undefined) {
    throw new CommandError("stack_runs", `start stack: one runs on ${options.data} already`, `\`${commandFor("status", options)}\` says where`);
  }
  const file = join(openDataFolder(resolve(options.data)).logs, "stack.log");
  const log = openSync(file, "w", 0o600);
  const child = spawn(process.execPath, args, { cwd: projectFolder, env, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let hasEnded = false;
  child.once("exit", () => hasEnded = true);
  const isReady = await until(async () => hasEnded || (running(options.data) !== undefined && (await readiness(options.data))?.ready === true), startMs);
  if (hasEnded || !isReady) {
    throw new CommandError("stack_failed", `start stack: ${readFileSync(file, "utf8").trim() || "it did not become ready"}`, `its log is ${file}`);
  }
  child.unref();
  console.log(`The stack runs at ${localUrl(options.data)} (process ${child.pid}); stop it with: ${commandFor("stop", options)}`);
}

/** The line to type for this stack: without its folder it would be about another one. */
function commandFor(name: string, { data }: Options): string {
  const quoted = /^[\w./-]+$/.test(data) ? data : `'${data.replaceAll("'", String.raw`'\''`)}'`;
  return `npm run audit -- stack ${name}${data === defaultData ? "" : ` --data ${quoted}`}`;
}

async function status(options: Options): Promise<void> {
  const found = running(options.data);
  const ready = found === undefined ? undefined : await readiness(options.data);
  const url = found === undefined ? undefined : localUrl(options.data);
  const word = found === undefined ? "stopped" : ready?.ready === true ? "ready" : "not_ready";
  if (options.json) console.log(JSON.stringify({ status: word, ...found && { process: found.pid, url, checks: ready?.checks ?? {} } }));
  else {
    console.log(found === undefined ? `No stack runs on ${options.data}` : `${word === "ready" ? "Ready" : "Not ready"} at ${url} (process ${found.pid})`);
    for (const [name, says] of Object.entries(ready?.checks ?? {})) console.log(`  ${name}: ${says.reason ?? says.status}`);
  }
  process.exitCode = word === "ready" ? exitCodes.done : exitCodes.bad;
}

async function stop(options: Options): Promise<void> {
  const found = running(options.data);
  if (found === undefined) return console.log(`No stack runs on ${options.data}`);
  process.kill(found.pid, "SIGTERM");
  if (!await until(async () => running(options.data) === undefined, stopMs)) {
    throw new CommandError(
      "stack_runs",
      `stop stack: process ${found.pid} still runs`,
      `look into ${join(options.data, "logs")}, or kill it: kill -9 ${found.pid}`,
    );
  }
  console.log("Stopped.");
}

async function reset(options: Options): Promise<void> {
  const folder = resolve(options.data);
  // Only what a stack has made: a name typed wrongly must not cost somebody their files.
  if (!existsSync(join(folder, "credentials.json"))) {
    throw new CommandError("no_local_stack", `reset stack: ${folder} is not the data folder of a stack`, "name it with --data");
  }
  if (options.yes !== true) throw new CommandError("not_confirmed", `reset stack: it would remove ${folder} with every event in it`, "add --yes to do it");
  await stop(options);
  rmSync(folder, { recursive: true });
  console.log(`Removed ${folder}`);
}

function localUrl(data: string): string | undefined {
  const file = join(data, "local.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).url : undefined;
}

type Checks = Readonly<Record<string, { readonly status: string; readonly reason?: string }>>;
type Readiness = { readonly ready: boolean; readonly checks?: Checks };

async function readiness(data: string): Promise<Readiness | undefined> {
  const url = localUrl(data);
  if (url === undefined) return undefined;
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    const body = await answer.json() as { readonly checks?: Checks };
    return { ready: answer.ok, checks: body.checks ?? {} };
  } catch {
    return undefined;
  }
}

async function until(condition: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (await condition()) return true;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  return false;
}

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { keepOutput, learnSecret } from "./kept-output.ts";

export type StackProcessOptions = {
  readonly dataFolder: string;
  readonly port?: number;
  /** Another clone than this one. */
  readonly project?: string;
  /** For root: the account that starts it. */
  readonly account?: { readonly uid: number; readonly gid: number; readonly home: string };
};

export type StackProcess = {
  readonly port: number;
  readonly npm: ChildProcess;
  /** All that it has printed so far. */
  output(): string;
  /** Resolves once every process of npm has closed its output, with npm's exit status or the signal that it handed on to itself. */
  readonly ended: Promise<number | string | null>;
  /** Sends a signal to the process group of npm, as a terminal does. */
  signal(signal: NodeJS.Signals): void;
};

/** The parsed `<data>/local.json`. */
export type LocalFile = {
  readonly url: string;
  readonly database_url: string;
  readonly secret_key: string;
  readonly anon_key: string;
  readonly log_key: string;
  readonly tenants: readonly {
    readonly id: string;
    readonly name: string;
    readonly api_keys: Readonly<Record<"ingest" | "read" | "export" | "admin", string>>;
    readonly tokens: Readonly<Record<"viewer" | "auditor" | "admin", string>>;
  }[];
};

export function readLocalFile(dataFolder: string): LocalFile {
  return JSON.parse(readFileSync(join(dataFolder, "local.json"), "utf8"));
}

/** Runs `npm start` as a person would, in a process group of its own; does not wait for it. */
export async function spawnStack(options: StackProcessOptions): Promise<StackProcess> {
  const port = options.port ?? await freePort();
  const { account } = options;
  const drop = account === undefined ? [] : ["setpriv", `--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups"];
  const [command = "", ...args] = [...drop, "npm", "start", "--", "--port", String(port), "--data", options.dataFolder];
  const env = { ...process.env, ...(account === undefined ? {} : { HOME: account.home }), NO_COLOR: "1" };
  const npm = spawn(command, args, { cwd: options.project ?? projectFolder, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  for (const stream of [npm.stdout, npm.stderr]) stream.setEncoding("utf8").on("data", (text: string) => output += text);
  const ended = new Promise<number | string | null>((resolve) =>
    npm.once("close", (code, signal) => {
      keepStack(options.dataFolder, output);
      resolve(code ?? signal);
    })
  );
  return { port, npm, output: () => output, ended, signal: (signal) => void process.kill(-(npm.pid ?? 0), signal) };
}

/** Of what it printed all but the line to paste, which holds a key of this machine's own tenant on purpose. */
function keepStack(dataFolder: string, output: string): void {
  const logs = join(dataFolder, "logs");
  if (!existsSync(logs) || !existsSync(join(dataFolder, "local.json"))) return;
  const { secret_key, anon_key, tenants } = readLocalFile(dataFolder);
  const own = tenants.flatMap(({ api_keys, tokens }) => [...Object.values(api_keys), ...Object.values(tokens)]);
  for (const secret of [secret_key, anon_key, ...own]) learnSecret("credential of local.json", secret);
  keepOutput("stack")(output.replaceAll(/^ +curl .*$/gm, ""));
  for (const name of readdirSync(logs)) keepOutput(`stack ${name}`)(readFileSync(join(logs, name), "utf8"));
}

/** Runs `npm start` and waits until `/readyz` says so; throws what it printed when it ends first. */
export async function startStack(options: StackProcessOptions): Promise<StackProcess> {
  const stack = await spawnStack(options);
  let over = false;
  void stack.ended.then(() => over = true);
  while (!await isReady(stack.port)) {
    if (over) throw new Error(`start the stack: it ended:\n${stack.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return stack;
}

/** Seconds of the processor that a process and all that descend from it have taken so far. Linux. */
export function processorSecondsOf(pid: number): number {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      // The name of the program, in parentheses, may hold anything.
      const fields = readFileSync(`/proc/${name}/stat`, "latin1").replace(/^.*\) /s, "").split(" ");
      return [{ pid: Number(name), parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
  const ticksOf = (of: number): number =>
    processes.reduce((sum, one) => sum + (one.pid === of ? one.ticks : 0) + (one.parent === of ? ticksOf(one.pid) : 0), 0);
  return ticksOf(pid) / 100;
}

export async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stopProcess } from "./stop-process.ts";

/** 2.9 is the local stack's; 2.1.4 is what Supabase's hosted Edge Runtime is compatible with. */
export type DenoVersion = "2.9" | "2.1.4";

export type DenoOptions = {
  readonly name: string;
  /** The function's index.ts. */
  readonly entry: string;
  /** The whole environment of the function: nothing of ours leaks in. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where Deno keeps what it compiled; may be shared. */
  readonly cacheFolder: string;
  readonly version?: DenoVersion;
  /** Another configuration than the checkout's; packages come from the node_modules above it. */
  readonly config?: string;
  /** How many isolates answer on the port, each on a thread of its own; one unless told otherwise. */
  readonly threads?: number;
  /** Folders the function may write to, such as a file archive. */
  readonly writableFolders?: readonly string[];
  /** Called with each chunk of what the function prints. */
  readonly output?: (text: string) => void;
  readonly started?: (pid: number) => void;
};

export type DenoProcess = {
  readonly pid: number;
  readonly port: number;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
};

/** The project's root, which holds deno.json, node_modules and functions/. */
export const projectFolder = fileURLToPath(new URL("../..", import.meta.url));

/** Path of the Deno binary that npm installed. */
function denoBinary(version: DenoVersion = "2.9"): string {
  const require = createRequire(import.meta.url);
  return join(
    dirname(require.resolve(version === "2.9" ? "deno/package.json" : "deno-2.1.4/package.json")),
    process.platform === "win32" ? "deno.exe" : "deno",
  );
}

/**
 * Runs one Edge Function as `deno serve` on a free port of 127.0.0.1; resolves when it listens, throws what it printed when it ends first.
 * It may talk to this machine only, sees the environment given and no other, and reads no file but its own modules.
 */
export async function startDeno(options: DenoOptions): Promise<DenoProcess> {
  // Commas divide Deno's lists; one that belongs to a path is doubled.
  const folders = (options.writableFolders ?? []).map((folder) => folder.replaceAll(",", ",,")).join(",");
  const fileAccess = folders === "" ? [] : [`--allow-read=${folders}`, `--allow-write=${folders}`];
  const permissions = ["--no-prompt", "--allow-net=127.0.0.1,localhost", "--allow-env", ...fileAccess];
  const config = options.config ?? join(projectFolder, "deno.json");
  const parallel = options.threads === undefined ? [] : ["--parallel"];
  const args = [
    "serve",
    "--no-check",
    "--node-modules-dir=manual",
    `--config=${config}`,
    ...parallel,
    "--host=127.0.0.1",
    "--port=0",
    ...permissions,
    options.entry,
  ];
  const child = spawn(denoBinary(options.version), args, {
    cwd: projectFolder,
    env: environmentOf(options),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  if (child.pid !== undefined) options.started?.(child.pid);
  const stop = () => stopProcess(child, ended, "SIGTERM", 5_000);
  try {
    const port = await listeningPort(child, ended, options);
    return { pid: child.pid ?? 0, port, ended, stop, kill: (signal) => void child.kill(signal) };
  } catch (error) {
    await stop();
    throw error;
  }
}

function environmentOf(options: DenoOptions): Record<string, string> {
  const threads = options.threads === undefined ? {} : { DENO_JOBS: String(options.threads) };
  return { ...options.environment, ...threads, DENO_DIR: options.cacheFolder, DENO_NO_UPDATE_CHECK: "1", DENO_TLS_CA_STORE: "system", NO_COLOR: "1" };
}

function listeningPort(child: ChildProcess, ended: Promise<void>, options: DenoOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = "";
    let listening = false;
    const timer = setTimeout(() => reject(new Error(`start function ${options.name}: it did not listen within 60 s:\n${printed.trim()}`)), 60_000);
    const read = (chunk: string) => {
      options.output?.(chunk);
      if (listening) return;
      printed += chunk;
      const match = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(printed);
      if (match === null) return;
      listening = true;
      clearTimeout(timer);
      resolve(Number(match[1]));
    };
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", read);
    const failed = (reason: string) => {
      clearTimeout(timer);
      reject(new Error(`start function ${options.name}: ${reason}:\n${printed.trim()}`));
    };
    child.once("error", (error) => failed(error.message));
    void ended.then(() => failed("it ended before it listened"));
  });
}

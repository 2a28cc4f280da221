import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectFolder } from "./deno-process.ts";
import { freePort } from "./free-port.ts";
import { serverFlags } from "./server-flags.ts";
import { stopProcess } from "./stop-process.ts";

export type ApiOptions = {
  readonly environment: Readonly<Record<string, string>>;
  readonly output: (text: string) => void;
  readonly started: (pid: number) => void;
  /** Where its bundle goes. */
  readonly folder: string;
};

export type ApiProcess = { readonly pid: number; readonly port: number; readonly ended: Promise<void>; stop(): Promise<void> };

const apiEntry = join(projectFolder, "api", "server.ts");
const pageFolder = join(projectFolder, "web", "dist");

/** True when this checkout has a query service to run. */
export function hasApi(): boolean {
  return existsSync(apiEntry);
}

/** True when the events page is built: the query service then serves it. */
export function hasPage(): boolean {
  return hasApi() && existsSync(join(pageFolder, "index.html"));
}

/** It lets requests end for 8 s when it is asked to stop. */
const graceMs = 10_000;

/**
 * Runs the query service on a free port of 127.0.0.1, bundled as in the image: from its sources it would need 30 MB more, to strip types. Resolves when it
 * listens, throws what it printed when it ends first.
 */
export async function startApi(options: ApiOptions): Promise<ApiProcess> {
  // In a process of its own: the bundler would stay in ours.
  await promisify(execFile)(process.execPath, [join(projectFolder, "scripts", "build-server.ts"), options.folder], { cwd: projectFolder });
  const entry = join(options.folder, "server.js");
  const port = await freePort();
  let printed = "";
  const child = spawn(process.execPath, [...serverFlags, entry], {
    cwd: projectFolder,
    env: { ...options.environment, HOST: "127.0.0.1", PORT: String(port), AUDIT_PAGE_FOLDER: pageFolder },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("error", (error) => printed += error.message);
  if (child.pid !== undefined) options.started(child.pid);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      options.output(text);
      printed = (printed + text).slice(-4_000);
    });
  }
  const deadline = performance.now() + 60_000;
  while (!await accepts(port)) {
    const over = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    if (!over && performance.now() < deadline) continue;
    await stopProcess(child, ended, "SIGTERM", 5_000);
    throw new Error(`start api/server.ts: ${over ? "it ended before it listened" : "it did not listen within 60 s"}:\n${printed.trim()}`);
  }
  return { pid: child.pid ?? 0, port, ended, stop: () => stopProcess(child, ended, "SIGTERM", graceMs) };
}

async function accepts(port: number): Promise<boolean> {
  const open = await new Promise<boolean>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    setTimeout(() => socket.destroy(), 1_000).unref();
    socket.once("connect", () => socket.destroy());
  });
  if (!open) await new Promise((resolve) => setTimeout(resolve, 25));
  return open;
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { keepMetrics, keepOutput } from "../support/kept-output.ts";

/** `api/server.ts` as it runs in production, in a process of its own. */
export type ServerProcess = {
  readonly url: string;
  /** Most memory it has held so far, in bytes, as the kernel counts it. */
  peakBytes(): number;
  log(): string;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
};

export type ServerOptions = {
  /** Another entry than the sources: a bundle. */
  readonly entry?: string;
  /** For Node, before the entry. */
  readonly flags?: readonly string[];
};

export async function startServer(environment: Readonly<Record<string, string>>, options: ServerOptions = {}): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, [...options.flags ?? [], options.entry ?? join(projectFolder, "api", "server.ts")], {
    env: { ...environment, HOST: "127.0.0.1", PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  const keep = keepOutput("server", environment);
  const read = (text: string) => {
    printed = (printed + text).slice(-1_000_000);
    keep(text);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", read);
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const deadline = Date.now() + 60_000;
  while (!printed.includes('"listening"')) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`start api/server.ts: it does not listen:\n${printed}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    peakBytes: () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) * 1024,
    log: () => printed,
    signal: (name) => void child.kill(name),
    ended,
    stop: async () => {
      await keepMetrics(url, keep, environment["AUDIT_METRICS_TOKEN"]);
      child.kill("SIGKILL");
      await ended;
    },
  };
}

import { join } from "node:path";
import { inject } from "vitest";
import { type DenoVersion, projectFolder, startDeno } from "../../scripts/stack/deno-process.ts";
import { keepMetrics, keepOutput } from "./kept-output.ts";

export type TestFunction = {
  /** Base URL with the function's name: a path that the function sees starts with its own name, as on Supabase. */
  readonly url: string;
  readonly pid: number;
  /** All that it has printed, on either stream. */
  stderr(): string;
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
};

export type TestFunctionOptions = {
  readonly env: Readonly<Record<string, string>>;
  readonly denoVersion?: DenoVersion;
  /** Another entry file than functions/<name>/index.ts. */
  readonly entry?: string;
  /** Another configuration than the checkout's deno.json. */
  readonly config?: string;
  readonly writableFolders?: readonly string[];
};

/** Runs functions/<name>/index.ts as a real Deno process with the permissions of the local stack. Stop it in the test that started it. */
export async function startFunction(name: string, options: TestFunctionOptions): Promise<TestFunction> {
  let printed = "";
  const keep = keepOutput(name, options.env);
  const deno = await startDeno({
    name,
    entry: options.entry ?? join(projectFolder, "functions", name, "index.ts"),
    environment: options.env,
    cacheFolder: join(inject("runFolder"), `deno-${options.denoVersion ?? "2.9"}`),
    output: (text) => {
      printed += text;
      keep(text);
    },
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options.denoVersion === undefined ? {} : { version: options.denoVersion }),
    ...(options.writableFolders === undefined ? {} : { writableFolders: options.writableFolders }),
  });
  const url = `http://127.0.0.1:${deno.port}/${name}`;
  const stop = async () => {
    const token = options.env["AUDIT_METRICS_TOKEN"];
    if (token !== undefined) await keepMetrics(url, keep, token);
    await deno.stop();
  };
  return { url, pid: deno.pid, stderr: () => printed, stop, kill: deno.kill };
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import type { AuditStats } from "../../sdk/src/index.ts";
import type { AppSettings } from "./app-settings.ts";
import { keepOutput } from "../support/kept-output.ts";
import { root } from "./build.ts";

/** The application under test. */
export type App = {
  readonly process: ChildProcess;
  /** Numbers of the events that its client said it has. */
  readonly taken: () => number[];
  /** What it said last of its statistics. */
  readonly stats: () => AuditStats | undefined;
  /** Resolves when a line with this key was said. */
  readonly said: (key: string) => Promise<void>;
  /** How it ended: a code, or a signal. */
  readonly ended: Promise<number | NodeJS.Signals>;
};

/** Starts the application, by the command `within` when there is one; its process is the caller's to end. */
export function runApp(settings: AppSettings, within: readonly string[] = []): App {
  const output = join(mkdtempSync(join(inject("runFolder"), "app-")), "output");
  writeFileSync(output, "");
  const [command = "", ...args] = [...within, process.execPath, "--experimental-strip-types", "--no-warnings", join(root, "test", "sdk", "app.ts")];
  const child = spawn(command, args, {
    env: { ...process.env, AUDIT_TEST_APP: JSON.stringify(settings), AUDIT_TEST_OUTPUT: output },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const keep = keepOutput("application");
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    process.stderr.write(text);
    keep(text);
  });
  const lines = () => readFileSync(output, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? 0)));
  const said = async (key: string) => {
    while (!readFileSync(output, "utf8").includes(`{"${key}":`)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return {
    process: child,
    taken: () => lines().flatMap(({ taken }) => typeof taken === "number" ? [taken] : []),
    stats: () => lines().findLast((line) => "stats" in line)?.["stats"] as AuditStats | undefined,
    said,
    ended,
  };
}

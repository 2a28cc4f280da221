import { appendFileSync, mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, inject } from "vitest";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { keptFolder, secretRuns, secretsFolder } from "./find-leaks.ts";

/** Variables of a function or server whose value, or values, nobody may see. */
const secretVariables = ["AUDIT_SIGNING_KEY", "AUDIT_CURSOR_KEY", "AUDIT_METRICS_TOKEN", "SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY"];

const learnt = new Set<string>();
let opened = 0;

/**
 * Keeps what a process of a test prints, under the test's name and its own, for the scan when the run is over; the secrets of its environment are
 * looked for in everything that was kept, whoever printed it.
 */
export function keepOutput(name: string, environment: Readonly<Record<string, string>> = {}): (text: string) => void {
  for (const variable of secretVariables) learnSecret(variable, environment[variable] ?? "");
  const folder = join(inject("runFolder"), keptFolder);
  mkdirSync(folder, { recursive: true });
  const test = relative(projectFolder, expect.getState().testPath ?? "unknown").replaceAll("/", "~");
  const file = join(folder, `${test} ${name} ${process.pid}-${opened++}`);
  return (text) => appendFileSync(file, text);
}

/** Has every long run of letters and digits in `value` looked for. A secret that is shown is shown whole or in part: a run of it gives it away. */
export function learnSecret(kind: string, value: string): void {
  const fresh = secretRuns(value).filter((run) => !learnt.has(run));
  if (fresh.length === 0) return;
  for (const run of fresh) learnt.add(run);
  const folder = join(inject("runFolder"), secretsFolder);
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, String(process.pid)), fresh.map((run) => `${run}\t${kind}\n`).join(""));
}

/** The same of what a request shows of its caller. */
export function learnCredentials(headers: Headers): void {
  for (const name of ["authorization", "apikey"]) learnSecret(`credential in ${name}`, headers.get(name) ?? "");
}

let keepAnswer: ((text: string) => void) | undefined;

/** Keeps a refusal. A caller may read in it what he did wrong, and nobody's data. */
export function keepRefusal(response: Response, text: string): void {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return;
  keepAnswer ??= keepOutput("refusals");
  keepAnswer(`${text}\n`);
}

/** Keeps what a process says of itself at `/metrics`, if it does at all. */
export async function keepMetrics(url: string, keep: (text: string) => void, token?: string): Promise<void> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    keep(await (await fetch(`${url}/metrics`, { headers, signal: AbortSignal.timeout(1_000) })).text());
  } catch {
    // It has ended, or its test has taken away what it needs.
  }
}

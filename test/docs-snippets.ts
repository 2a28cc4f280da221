import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../scripts/stack/deno-process.ts";
import { keepOutput } from "./support/kept-output.ts";

/** A fenced block of a page, in order. `language` is the first word after the fence. */
export type Snippet = { readonly language: string; readonly code: string; readonly line: number };

export type Ran = { readonly snippet: Snippet; readonly status: number; readonly stdout: string; readonly stderr: string };

/** What stands in for the reader's own world: values to put in, and what a person does between two snippets. */
export type Shell = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Placeholders of the page, and what a reader would put there. Each must stand in the page. */
  readonly fill: Readonly<Record<string, string>>;
};

/** The blocks of a page in one of `languages`. */
export function snippetsOf(page: string, languages: readonly string[]): readonly Snippet[] {
  const text = readFileSync(join(projectFolder, page), "utf8");
  return [...text.matchAll(/^```(\w+)[^\n]*\n(.*?)^```$/gms)]
    .map(({ 1: language = "", 2: code = "", index }) => ({ language, code, line: text.slice(0, index).split("\n").length }))
    .filter(({ language }) => languages.includes(language));
}

/** A shell that runs one snippet after the other as they would be pasted: what one exports and where it goes, the next one finds. Ends at a fault. */
export function openShell({ cwd, env, fill }: Shell) {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-shell-"));
  const state = join(folder, "state.sh");
  writeFileSync(state, `cd ${quoted(cwd)}\n`);
  const unused = new Set(Object.keys(fill));
  return {
    /** Runs a snippet; rejects when a command of it fails. */
    async run(snippet: Snippet): Promise<Ran> {
      const code = filled(snippet.code, fill, unused);
      const script = `source ${quoted(state)}\nset -euo pipefail\n${code}\n{ export -p; echo "cd $(printf %q "$PWD")"; } >${quoted(state)}\n`;
      const ran = await bash(script, env);
      if (ran.status !== 0) throw new Error(`line ${snippet.line}: ended with status ${ran.status}:\n${code}\n${ran.stdout}\n${ran.stderr}`);
      return { snippet, ...ran };
    },
    filled: (snippet: Snippet) => filled(snippet.code, fill, unused),
    /** Placeholders that the page no longer has: the table of the test is out of date. */
    unused: () => [...unused],
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function filled(code: string, fill: Readonly<Record<string, string>>, unused: Set<string>): string {
  return Object.entries(fill).reduce((text, [placeholder, value]) => {
    if (text.includes(placeholder)) unused.delete(placeholder);
    return text.replaceAll(placeholder, value);
  }, code);
}

function bash(script: string, env: Readonly<Record<string, string>>): Promise<Omit<Ran, "snippet">> {
  return new Promise((resolve, reject) => {
    // A script on standard input would be read by the commands in it.
    const child = spawn("bash", ["-c", script], { env, stdio: ["ignore", "pipe", "pipe"] });
    const printed = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => printed.stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text: string) => printed.stderr += text);
    child.stderr.on("data", keepOutput("snippet"));
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ status: code ?? (signal === null ? 1 : 128), ...printed }));
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { keepOutput } from "../support/kept-output.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export type CommandRun = { readonly status: number | null; readonly signal: NodeJS.Signals | null; readonly out: string; readonly err: string };

/** Environment variables that tell the command where to go: a test says so itself. */
const silenced = [
  "AUDIT_URL",
  "AUDIT_API_URL",
  "AUDIT_API_KEY",
  "AUDIT_SECRET_KEY",
  "AUDIT_DATABASE_URL",
  "SUPABASE_URL",
  "SUPABASE_DB_URL",
  "SUPABASE_SECRET_KEY",
];

/** A running `npm run audit -- …`, without npm. */
export function startCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !silenced.includes(name)));
  const child = spawn(process.execPath, ["scripts/audit.ts", ...args], {
    cwd: root,
    env: { ...inherited, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  // What it prints on standard output is what was asked for: events, and once a new key.
  const keep = keepOutput("command", env);
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    keep(text);
  });
  const ended = new Promise<CommandRun>((resolve) => child.once("close", (status, signal) => resolve({ status, signal, out, err })));
  return { kill: (signal: NodeJS.Signals) => void child.kill(signal), out: () => out, err: () => err, ended };
}

/** Runs it to its end. */
export function runCommand(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandRun> {
  return startCommand(args, env).ended;
}

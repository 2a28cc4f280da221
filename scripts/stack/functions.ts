import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./deno-process.ts";

/** An Edge Function of this checkout. */
export type FunctionSource = { readonly name: string; readonly entry: string; readonly threads?: number };

/**
 * Isolates of audit-logger: one uses a core for what it does and waits for PostgreSQL on the other; with a second one 1.88 of two cores were busy instead of 1.68,
 * for some 115 MiB (`npm run bench -- ingest --quick`). Supabase starts as many as there is work for.
 */
export const ingestThreads = 2;

const functionsFolder = join(projectFolder, "functions");

/** Every folder of functions/ that holds an index.ts, in order of name; like Supabase, not those that start with an underscore. */
export function findFunctions(): readonly FunctionSource[] {
  if (!existsSync(functionsFolder)) return [];
  return readdirSync(functionsFolder).sort()
    .map((name) => ({ name, entry: join(functionsFolder, name, "index.ts"), ...name === "audit-logger" ? { threads: ingestThreads } : {} }))
    .filter(({ name, entry }) => /^[a-z0-9]/.test(name) && existsSync(entry));
}

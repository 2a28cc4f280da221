import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { hasApi, hasPage } from "./api-process.ts";
import { projectFolder } from "./deno-process.ts";

/** Builds web/dist when it is missing; the stack runs without the page when that fails, and says so. */
export async function buildPageIfMissing(report: (line: string) => void): Promise<void> {
  if (!hasApi() || hasPage()) return;
  const vite = join(dirname(createRequire(import.meta.url).resolve("vite/package.json")), "bin", "vite.js");
  const child = spawn(process.execPath, [vite, "build", join(projectFolder, "web"), "--logLevel", "error"], {
    cwd: projectFolder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let printed = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => printed += text);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve).once("error", () => resolve(null)));
  if (code !== 0) report(`the events page could not be built and is not served (npm run build:web shows why): ${printed.trim().split("\n")[0] ?? ""}`);
}

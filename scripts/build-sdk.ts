import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Builds the SDK with tsc into `sdk/dist`, or into the folder named as argument. What it takes from `verify/` goes with it: `sdk/src` becomes the root
 * of the package.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = resolve(process.argv[2] ?? join(root, "sdk", "dist"));
const out = mkdtempSync(join(tmpdir(), "audit-events-sdk-"));

try {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  execFileSync(process.execPath, [tsc, "-p", join(root, "sdk", "tsconfig.build.json"), "--outDir", out], { stdio: "inherit" });
  rmSync(dist, { recursive: true, force: true });
  cpSync(join(out, "sdk", "src"), dist, { recursive: true });
  cpSync(join(out, "verify"), join(dist, "verify"), { recursive: true });
  for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js") || name.endsWith(".d.ts"))) {
    const path = join(dist, file);
    // From `sdk/src/x/y.js`, `../../../verify/` led to the root of the repository; from `dist/x/y.js` the same folder is `../verify/`.
    const up = relative(dirname(path), dist) || ".";
    const source = readFileSync(path, "utf8");
    const moved = source.replaceAll(/(["'])(?:\.\.\/)+verify\//g, (_, quote: string) => `${quote}${up}/verify/`);
    if (moved !== source) writeFileSync(path, moved);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

import { fileURLToPath } from "node:url";
import { checkImports } from "./checks/check-imports.ts";
import { checkVersions } from "./checks/check-versions.ts";

/** Fails when an import points the wrong way, or when Node and Deno would run two versions of one package. */
const root = fileURLToPath(new URL("..", import.meta.url));
const faults = [...checkImports(root), ...checkVersions(root)];
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

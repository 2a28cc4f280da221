import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { leftRunning } from "./checks/left-running.ts";
import { type Check, type CheckResult, runCheck } from "./checks/run-check.ts";
import { runTests } from "./checks/run-tests.ts";

/**
 * `npm test`: the checks that read the code, then the tests that run it. Arguments go to vitest. The last line is the verdict, of checks and
 * tests together: `N passed, N failed`, with `, N skipped` when there are any.
 */
const root = fileURLToPath(new URL("..", import.meta.url));

const checks: readonly Check[] = [
  { name: "types", command: "tsc", args: ["-p", "."] },
  { name: "types of the page", command: "tsc", args: ["-p", "web"] },
  // Tests that open the page want this build, not an older one.
  { name: "build of the page", command: "vite", args: ["build", "web", "--logLevel", "error"] },
  { name: "lint", command: "deno", args: ["lint", "--quiet"] },
  { name: "format", command: "deno", args: ["fmt", "--check"] },
  { name: "migrations", command: "squawk", args: ["migrations/*.sql"] },
  { name: "imports", command: process.execPath, args: ["scripts/check-imports.ts"] },
];

const runId = randomBytes(6).toString("hex");
const results = await Promise.all(checks.map((check) => runCheck(check, root)));
if (process.env["CI"] === "true") results.push(checkSample());
results.forEach(show);
const shown = results.length;
const tests = await runTests(process.argv.slice(2), root, runId);
if (!tests.completed) results.push({ name: "tests", passed: false, output: "vitest ended with a fault that belongs to no test; see above", seconds: 0 });
const { leaks = ["nobody has looked: the run broke off"] } = tests;
results.push({ name: "no secret and nobody's data printed", passed: leaks.length === 0, output: leaks.join("\n"), seconds: 0 });
const left = leftRunning(runId);
results.push({ name: "no process left", passed: left.length === 0, output: left.join("\n"), seconds: 0 });
results.slice(shown).filter((result) => !result.passed).forEach(show);

const passed = results.filter((result) => result.passed).length + tests.passed;
const failed = results.filter((result) => !result.passed).length + tests.failed;
process.exitCode = failed === 0 && tests.passed > 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ""}`);

/** On a developer's machine the tests on real events are skipped without them; a build that skips them has not tested. */
function checkSample(): CheckResult {
  const folder = resolve(root, process.env["AUDIT_SAMPLE_DIR"] ?? join("..", "shared", "data", "cloudtrail"));
  return { name: "sample events", passed: existsSync(folder), output: `AUDIT_SAMPLE_DIR: ${folder} does not exist`, seconds: 0 };
}

function show({ name, passed: fine, output, seconds }: CheckResult): void {
  console.log(`${fine ? "✓" : "✗"} ${name}${seconds > 0 ? ` (${seconds.toFixed(1)} s)` : ""}${fine ? "" : `\n${output.trimEnd()}\n`}`);
}

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * How vitest ended. `completed` is false when it broke off, or met an error outside any test: its counts are then not the whole truth. `leaks` are
 * the places where something printed a secret or somebody's data; undefined when nobody has looked.
 */
export type TestCounts = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly completed: boolean;
  readonly leaks: readonly string[] | undefined;
};

/** Runs vitest with `args` in `folder`, showing what it prints as it goes. `runId` marks the run's folder and processes. */
export async function runTests(args: readonly string[], folder: string, runId: string): Promise<TestCounts> {
  const scratch = mkdtempSync(join(tmpdir(), "audit-events-report-"));
  const report = join(scratch, "report.json");
  const leaks = join(scratch, "leaks.json");
  try {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const env = { ...process.env, AUDIT_TEST_RUN: runId, AUDIT_TEST_LEAKS: leaks };
    const vitest = spawn("vitest", ["run", ...reporters, ...args], { cwd: folder, stdio: "inherit", env });
    const status = await new Promise<number | null>((resolve) => {
      vitest.once("error", () => resolve(null));
      vitest.once("close", resolve);
    });
    return { ...countsOf(readJson<Report>(report), status), leaks: readJson<readonly string[]>(leaks) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
};

function readJson<Value>(file: string): Value | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function countsOf(report: Report | undefined, status: number | null): Omit<TestCounts, "leaks"> {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0, completed: false };
  // A file that does not even load has no tests to count: it counts as one that failed.
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const failed = report.numFailedTests + unloaded;
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests, completed: status === 0 || failed > 0 };
}

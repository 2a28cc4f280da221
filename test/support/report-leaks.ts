import { writeFileSync } from "node:fs";
import { findLeaks, leakReport } from "./find-leaks.ts";

/**
 * After the last test: looks through all that was printed in the run. `npm test` names a file for what was found, in order to count it; run by itself
 * vitest fails.
 */
export function reportLeaks(runFolder: string): void {
  const report = leakReport(findLeaks(runFolder));
  const file = process.env["AUDIT_TEST_LEAKS"];
  if (file !== undefined) writeFileSync(file, JSON.stringify(report));
  else if (report.length > 0) throw new Error(`secrets or personal data were printed:\n${report.join("\n")}`);
}

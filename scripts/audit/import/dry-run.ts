import {
  importBatches,
  type ImportCounts,
  type ImportItem,
  type ImportParts,
  type ImportSettings,
  judgeImport,
  noCounts,
  prepareImport,
} from "../../../core/import.ts";
import type { Refusals } from "./refusals.ts";

/** Does all that an import does but store: what could be stored is counted as created. What the log holds already is not asked. */
export async function dryRun(
  items: AsyncIterable<ImportItem>,
  settings: ImportSettings,
  closedDays: ReadonlySet<string>,
  parts: ImportParts,
  refusals: Refusals,
  step: (counts: ImportCounts) => void,
  signal: AbortSignal,
): Promise<ImportCounts> {
  let counts = noCounts;
  for await (const batch of importBatches(items)) {
    if (signal.aborted) break;
    const prepared = prepareImport(batch, settings, parts);
    const judged = judgeImport(prepared, { existing: [], closedDays: [...closedDays] }, counts, parts.sha256);
    refusals.add(judged.refusals);
    counts = judged.counts;
    step(counts);
  }
  return counts;
}

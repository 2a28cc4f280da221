import { Command } from "commander";
import type { ArchiverSummary } from "../../core/archive.ts";
import { askApi } from "./api-client.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { interruption } from "./interrupt.ts";
import { startProgress } from "./progress.ts";
import { functionTarget, withFunctionTarget } from "./target.ts";

type Options = { readonly local?: string; readonly json?: boolean };

/** `audit-events archive run`: calls the archiver until it has nothing left to do now. */
export function archiveRunCommand(): Command {
  const command = withFunctionTarget(new Command("run").description("Archive every day that is due now, without waiting for the schedule"))
    .option("--json", "tell the outcome as JSON")
    .action(run);
  return withExamples(command, "archive run --local .audit", "archive run --json");
}

const counts = ["written", "checked", "signed", "tiles_moved", "expired", "failed"] as const;

async function run(options: Options): Promise<void> {
  const target = functionTarget(options);
  const signal = interruption();
  const progress = startProgress("files", 0);
  const total = { written: 0, checked: 0, signed: 0, tiles_moved: 0, expired: 0, failed: 0 };
  const dropped: string[] = [];
  const differing = new Set<string>();
  let status: ArchiverSummary["status"] = "out_of_time";
  while (status !== "done" && !signal.aborted) {
    const summary = await askApi(target, "POST", "/audit-retention") as ArchiverSummary;
    for (const key of counts) total[key] += summary[key];
    dropped.push(...summary.dropped);
    for (const day of summary.differing) differing.add(day);
    progress.update(total.checked);
    status = summary.status;
  }
  progress.finish();
  if (options.json) console.log(JSON.stringify({ status: signal.aborted ? "stopped" : status, ...total, dropped, differing: [...differing] }));
  else {
    console.log(`${dropped.length} days archived, ${total.checked} files checked, ${total.expired} archives deleted`);
    if (total.failed > 0) console.log(`${total.failed} pieces of work failed and will be tried again: archive list says why`);
    if (differing.size > 0) console.log(`${[...differing].join(", ")}: Postgres has other events than the archive; nothing was dropped: run verify`);
  }
  process.exitCode = signal.aborted ? exitCodes.interrupted : total.failed + differing.size > 0 ? exitCodes.bad : exitCodes.done;
}

import { Command } from "commander";
import type { SealSummary } from "../../core/seal.ts";
import { askApi } from "./api-client.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { interruption } from "./interrupt.ts";
import { startProgress } from "./progress.ts";
import { functionTarget, withFunctionTarget } from "./target.ts";

type Options = { readonly local?: string; readonly json?: boolean };

/** `audit-events seal`: calls the sealer until nothing is left, instead of waiting for its schedule. */
export function sealCommand(): Command {
  const command = withFunctionTarget(new Command("seal").description("Seal what is stored now, without waiting for the schedule"))
    .option("--json", "tell the outcome as JSON")
    .action(run);
  return withExamples(command, "seal --local .audit", "seal --json");
}

async function run(options: Options): Promise<void> {
  const target = functionTarget(options);
  const signal = interruption();
  const progress = startProgress("events", 0);
  const total = { sealed: 0, checkpoints: 0, problems: 0, tree_problems: 0 };
  let status: SealSummary["status"] = "waiting";
  while (status !== "done" && !signal.aborted) {
    const summary = await askApi(target, "POST", "/audit-sealer") as SealSummary;
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += summary[key];
    progress.update(total.sealed);
    status = summary.status;
  }
  progress.finish();
  const isSound = total.problems === 0 && total.tree_problems === 0;
  if (options.json) console.log(JSON.stringify({ status: signal.aborted ? "stopped" : status, ...total }));
  else {
    const said = `${total.sealed.toLocaleString("en")} ${total.sealed === 1 ? "event" : "events"} sealed, ${total.checkpoints} signed`;
    console.log(isSound ? said : `${said}\n${total.problems} events and ${total.tree_problems} logs do not fit what was signed: run verify`);
  }
  process.exitCode = signal.aborted ? exitCodes.interrupted : isSound ? exitCodes.done : exitCodes.bad;
}

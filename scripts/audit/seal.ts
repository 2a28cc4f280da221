import { Command } from "commander";
import type { SealSummary } from "../../core/seal.ts";
import { parseUuid } from "../../core/format/uuid7.ts";
import type { RetrySummary } from "../../core/seal-retry.ts";
import { askApi } from "./api-client.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { CommandError } from "./failure.ts";
import { interruption } from "./interrupt.ts";
import { startProgress } from "./progress.ts";
import { functionTarget, withFunctionTarget } from "./target.ts";

type Options = { readonly local?: string; readonly retry?: string; readonly json?: boolean };

/** `audit-events seal`: calls the sealer until nothing is left, instead of waiting for its schedule. */
export function sealCommand(): Command {
  const command = withFunctionTarget(new Command("seal").description("Seal what is stored now, without waiting for the schedule"))
    .option("--retry <tenant>", "go on with the log of a tenant whose tree was not what was signed, if it is by now")
    .option("--json", "tell the outcome as JSON")
    .action((options: Options) => options.retry === undefined ? run(options) : retry(options, options.retry));
  return withExamples(command, "seal --local .audit", "seal --json", "seal --retry $TENANT");
}

/** Asks until the tenant's log is taken back or refused: each call does a bounded part of what was passed over. */
async function retry(options: Options, named: string): Promise<void> {
  const target = functionTarget(options);
  const tenantId = parseUuid(named);
  if (tenantId === undefined) throw new CommandError("invalid_tenant", "read --retry: it is not a UUID", "give the id of the tenant that verify names");
  const signal = interruption();
  const total = { sealed: 0, problems: 0 };
  let last: RetrySummary;
  do {
    if (signal.aborted) return void (process.exitCode = exitCodes.interrupted);
    last = await askApi(target, "POST", `/audit-sealer?retry=${tenantId}`) as RetrySummary;
    total.sealed += last.sealed;
    total.problems += last.problems;
  } while (last.status === "busy" || last.status === "out_of_time");
  const { status, problem } = last;
  if (options.json) console.log(JSON.stringify({ status, ...total, ...problem === undefined ? {} : { problem } }));
  else if (status === "no_problem") console.log("the log of this tenant has no problem on record");
  else if (status === "differs") console.log(`the log still is not what was signed: ${problem}: nothing was changed`);
  else console.log(`the log is what was signed, and grows again: ${total.sealed.toLocaleString("en")} events sealed that had waited, ${total.problems} differ`);
  process.exitCode = status === "differs" || total.problems > 0 ? exitCodes.bad : exitCodes.done;
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
    const said = `${total.sealed.toLocaleString("en")} ${total.sealed === 1 ? "event" : "events"} sealed, ${total.checkpoints} ${
      total.checkpoints === 1 ? "checkpoint" : "checkpoints"
    } signed`;
    console.log(isSound ? said : `${said}\n${total.problems} events and ${total.tree_problems} logs do not fit what was signed: run verify`);
  }
  process.exitCode = signal.aborted ? exitCodes.interrupted : isSound ? exitCodes.done : exitCodes.bad;
}

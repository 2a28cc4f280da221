import { Command, InvalidArgumentError, Option } from "commander";
import { limits } from "../../core/limits.ts";
import { openClient } from "./api-client.ts";
import { eventPrinter } from "./event-table.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { filterOf, type FilterOptions, withFilter } from "./filter-options.ts";
import { interruption } from "./interrupt.ts";
import { type TargetOptions, withApiTarget } from "./target.ts";

type Options = FilterOptions & TargetOptions & { readonly order: "asc" | "desc"; readonly limit: number; readonly json?: boolean };

/** `audit-events query`: prints events that a query finds, following pages as far as `--limit`. */
export function queryCommand(): Command {
  const command = withFilter(new Command("query").description("Print events: a table, or one JSON object a line"))
    .addOption(new Option("--order <order>", "by time").choices(["asc", "desc"]).default("desc"))
    .option("--limit <n>", "stop after so many events; 0: print all of them", count, 100)
    .option("--json", "one event a line, as JSON")
    .action(run);
  return withExamples(
    withApiTarget(command),
    "query --local .audit",
    'query --local .audit "action:order.* -result:success"',
    "query --object-type order --object-id 456 --json",
  );
}

async function run(words: readonly string[], options: Options): Promise<void> {
  const client = openClient(options, "read");
  const signal = interruption();
  const print = eventPrinter(options.json === true);
  const wanted = options.limit === 0 ? Infinity : options.limit;
  const filter = filterOf(words, options);
  let printed = 0;
  let cursor: string | undefined;
  do {
    const limit = Math.min(wanted - printed, limits.queryRowsMax);
    const page = await client.events.list(filter, { order: options.order, limit, signal, ...cursor === undefined ? {} : { cursor } })
      .catch((fault: unknown) => {
        if (!signal.aborted) throw fault;
        process.exitCode = exitCodes.interrupted;
      });
    if (page === undefined) return;
    page.events.forEach(print);
    printed += page.events.length;
    cursor = page.nextCursor;
  } while (cursor !== undefined && printed < wanted);
  if (!options.json) console.error(noteOf(printed, cursor !== undefined));
}

function noteOf(printed: number, isMore: boolean): string {
  if (printed === 0) return "No events. Look further back with --from, or leave conditions out.";
  return `${printed.toLocaleString("en")} ${printed === 1 ? "event" : "events"}${isMore ? "; there are more: --limit 0 prints all" : ""}`;
}

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is not a whole number.");
  return Number(text);
}

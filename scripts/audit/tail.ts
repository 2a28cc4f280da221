import { Command, InvalidArgumentError } from "commander";
import { askApi, openClient } from "./api-client.ts";
import { eventPrinter } from "./event-table.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { filterOf, type FilterOptions, withConditions } from "./filter-options.ts";
import { interruption } from "./interrupt.ts";
import { apiTarget, type TargetOptions, withApiTarget } from "./target.ts";

type Options = Omit<FilterOptions, "from" | "to" | "includeDeleted"> & TargetOptions & {
  readonly after?: string;
  readonly count?: number;
  readonly json?: boolean;
};

/** `audit-events tail`: prints events as they are sealed, each once, until Ctrl-C. */
export function tailCommand(): Command {
  const command = withConditions(new Command("tail").description("Follow the log: print new events as they come"))
    .option("--after <position>", "go on after this position of an earlier run")
    .option("--count <n>", "end after so many events", count)
    .option("--json", 'one line an event, as JSON: {"position", "event"}')
    .action(run);
  return withExamples(
    withApiTarget(command),
    "tail --local .audit",
    'tail --local .audit "result:failure"',
    "tail --json --after $POSITION",
  );
}

async function run(words: readonly string[], options: Options): Promise<void> {
  const client = openClient(options, "read");
  // A stream is opened again for as long as it takes: an address where nothing ever answered must be told at once.
  await askApi(apiTarget(options, "read"), "GET", "/limits");
  const signal = interruption();
  const print = eventPrinter(false);
  let seen = 0;
  let last: string | undefined;
  for await (
    const { event, position } of client.events.stream(filterOf(words, options), { signal, ...options.after === undefined ? {} : { after: options.after } })
  ) {
    last = position;
    if (options.json) console.log(JSON.stringify({ position, event }));
    else print(event);
    if (++seen === options.count) return;
  }
  process.exitCode = exitCodes.interrupted;
  if (last !== undefined) console.error(`Go on from here with --after ${last}`);
}

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It is not a whole number above 0.");
  return Number(text);
}

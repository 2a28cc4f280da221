import { basename } from "node:path";
import { Command, Option } from "commander";
import { exportFormats } from "../../core/query-parameters.ts";
import type { ExportFormat } from "../../sdk/src/query.ts";
import { openClient } from "./api-client.ts";
import { withExamples } from "./examples.ts";
import { exitCodes } from "./exit-codes.ts";
import { checkPart, type PartReport, writePart } from "./export-part.ts";
import { openExportFiles, openStandardOutput, standardOutput } from "./export-files.ts";
import { CommandError } from "./failure.ts";
import { filterOf, type FilterOptions, withFilter } from "./filter-options.ts";
import { interruption } from "./interrupt.ts";
import { startProgress } from "./progress.ts";
import { type TargetOptions, withApiTarget } from "./target.ts";

type Options = FilterOptions & TargetOptions & {
  readonly out: string;
  readonly format?: ExportFormat;
  readonly order?: "asc" | "desc";
  readonly json?: boolean;
};

/** `audit-events export`: every event of a filter into a file, checked against what the log itself recorded of the export. */
export function exportCommand(): Command {
  const command = withFilter(new Command("export").description("Write every event of a filter to a file, and check that it is whole"))
    .requiredOption("--out <file>", "the file to write; must not exist; - for standard output")
    .addOption(new Option("--format <format>", "default: by the file's name, else ndjson").choices([...exportFormats]))
    .addOption(new Option("--order <order>", "by time").choices(["asc", "desc"]))
    .option("--json", "tell the outcome as JSON")
    .action(run);
  return withExamples(
    withApiTarget(command),
    "export --local .audit --from 2026-01-01 --out events.ndjson",
    'export "object_type:order" --format parquet --out orders.parquet',
  );
}

async function run(words: readonly string[], options: Options): Promise<void> {
  const format = options.format ?? formatOf(options.out);
  const isPrinted = options.out === standardOutput;
  if (isPrinted) refuseMixture(format, options.json === true);
  const client = openClient(options, "export");
  const signal = interruption();
  const files = isPrinted ? openStandardOutput(signal) : openExportFiles(options.out);
  const progress = startProgress("bytes", 0);
  const reports: PartReport[] = [];
  let bytes = 0;
  try {
    const filter = filterOf(words, options);
    for await (const part of client.events.exportParts(filter, { format, signal, ...options.order === undefined ? {} : { order: options.order } })) {
      // Files of Parquet cannot be joined.
      if (format === "parquet" && reports.length > 0) files.next();
      const written = await writePart(part, format, { isFirst: reports.length === 0, write: files.write, onBytes: (n) => progress.update(bytes += n) });
      reports.push(await checkPart(client, part, written, signal));
    }
    progress.finish();
    tell(files.keep(), reports, options.json === true, isPrinted ? console.error : console.log);
  } catch (fault) {
    progress.finish();
    const left = files.discard();
    if (!signal.aborted) throw fault;
    console.error(`Stopped; ${left}. The log has recorded how far the export came.`);
    process.exitCode = exitCodes.interrupted;
    // What a reader that stands still has not taken would keep the process.
    if (isPrinted) process.exit();
  }
}

/** Standard output takes one file, and nothing beside it. */
function refuseMixture(format: ExportFormat, isJson: boolean): void {
  if (isJson) throw new CommandError("wrong_usage", "write export: --json and the events cannot both go to standard output", "name a file with --out");
  if (format !== "parquet") return;
  throw new CommandError("wrong_usage", "write export: Parquet may come as several files, and standard output is one", "name a file with --out");
}

function tell(files: readonly string[], reports: readonly PartReport[], isJson: boolean, say: (text: string) => void): void {
  const rows = reports.reduce((sum, report) => sum + report.rows, 0);
  const records = reports.map(({ recordId, fileSha256, rowsSha256 }) => ({ record_id: recordId, file_sha256: fileSha256, rows_sha256: rowsSha256 }));
  if (isJson) return say(JSON.stringify({ status: "whole", files, rows, parts: records }));
  say(`${rows.toLocaleString("en")} ${rows === 1 ? "event" : "events"} in ${files.join(", ")}`);
  for (const { recordId, fileSha256 } of reports) say(`Recorded in the log as event ${recordId}\nSHA-256 ${fileSha256}`);
}

/** The format that a file's name asks for. */
function formatOf(file: string): ExportFormat {
  const ending = basename(file).split(".").slice(1).at(-1)?.toLowerCase();
  if (ending === undefined || ending === "json" || ending === "jsonl") return "ndjson";
  const known = exportFormats.find((format) => format === ending);
  if (known !== undefined) return known;
  throw new CommandError("unknown_format", "choose format: the ending of --out names none", `end it with .${exportFormats.join(", .")}, or give --format`);
}

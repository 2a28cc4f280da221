import type { ImportCounts, Refusal } from "../../../core/import.ts";
import { printable } from "../table.ts";
import type { MappedColumn } from "./mapping.ts";

/** Refusals that are printed; `--refused` writes them all. */
const printedMax = 20;

/** What an import did, or would do. */
export type ImportReport = {
  readonly status: "imported" | "dry_run" | "stopped" | "already_imported";
  readonly import_id: string;
  readonly source: string;
  readonly format: string;
  readonly counts: ImportCounts;
  /** UTC days of what was read in this run. */
  readonly days: { readonly first: string | undefined; readonly last: string | undefined; readonly count: number };
  readonly columns: readonly MappedColumn[];
  readonly refused: readonly { readonly place: string; readonly errors: Refusal["errors"] }[];
};

/** The fault as an importer can act on it: the door's words speak of a credential, which an import has none of. */
export function wordedForImport(error: Refusal["errors"][number]): Refusal["errors"][number] {
  return error.code === "tenant_required" ? { ...error, message: "the record names no tenant: say whose it is with --tenant" } : error;
}

export function shortRefusals(refusals: readonly Refusal[]): ImportReport["refused"] {
  return refusals.slice(0, printedMax).map(({ item, errors }) => ({ place: item.label, errors: errors.map(wordedForImport) }));
}

const n = (value: number) => value.toLocaleString("en");
const sum = (values: Readonly<Record<string, number>>) => Object.values(values).reduce((total, value) => total + value, 0);

/** The report for people, at most 80 columns wide but for what the source's own names take. */
export function reportText(report: ImportReport): string {
  const { counts, days } = report;
  const isDry = report.status === "dry_run";
  const lines = [
    `${heads[report.status]} ${printable(report.source)} (${report.format})`,
    `${n(counts.created)} ${isDry ? "can be imported" : "imported"}, ${n(counts.duplicate)} ${isDry ? "twice in it" : "there already"}, ${
      n(counts.refused)
    } refused`,
  ];
  if (days.count > 0) lines.push(`days ${days.first} to ${days.last}, ${n(days.count)} of them`);
  const isTable = report.format === "audit_events" || report.format === "record_version";
  if (isTable && !isDry && counts.refused > 0) lines.push("rows that were refused: once they are mended in the table, --again reads them once more");
  const closed = Object.keys(counts.closedDays).sort();
  if (closed.length > 0) lines.push(`refused because their day is closed and being archived (${n(sum(counts.closedDays))}):`, ...wrapped(closed));
  if (isDry) {
    lines.push(
      "",
      row("COLUMN", "GOES TO", "RECORDS"),
      ...report.columns.map(({ column, target, records }) => row(printable(column), target, n(records))),
    );
  }
  if (report.refused.length > 0) {
    lines.push(
      "",
      ...report.refused.flatMap(({ place, errors }) => errors.map((error) => `${printable(place)}: ${error.message}`)),
    );
  }
  if (counts.refused > report.refused.length && report.refused.length > 0) lines.push("and more: --refused FILE writes all of them, with the reasons");
  return lines.join("\n");
}

const heads = {
  imported: "Imported",
  dry_run: "Dry run, nothing was stored:",
  stopped: "Stopped; the same command goes on:",
  already_imported: "Imported before (--again reads it once more):",
} as const;

function row(column: string, target: string, records: string): string {
  return `${column.slice(0, 34).padEnd(34)}  ${target.slice(0, 28).padEnd(28)}  ${records.padStart(12)}`;
}

function wrapped(days: readonly string[]): readonly string[] {
  return Array.from({ length: Math.ceil(days.length / 6) }, (_, at) => `  ${days.slice(at * 6, at * 6 + 6).join(" ")}`);
}

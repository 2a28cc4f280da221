import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";

/** One line of the printed table; `min` and `max` where there were rounds. */
export type Row = {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min?: number;
  readonly max?: number;
  readonly rounds?: number;
};

/** What a benchmark found: flat keys for programs, rows for people. */
export type BenchReport = { readonly keys: Readonly<Record<string, number>>; readonly rows: readonly Row[] };

/** The rows as an aligned table. */
export function tableOf(title: string, rows: readonly Row[]): string {
  const lines = rows.map((row) => [row.name, figure(row.median), row.unit, row.min === undefined ? "" : `${figure(row.min)} … ${figure(row.max ?? NaN)}`]);
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const format = ([name = "", value = "", unit = "", range = ""]: string[]) =>
    `  ${name.padEnd(widths[0] as number)}  ${value.padStart(widths[1] as number)} ${unit.padEnd(widths[2] as number)}  ${range}`.trimEnd();
  return [title, ...lines.map(format)].join("\n");
}

function figure(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** Writes `<folder>/<date>.json` and `latest.json`; keys that this run did not measure stay in latest.json as they were, each with its own date. */
export function writeResults(folder: string, report: BenchReport, options: { readonly date: string; readonly command: string; readonly quick: boolean }): void {
  mkdirSync(folder, { recursive: true });
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memory_gib: Math.round(totalmem() / 2 ** 30), node: process.version };
  const keys = Object.fromEntries(Object.entries(report.keys).map(([key, value]) => [key, Number(value.toPrecision(4))]));
  const run = { date: options.date, command: options.command, quick: options.quick, machine };
  writeFileSync(join(folder, `${options.date.replace(/:/g, "-")}.json`), `${JSON.stringify({ ...run, ...keys, rows: report.rows }, null, 2)}\n`);
  if (options.quick) return;
  const latestFile = join(folder, "latest.json");
  const measured = Object.fromEntries(Object.keys(keys).map((key) => [key, options.date]));
  const latest = readLatest(latestFile);
  writeFileSync(latestFile, `${JSON.stringify({ ...latest, ...keys, machine, measured: { ...latest.measured, ...measured } }, null, 2)}\n`);
}

function readLatest(file: string): { measured?: Record<string, string> } {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}

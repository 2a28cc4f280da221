import { stringify } from "csv-stringify/sync";
import { canonicalJson } from "./canonical-json.ts";
import type { ExportRow } from "./export-row.ts";
import { eventColumns } from "./event-columns.ts";
import { toHex } from "./hex.ts";

// A spreadsheet takes a cell for a formula when it begins with = + - @, skips white space of every kind before them, and some importers split a
// cell with line breaks into several. Where the comma is the decimal sign, spreadsheets divide cells by semicolons instead, and heed no quotation mark
// that opens behind a comma. An apostrophe may stand before: so that what began with one can be told from what got one here.
const blank = String.raw`[\p{White_Space}--[\r\n]]\u200b-\u200f\u2060\ufeff`;
const signs = String.raw`=+\-@\t\uff0b\uff0d\uff1d\uff20`;
const risky = `(?=[${blank}']*[${signs}])`;
const atCellStart = String.raw`(?:^|(?<=[\r\n;]))`;
const unguarded = new RegExp(`${atCellStart}${risky}|^(?='*\\r)`, "gv");
const guarded = new RegExp(`${atCellStart}'${risky}|^'(?='*\\r)`, "gv");
const riskyInJson = new RegExp(`(?<=;[${blank}]*)[${signs}]`, "gv");

// Columns whose values the database has checked: none of them can begin a formula, and dates and ids are full of dashes.
const safe: ReadonlySet<string> = new Set(["tenant_id", "occurred_at", "id", "received_at", "result", "duration_ms", "ip_address", "producer_seq"]);

const options = { quoted: true, escape_formulas: true, record_delimiter: "windows" } as const;

/** The first line: names of the columns. RFC 4180, with CRLF and every field in quotation marks. */
export function csvHeader(): string {
  return stringify([[...eventColumns, "leaf_hash", "log_index"]], options);
}

/** `rows` as CSV lines. What a spreadsheet would run as a formula gets an apostrophe before it; `unguardCell` takes it off. */
export function csvRows(rows: readonly ExportRow[]): string {
  return stringify(rows.map(cells), options);
}

/** `cell` so that no spreadsheet takes it, or a line of it, for a formula. */
export function guardCell(cell: string): string {
  return cell.replaceAll(unguarded, "'");
}

/** The text that `guardCell` was given: for programs that read the CSV. */
export function unguardCell(cell: string): string {
  return cell.replaceAll(guarded, "");
}

/** `json` with what would begin a formula behind a semicolon written as an escape: those stand in strings only, so the value is the same. */
function guardJson(json: string): string {
  return json.replaceAll(riskyInJson, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function cells({ event, leafHash, logIndex }: ExportRow): string[] {
  const fields = eventColumns.map((column) => {
    const value = event[column];
    if (value === undefined) return "";
    if (typeof value === "object") return guardJson(canonicalJson(value));
    return safe.has(column) ? String(value) : guardCell(String(value));
  });
  return [...fields, toHex(leafHash), logIndex === undefined ? "" : String(logIndex)];
}

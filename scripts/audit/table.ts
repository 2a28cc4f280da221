import { stripVTControlCharacters } from "node:util";

/** A column of a table: `share` of what is left when every column has its `least` width. */
export type Column<Row> = { readonly title: string; readonly least: number; readonly share: number; readonly text: (row: Row) => string };

const gap = 2;

/** Lines of a table that is as wide as the terminal. What does not fit ends in an ellipsis. */
export function tablePrinter<Row>(columns: readonly Column<Row>[], width: number) {
  const spare = width - columns.reduce((sum, { least }) => sum + least, 0) - gap * (columns.length - 1);
  const shares = columns.reduce((sum, { share }) => sum + share, 0);
  const widths = columns.map(({ least, share }) => least + Math.max(0, shares === 0 ? 0 : Math.floor(spare * share / shares)));
  const line = (texts: readonly string[]) => texts.map((text, at) => fit(text, widths[at] ?? 0)).join(" ".repeat(gap)).trimEnd();
  return { header: () => line(columns.map(({ title }) => title)), row: (row: Row) => line(columns.map(({ text }) => printable(text(row)))) };
}

/** Columns of the terminal; 80 where there is none. */
export function terminalWidth(): number {
  return process.stdout.columns ?? 80;
}

/** Text from an event on one line. Whoever logs an event must not be able to write escape sequences to the terminal of whoever reads it. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, " ");
}

/** The same of text that may have lines of its own. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function fit(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text + " ".repeat(width - characters.length) : `${characters.slice(0, width - 1).join("")}…`;
}

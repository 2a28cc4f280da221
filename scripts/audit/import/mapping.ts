import { type ColumnRule, columnRule, type ColumnTarget, eventOfRecord, isField, type SourceRecord } from "../../../core/import-record.ts";
import { CommandError } from "../failure.ts";

/** Where a column goes, and in how many records it holds something. */
export type MappedColumn = { readonly column: string; readonly target: string; readonly records: number };

export type Mapper = {
  readonly map: (record: SourceRecord) => Record<string, unknown>;
  /** Counts what a mapping that is made elsewhere did. */
  readonly note: (column: string, target: string) => void;
  readonly columns: () => readonly MappedColumn[];
};

/** Columns that a report lists; records of free form may have any number. */
const columnsMax = 200;

/** Maps records by `overrides`, and remembers what went where for the report. */
export function createMapper(overrides: ReadonlyMap<string, string>): Mapper {
  const rules = new Map<string, ColumnRule>();
  const seen = new Map<string, { target: string; records: number }>();
  const note = (column: string, target: string) => {
    const entry = seen.get(column);
    if (entry !== undefined) entry.records++;
    else if (seen.size < columnsMax) seen.set(column, { target, records: 1 });
  };
  return {
    map: (record) => {
      const columns = Object.keys(record);
      // Most records have the columns of the one before.
      const shape = columns.join("\0");
      let rule = rules.get(shape);
      if (rule === undefined) {
        rule = columnRule(columns, overrides);
        if (rules.size < columnsMax) rules.set(shape, rule);
      }
      for (const column of columns) {
        if (record[column] !== null && record[column] !== undefined) note(column, targetText(rule(column)));
      }
      return eventOfRecord(record, rule);
    },
    note,
    columns: () => [...seen].map(([column, { target, records }]) => ({ column, target, records })),
  };
}

function targetText(target: ColumnTarget): string {
  return target.kind === "field" ? target.field : target.kind === "context" ? "context" : "(set by the log itself)";
}

/** `--map created=occurred_at`; nothing after the equals sign keeps a column in the context. */
export function overridesOf(texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(texts.map((text) => {
    const [column, field] = [text.slice(0, text.lastIndexOf("=")), text.slice(text.lastIndexOf("=") + 1)];
    if (!text.includes("=") || column === "" || (field !== "" && !isField(field))) {
      throw new CommandError("invalid_map", `read --map ${text}: it is not column=field`, "name a field of an event after the =, or nothing for the context");
    }
    return [column, field] as const;
  }));
}

import type { ReactNode } from "react";

export type Column<Row> = {
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand at the right, digit under digit. */
  readonly isNumber?: boolean;
  /** Names its row for a screen reader. */
  readonly isRowHead?: boolean;
};

type Props<Row> = { readonly caption: string; readonly columns: readonly Column<Row>[]; readonly rows: readonly Row[]; readonly keyOf: (row: Row) => string };

/** A table of a view, short enough to stand in the document as a whole. */
export function ListTable<Row>({ caption, columns, rows, keyOf }: Props<Row>) {
  return (
    <div className="list-table" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, isNumber }) => <th key={head} scope="col" className={isNumber ? "number" : undefined}>{head}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ head, cell, isNumber, isRowHead }) => {
                const className = isNumber ? "number" : undefined;
                return isRowHead
                  ? <th key={head} scope="row" className={className}>{cell(row)}</th>
                  : <td key={head} className={className} data-head={head}>{cell(row)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

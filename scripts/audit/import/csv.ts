import { CommandError } from "../failure.ts";

/** A record of a CSV file, the number of the line it begins in, and whether a quotation mark is where none may be. */
export type CsvRecord = { readonly line: number; readonly cells: readonly string[]; readonly broken: boolean };

/**
 * Records of a CSV file, RFC 4180: fields in quotation marks may hold commas, line breaks and doubled quotation marks; lines may end with CRLF, LF or CR. A
 * byte-order mark is passed over. Throws when the file is not UTF-8.
 */
export async function* csvRecords(chunks: AsyncIterable<Uint8Array>, separator = ","): AsyncGenerator<CsvRecord> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = createReader(separator);
  const decoded = (chunk?: Uint8Array) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new CommandError("not_utf8", "read CSV: it is not UTF-8", "convert it first, for example with iconv -f latin1 -t utf8", cause);
    }
  };
  for await (const chunk of chunks) yield* reader.read(decoded(chunk));
  yield* reader.read(decoded());
  yield* reader.end();
}

const states = { plain: 0, quoted: 1, quoteInQuoted: 2 } as const;
type State = (typeof states)[keyof typeof states];

/** No field of an event is as long, with room for the spelling of others. */
const cellLengthMax = 1 << 20;

function endless(line: number): CommandError {
  return new CommandError("broken_csv", `read CSV: line ${line}: a quotation mark opens a field that does not end`, "close it, or double it inside the field");
}

/** A machine that takes text in pieces of any length: a record, a field or a pair of quotation marks may be cut anywhere. */
function createReader(separator: string) {
  let state: State = states.plain;
  let cell = "";
  let cells: string[] = [];
  let broken = false;
  let line = 1;
  let begunAt = 1;
  let afterReturn = false;
  const endCell = () => {
    cells.push(cell);
    cell = "";
    state = states.plain;
  };
  const endRecord = (): CsvRecord | undefined => {
    endCell();
    const record = { line: begunAt, cells, broken };
    cells = [];
    broken = false;
    // An empty line is no record of one empty field.
    return record.cells.length === 1 && record.cells[0] === "" ? undefined : record;
  };
  return {
    *read(text: string): Generator<CsvRecord> {
      for (const character of text) {
        const isFeedOfReturn = afterReturn && character === "\n";
        afterReturn = false;
        if (state === states.quoted) {
          if (character === '"') state = states.quoteInQuoted;
          else cell += character;
          if (character === "\n") line++;
          // A quotation mark that is never closed would take the rest of the file into one field.
          if (cell.length > cellLengthMax) throw endless(begunAt);
        } else if (isFeedOfReturn) {
          continue;
        } else if (character === "\n" || character === "\r") {
          afterReturn = character === "\r";
          const record = endRecord();
          begunAt = ++line;
          if (record !== undefined) yield record;
        } else if (character === separator) endCell();
        else if (character === '"') {
          if (state === states.quoteInQuoted) {
            cell += character;
            state = states.quoted;
          } else if (cell === "") state = states.quoted;
          else broken = true;
        } else {
          broken ||= state === states.quoteInQuoted;
          cell += character;
        }
      }
    },
    *end(): Generator<CsvRecord> {
      // A file that ends inside quotation marks was cut.
      broken ||= state === states.quoted;
      if (cell === "" && cells.length === 0 && state === states.plain) return;
      const record = endRecord();
      if (record !== undefined) yield record;
    },
  };
}

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

/** Where reading stands: in a field of a record, in line `line` of the file; the record began in line `begunAt`. */
type Place = { state: State; cell: string; cells: string[]; broken: boolean; line: number; begunAt: number; afterReturn: boolean };

/** A machine that takes text in pieces of any length: a record, a field or a pair of quotation marks may be cut anywhere. */
function createReader(separator: string) {
  const place: Place = { state: states.plain, cell: "", cells: [], broken: false, line: 1, begunAt: 1, afterReturn: false };
  return {
    *read(text: string): Generator<CsvRecord> {
      for (const character of text) {
        const record = place.state === states.quoted ? takeQuoted(place, character) : takeUnquoted(place, character, separator);
        if (record !== undefined) yield record;
        if (place.cell.length > cellLengthMax) throw endless(place);
      }
    },
    *end(): Generator<CsvRecord> {
      // A file that ends inside quotation marks was cut.
      place.broken ||= place.state === states.quoted;
      if (place.cell === "" && place.cells.length === 0 && place.state === states.plain) return;
      const record = endRecord(place);
      if (record !== undefined) yield record;
    },
  };
}

/** Inside quotation marks everything is text but a quotation mark, which ends the field or is the first of two. */
function takeQuoted(place: Place, character: string): undefined {
  if (character === '"') place.state = states.quoteInQuoted;
  else place.cell += character;
  if (character === "\n") place.line++;
}

function takeUnquoted(place: Place, character: string, separator: string): CsvRecord | undefined {
  const isFeedOfReturn = place.afterReturn && character === "\n";
  place.afterReturn = character === "\r";
  if (isFeedOfReturn) return undefined;
  if (character === "\n" || character === "\r") {
    const record = endRecord(place);
    place.begunAt = ++place.line;
    return record;
  }
  if (character === separator) endCell(place);
  else if (character === '"') takeQuote(place);
  else {
    place.broken ||= place.state === states.quoteInQuoted;
    place.cell += character;
  }
  return undefined;
}

/** A quotation mark outside quotation marks: the second of two, the beginning of a field, or one that may not be there. */
function takeQuote(place: Place): void {
  if (place.state === states.quoteInQuoted) {
    place.cell += '"';
    place.state = states.quoted;
  } else if (place.cell === "") place.state = states.quoted;
  else place.broken = true;
}

function endCell(place: Place): void {
  place.cells.push(place.cell);
  place.cell = "";
  place.state = states.plain;
}

/** The record that ends here; undefined for an empty line, which is no record of one empty field. */
function endRecord(place: Place): CsvRecord | undefined {
  endCell(place);
  const { begunAt: line, cells, broken } = place;
  place.cells = [];
  place.broken = false;
  return cells.length === 1 && cells[0] === "" ? undefined : { line, cells, broken };
}

/** A quotation mark that is never closed would take the rest of the file into one field; a file that is no CSV may be one field as a whole. */
function endless({ state, begunAt }: Place): CommandError {
  if (state !== states.quoted) {
    return new CommandError("broken_csv", `read CSV: line ${begunAt}: a field has more than ${cellLengthMax} characters`, "see whether the file is CSV");
  }
  const message = `read CSV: line ${begunAt}: a quotation mark opens a field that does not end`;
  return new CommandError("broken_csv", message, "close it, or double it inside the field");
}

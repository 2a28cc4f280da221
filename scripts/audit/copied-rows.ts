import type pg from "pg";
import { packedEvent } from "../../verify/packed-event.ts";
import type { PackedEvent } from "../../verify/source.ts";

/** Bytes of a page: few enough that most die young, and many enough that a row is seldom longer. */
const pageBytes = 1 << 18;
/** Pages that wait for their reader before the server has to. */
const pagesAhead = 2;
/** PostgreSQL, COPY, "Binary Format": a signature, flags and an extension's length come before the first row; a mark of 2 bytes after the last. */
const headerLength = 19;
const endLength = 2;

/** What the driver hands to whoever asked, of the messages that COPY is answered with. */
type Submitted = pg.Submittable & {
  handleCopyData(message: { readonly chunk: Uint8Array }): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(fault: Error): void;
};

/**
 * The rows of `select`, whose columns are `rowColumns`, as PostgreSQL sends them: a message a row, none of it made into a text. The server prints the next page while
 * one is read, and waits when nobody reads.
 */
export async function* copiedRows(client: pg.Client, select: string): AsyncGenerator<readonly PackedEvent[]> {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: { pause(): void; resume(): void } } }).connection;
  const ready: PackedEvent[][] = [];
  let wake = () => {};
  let isDone = false;
  let fault: Error | undefined;
  let page: PackedEvent[] = [];
  let bytes = new Uint8Array(pageBytes);
  let end = 0;
  let isHeaderRead = false;

  const endPage = () => {
    if (page.length > 0) ready.push(page);
    page = [];
    bytes = new Uint8Array(pageBytes);
    end = 0;
    if (ready.length >= pagesAhead) stream.pause();
    wake();
  };
  const addRow = (row: Uint8Array) => {
    if (row.length === endLength) return;
    if (end + row.length > bytes.length) {
      endPage();
      if (row.length > bytes.length) bytes = new Uint8Array(row.length);
    }
    // The driver uses its buffer again.
    bytes.set(row, end);
    page.push(packedEvent(bytes, end, page.at(-1)));
    end += row.length;
  };
  const receive = (chunk: Uint8Array) => {
    if (fault !== undefined) return;
    try {
      addRow(isHeaderRead ? chunk : chunk.subarray(headerLength));
      isHeaderRead = true;
    } catch (found) {
      fault = found as Error;
      wake();
    }
  };
  const finish = (found?: Error) => {
    fault ??= found;
    isDone = true;
    endPage();
  };
  client.query(copying(select, receive, finish));
  for (;;) {
    const next = ready.shift();
    if (next !== undefined) {
      if (ready.length < pagesAhead) stream.resume();
      yield next;
    } else if (fault !== undefined) throw fault;
    else if (isDone) return;
    else await new Promise<void>((resolve) => wake = resolve);
  }
}

function copying(select: string, receive: (chunk: Uint8Array) => void, finish: (fault?: Error) => void): Submitted {
  return {
    submit: (connection) => void (connection as unknown as { query(text: string): void }).query(`copy (${select}) to stdout (format binary)`),
    handleCopyData: ({ chunk }) => receive(chunk),
    handleCommandComplete: () => {},
    handleReadyForQuery: () => finish(),
    handleError: finish,
  };
}

import pg, { type ClientBase } from "pg";

/** Takes one row of `copy … to stdout (format binary)`. Its bytes are the driver's, which writes over them as soon as this returns. */
export type TakeRow = (row: Uint8Array) => void;

type Thrown = { readonly error: unknown };

/** The signature of the format with its flags and the length of its extension, which stand in front of the first row. */
const headerBytes = 19;
const signature = 0x50;
const endOfRows = 2;

/**
 * `copy (select …) to stdout (format binary)`, rejected after `timeoutMs` without its end: the connection must not be used again then. A message of the server is a
 * row; while one is taken here the server prints the next ones, as many as the sockets between hold. Resolves with what `take` threw, if it did, once the
 * server has sent the rest, of which nothing is taken.
 */
export function copyOut(client: ClientBase, text: string, take: TakeRow, timeoutMs: number): Promise<Thrown | undefined> {
  return new Promise((resolve, reject) => {
    let thrown: Thrown | undefined;
    const handleCopyData = ({ chunk }: { readonly chunk: Uint8Array }) => {
      // A row begins with the number of its columns, whose first byte is not this one.
      const row = chunk[0] === signature ? chunk.subarray(headerBytes) : chunk;
      if (thrown !== undefined || row.length <= endOfRows) return;
      try {
        take(row);
      } catch (error) {
        // Let out of here, among the driver's events, it would end the process.
        thrown = { error };
      }
    };
    const timer = setTimeout(() => reject(new Error("copy: no answer in time")), timeoutMs);
    const query = new pg.Query(text, (error: Error | null | undefined) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(thrown);
    });
    client.query(Object.assign(query, { handleCopyData }));
  });
}

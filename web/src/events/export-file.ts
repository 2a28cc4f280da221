import type { Api, Parameters } from "../api.ts";

export type ExportFormat = "csv" | "ndjson" | "parquet";

/** What has arrived so far. `rows` is counted in the text formats; a Parquet file tells only at its end. */
export type ExportProgress = { readonly bytes: number; readonly rows: number | undefined };

/** What is gathered before it is handed to the browser. */
const PIECE_BYTES = 8_000_000;

export type ExportedFile = { readonly name: string; readonly blob: Blob };

/**
 * Exports what `filter` asks for. An Edge Function hands out a part a call and says so; the parts of a text format become one file, those of a Parquet
 * export stay files. Throws when the export broke off or was ended: half a file is not handed out.
 */
export async function exportFiles(
  api: Api,
  filter: Parameters,
  format: ExportFormat,
  onProgress: (progress: ExportProgress) => void,
  signal: AbortSignal,
): Promise<readonly ExportedFile[]> {
  const parts: Blob[] = [];
  let bytes = 0;
  let rows: number | undefined = format === "parquet" ? undefined : 0;
  let name = `audit-events.${format}`;
  let type = "application/octet-stream";
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const response = await api.open("events/export", { ...filter, format, cursor }, { signal });
    const pieces: Blob[] = [];
    let chunks: Uint8Array<ArrayBuffer>[] = [];
    let held = 0;
    const count = rowCounter(format);
    const before: number = rows ?? 0;
    const reader = response.body?.getReader();
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      chunks.push(read.value);
      bytes += read.value.byteLength;
      held += read.value.byteLength;
      if (held > PIECE_BYTES) {
        // A browser keeps a blob where it has room, on the disk too; what a script holds stays in its memory.
        pieces.push(new Blob(chunks));
        [chunks, held] = [[], 0];
      }
      const counted = count(read.value);
      rows = counted === undefined ? undefined : before + counted;
      onProgress({ bytes, rows });
    }
    if (isFirst) {
      name = fileNameOf(response) ?? name;
      type = response.headers.get("content-type") ?? type;
    }
    parts.push(new Blob([...pieces, ...chunks]));
    cursor = response.headers.get("audit-export-complete") === "false" ? cursorOf(response) : undefined;
  }
  const joined = await Promise.all(parts.map((part, index) => format === "csv" && index > 0 ? withoutHeader(part) : part));
  // The last that is waited for: from here to the file nobody can end it any more.
  signal.throwIfAborted();
  if (format === "parquet" && parts.length > 1) {
    return parts.map((part, index) => ({ name: name.replace(/\.parquet$/, `.part-${index + 1}.parquet`), blob: new Blob([part], { type }) }));
  }
  return [{ name, blob: new Blob(joined, { type }) }];
}

/** Each part of a CSV export begins with the names of its columns, none of which holds a line break. */
async function withoutHeader(part: Blob): Promise<Blob> {
  const head = new Uint8Array(await part.slice(0, 4096).arrayBuffer());
  return part.slice(head.indexOf(0x0a) + 1);
}

/** Counts the rows of a part over its chunks: line ends outside quotation marks, without the header of a CSV file or the last line of an NDJSON one. */
function rowCounter(format: ExportFormat): (chunk: Uint8Array) => number | undefined {
  let lines = 0;
  let isQuoted = false;
  return (chunk) => {
    if (format === "parquet") return undefined;
    for (const byte of chunk) {
      if (byte === 0x22 && format === "csv") isQuoted = !isQuoted;
      else if (byte === 0x0a && !isQuoted) lines++;
    }
    return Math.max(0, lines - 1);
  };
}

function fileNameOf(response: Response): string | undefined {
  return /filename="([A-Za-z0-9._-]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
}

function cursorOf(response: Response): string | undefined {
  const query = /<\?([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
  return new URLSearchParams(query).get("cursor") ?? undefined;
}

import { AuditApiError } from "./api-error.ts";
import { type Api, ask, type Parameters } from "./ask.ts";

/** CSV with escaped formulas, one JSON object a line, or Parquet. */
export type ExportFormat = "csv" | "ndjson" | "parquet";

/** One file of an export. There are several when the service hands out bounded parts, as an Edge Function does. */
export type ExportPart = {
  /** To be read to its end before the next part is asked for. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Events in a bounded part; absent of a stream, whose NDJSON and Parquet say it inside. */
  readonly rows?: number;
  /** Of the part's bytes, hexadecimal; absent as `rows` is. */
  readonly sha256?: string;
};

/** The parts of an export, each to be read to its end before the next is asked for. */
export async function* exportParts(api: Api, parameters: Parameters, format: ExportFormat, signal?: AbortSignal): AsyncGenerator<ExportPart> {
  let cursor: string | undefined;
  do {
    const response = await ask(api, "/events/export", { ...parameters, format, cursor }, { signal, headers: { accept: "*/*" } });
    const rows = response.headers.get("audit-export-rows");
    const sha256 = response.headers.get("audit-export-sha256");
    yield { bytes: bytesOf(response), ...(rows === null ? {} : { rows: Number(rows) }), ...(sha256 === null ? {} : { sha256 }) };
    cursor = response.headers.get("audit-export-complete") === "false" ? cursorOf(response.headers.get("link")) : undefined;
  } while (cursor !== undefined);
}

/**
 * The bytes of one file: parts of CSV are joined without repeating the header, parts of NDJSON as they are, each with the line that says what it holds.
 * Throws AuditApiError `cut_short` when NDJSON ends without that line, and `export_in_parts` when Parquet, whose files cannot be joined, comes in parts.
 */
export async function* exportFile(api: Api, parameters: Parameters, format: ExportFormat, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  let part = 0;
  for await (const { bytes } of exportParts(api, parameters, format, signal)) {
    if (part > 0 && format === "parquet") {
      throw new AuditApiError({ status: 200, code: "export_in_parts", message: "export events: Parquet came in parts: use exportParts" });
    }
    let inHeader = part++ > 0 && format === "csv";
    let tail = "";
    for await (const chunk of bytes) {
      if (format === "ndjson") tail = (tail + new TextDecoder().decode(chunk)).slice(-manifestLengthMax);
      const start = inHeader ? chunk.indexOf(10) + 1 : 0;
      if (inHeader && start === 0) continue;
      inHeader = false;
      if (start < chunk.length) yield start === 0 ? chunk : chunk.subarray(start);
    }
    if (format === "ndjson" && !isManifest(tail.trimEnd().split("\n").at(-1) ?? "")) {
      throw new AuditApiError({ status: 200, code: "cut_short", message: "export events: the file ends without its last line: it was cut" });
    }
  }
}

/** Longer than the last line of an export gets: the question in it is bounded by the API. */
const manifestLengthMax = 64 * 1024;

/** The line that only ends an export: what it holds, and so that it is whole. */
export function isManifest(line: string): boolean {
  return line.startsWith('{"audit_events_export":');
}

async function* bytesOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  // Safari has no asynchronous iteration of streams.
  const reader = response.body.getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function cursorOf(link: string | null): string | undefined {
  const target = /<([^>]*)>\s*;\s*rel="next"/.exec(link ?? "")?.[1];
  return target === undefined ? undefined : new URL(target, "http://relative").searchParams.get("cursor") ?? undefined;
}

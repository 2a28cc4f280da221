import type { KeyRing } from "../../../verify/keys.ts";
import { type ExportLine, verifyExport } from "../../../verify/export.ts";
import type { LogReport } from "../../../verify/report.ts";
import type { Api } from "../api.ts";

/**
 * Reads every event of the tenant as an export and checks in this browser that together they have the root that `note` states. Events that were sealed
 * since are left out. The export is recorded in the log, as any export is.
 */
export async function verifyEvents(
  api: Api,
  tenantId: string,
  note: string,
  ring: KeyRing,
  progress: (events: number) => void,
  signal: AbortSignal,
): Promise<LogReport> {
  const size = Number(note.split("\n")[1]);
  return await verifyExport(sealedBelow(size, exportedLines(api, tenantId, signal)), [note], { ring, progress });
}

async function* sealedBelow(size: number, lines: AsyncIterable<ExportLine>): AsyncGenerator<ExportLine> {
  for await (const line of lines) {
    const index = line["log_index"];
    if (typeof index === "number" && index < size) yield line;
  }
}

/** The lines of an NDJSON export, part by part, without those that describe the export. */
async function* exportedLines(api: Api, tenantId: string, signal: AbortSignal): AsyncGenerator<ExportLine> {
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const parameters = { tenant_id: tenantId, format: "ndjson", from: "2000-01-01T00:00:00Z", order: "asc", cursor };
    const response = await api.open("events/export", parameters, { signal });
    cursor = undefined;
    for await (const text of linesOf(response)) {
      const line = JSON.parse(text) as ExportLine & { audit_events_export?: { next_cursor?: string } };
      if (line.audit_events_export === undefined) yield line;
      else cursor = line.audit_events_export.next_cursor;
    }
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
    const lines = (waiting + read.value).split("\n");
    waiting = lines.pop() ?? "";
    yield* lines;
  }
  if (waiting !== "") throw new Error("The export broke off.");
}

import { useRef, useState } from "react";
import { Button } from "react-aria-components";
import { type Api, ApiProblem, type Parameters } from "../api.ts";
import { saveFile } from "../save-file.ts";
import { exportFiles, type ExportFormat, type ExportProgress } from "./export-file.ts";

const formats: readonly (readonly [ExportFormat, string])[] = [["csv", "CSV"], ["ndjson", "NDJSON"], ["parquet", "Parquet"]];

type State = { readonly progress: ExportProgress; readonly total: number | undefined } | { readonly fault: string } | { readonly done: string } | undefined;

/** Exports exactly what the filter showed when it began, with the number of rows that have come of those that were counted. */
export function ExportMenu({ api, filter, total }: { readonly api: Api; readonly filter: Parameters; readonly total: number | undefined }) {
  const [state, setState] = useState<State>();
  const abort = useRef<AbortController>(undefined);
  const run = async (format: ExportFormat) => {
    abort.current = new AbortController();
    setState({ progress: { bytes: 0, rows: 0 }, total });
    try {
      const files = await exportFiles(api, filter, format, throttled((progress) => setState({ progress, total })), abort.current.signal);
      for (const { blob, name } of files) saveFile(blob, name);
      const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
      setState({ done: `${files.map(({ name }) => name).join(", ")} saved, ${sizeText(bytes)}.` });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return setState({ done: "Export cancelled; nothing was saved." });
      setState({ fault: error instanceof ApiProblem ? faultOf(error) : "The export broke off; nothing was saved. Try again." });
    }
  };
  return (
    <div className="export" role="group" aria-label="Export">
      {state !== undefined && "progress" in state ? <Running progress={state.progress} total={state.total} onCancel={() => abort.current?.abort()} /> : (
        <>
          <span className="export-label">Export</span>
          {formats.map(([format, name]) => <Button key={format} isDisabled={total === 0} onPress={() => void run(format)}>{name}</Button>)}
        </>
      )}
      <span role="status" className="small">
        {state !== undefined && "done" in state && state.done}
        {state !== undefined && "fault" in state && <span className="fault">{state.fault}</span>}
      </span>
    </div>
  );
}

function faultOf({ message, code, requestId }: ApiProblem): string {
  return `${message} Nothing was saved. (Code ${code}${requestId === undefined ? "" : `, request ${requestId}`})`;
}

type RunningProps = { readonly progress: ExportProgress; readonly total: number | undefined; readonly onCancel: () => void };

function Running({ progress: { bytes, rows }, total, onCancel }: RunningProps) {
  const share = rows === undefined || total === undefined || total === 0 ? undefined : Math.min(1, rows / total);
  return (
    <>
      <progress aria-label="Export" value={share} />
      <span className="export-progress">
        {rows === undefined ? "" : `${rows.toLocaleString("en")}${total === undefined ? "" : ` of ${total.toLocaleString("en")}`} rows, `}
        {sizeText(bytes)}
      </span>
      <Button onPress={onCancel}>Cancel</Button>
    </>
  );
}

/** At most ten times a second: chunks come faster than anybody reads. */
function throttled(show: (progress: ExportProgress) => void): (progress: ExportProgress) => void {
  let shownAt = 0;
  return (progress) => {
    if (performance.now() - shownAt < 100) return;
    shownAt = performance.now();
    show(progress);
  };
}

function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

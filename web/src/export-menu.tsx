import { useRef, useState } from "react";
import { Button } from "react-aria-components";
import { type Api, ApiProblem, type Parameters } from "./api.ts";

const formats = [["csv", "CSV"], ["ndjson", "NDJSON"], ["parquet", "Parquet"]] as const;

type State = { readonly format: string; readonly bytes: number } | { readonly fault: string } | { readonly done: string } | undefined;

/** Exports exactly what the filter shows. The file is built as it arrives; progress is what has arrived, since no count is known beforehand. */
export function ExportMenu({ api, filter, total }: { readonly api: Api; readonly filter: Parameters; readonly total: number | undefined }) {
  const [state, setState] = useState<State>();
  const abort = useRef<AbortController>(undefined);
  const run = async (format: string) => {
    abort.current = new AbortController();
    setState({ format, bytes: 0 });
    try {
      const response = await api.open("events/export", { ...filter, format }, abort.current.signal);
      const blob = await collect(response, (bytes) => setState({ format, bytes }));
      save(blob, fileNameOf(response) ?? `audit-events.${format}`);
      setState({ done: `${format.toUpperCase()} saved, ${sizeText(blob.size)}.` });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return setState({ done: "Export cancelled; nothing was saved." });
      setState({ fault: error instanceof ApiProblem ? `${error.message} (${error.code})` : "The export broke off; nothing was saved. Try again." });
    }
  };
  const isRunning = state !== undefined && "bytes" in state;
  return (
    <div className="export" role="group" aria-label="Export">
      {isRunning
        ? (
          <>
            <progress aria-label="Export" /> <span>{sizeText(state.bytes)}</span> <Button onPress={() => abort.current?.abort()}>Cancel</Button>
          </>
        )
        : <>Export{formats.map(([format, name]) => <Button key={format} isDisabled={total === 0} onPress={() => void run(format)}>{name}</Button>)}</>}
      <span role="status" className="small">
        {state !== undefined && "done" in state && state.done}
        {state !== undefined && "fault" in state && state.fault}
      </span>
    </div>
  );
}

async function collect(response: Response, onBytes: (bytes: number) => void): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
    chunks.push(read.value);
    bytes += read.value.byteLength;
    onBytes(bytes);
  }
  return new Blob(chunks, { type: response.headers.get("content-type") ?? "application/octet-stream" });
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function fileNameOf(response: Response): string | undefined {
  return /filename="([A-Za-z0-9._-]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
}

function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

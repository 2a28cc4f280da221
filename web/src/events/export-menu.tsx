import { useEffect, useRef } from "react";
import { Button } from "react-aria-components";
import type { Api, Parameters } from "../api.ts";
import type { ExportFormat } from "./export-file.ts";
import { ExportOutcome, ExportRunning } from "./export-progress.tsx";
import type { Exporting } from "./use-export.ts";

const formats: readonly (readonly [ExportFormat, string])[] = [["csv", "CSV"], ["ndjson", "NDJSON"], ["parquet", "Parquet"]];

type Props = { readonly api: Api; readonly filter: Parameters; readonly total: number | undefined; readonly exporting: Exporting };

/** Exports exactly what the filter showed when it began. Of an export of another tenant it says nothing here, but waits for its end. */
export function ExportMenu({ api, filter, total, exporting }: Props) {
  const state = exporting.tenant === filter["tenant_id"] ? exporting.state : undefined;
  const isDisabled = total === 0 || exporting.isRunning;
  const isOver = state !== undefined && !("progress" in state);
  const { see } = exporting;
  const box = useRef<HTMLDivElement>(null);
  // The button goes away: the keyboard goes on beside it.
  const keepFocus = () => box.current?.focus({ preventScroll: true });
  const start = (format: ExportFormat) => {
    keepFocus();
    void exporting.start(api, filter, format, total);
  };
  const cancel = () => {
    keepFocus();
    exporting.cancel();
  };
  useEffect(() => {
    if (isOver) see();
  }, [isOver, see]);
  return (
    <div className="export" role="group" aria-label="Export" ref={box} tabIndex={-1}>
      {state !== undefined && "progress" in state ? <ExportRunning running={state} onCancel={cancel} /> : (
        <>
          <span className="export-label">Export</span>
          {formats.map(([format, name]) => <Button key={format} isDisabled={isDisabled} onPress={() => start(format)}>{name}</Button>)}
        </>
      )}
      <ExportOutcome state={state} />
    </div>
  );
}

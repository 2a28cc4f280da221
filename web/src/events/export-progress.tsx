import { Button } from "react-aria-components";
import type { Exporting, ExportState, RunningExport } from "./use-export.ts";

type RunningProps = { readonly running: RunningExport; readonly onCancel: () => void };

/** How far a running export is: the number of rows that have come, of those that were counted when it began. */
export function ExportRunning({ running: { progress: { bytes, rows }, total }, onCancel }: RunningProps) {
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

/** What became of an export. */
export function ExportOutcome({ state }: { readonly state: ExportState | undefined }) {
  return (
    <span role="status" className="small">
      {state !== undefined && "done" in state && state.done}
      {state !== undefined && "fault" in state && <span className="fault">{state.fault}</span>}
    </span>
  );
}

type StripProps = { readonly exporting: Exporting; readonly tenantNames: Readonly<Record<string, string>> | undefined };

/** An export wherever its own menu is not to be seen: what runs can always be watched and ended. It names its tenant, where there are several. */
export function ExportStrip({ exporting: { state, tenant, isSeen, cancel, dismiss }, tenantNames }: StripProps) {
  // What was read where it belongs does not follow to other views.
  if (state === undefined || isSeen) return null;
  return (
    <section className="export-strip" aria-label="Export">
      <span className="export-label">Export{tenant !== undefined && ` of ${tenantNames?.[tenant] ?? tenant}`}</span>
      {"progress" in state && <ExportRunning running={state} onCancel={cancel} />}
      <ExportOutcome state={state} />
      {!("progress" in state) && <Button onPress={dismiss}>Dismiss</Button>}
    </section>
  );
}

export function sizeText(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

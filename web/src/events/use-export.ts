import { useCallback, useRef, useState } from "react";
import { type Api, ApiProblem, type Parameters } from "../api.ts";
import { adviceOf } from "../problem-notice.tsx";
import { saveFile } from "../save-file.ts";
import { exportFiles, type ExportFormat, type ExportProgress } from "./export-file.ts";
import { sizeText } from "./export-progress.tsx";

export type RunningExport = { readonly progress: ExportProgress; readonly total: number | undefined };
export type ExportState = RunningExport | { readonly fault: string } | { readonly done: string };

/** The latest export of whoever is signed in, and how to begin the next: one at a time. */
export type Exporting = {
  readonly state: ExportState | undefined;
  /** Whose events they are, where there are several tenants. */
  readonly tenant: string | undefined;
  readonly isRunning: boolean;
  readonly start: (api: Api, filter: Parameters, format: ExportFormat, total: number | undefined) => Promise<void>;
  readonly cancel: () => void;
  /** True when a sign-in ended while its export ran. */
  readonly isCutOff: boolean;
  /** Takes the outcome away. */
  readonly dismiss: () => void;
  /** True once the outcome stood where it belongs. */
  readonly isSeen: boolean;
  readonly see: () => void;
};

type Latest = { readonly sitting: AbortSignal; readonly tenant: string | undefined; readonly state: ExportState; readonly isSeen?: true };

/**
 * Exports go on while their beginner looks at other views and tenants, and end with `sitting`: what one person began hands its file to nobody else, and
 * tells nobody else how it fares, but for that it was cut off.
 */
export function useExport(sitting: AbortSignal): Exporting {
  const [latest, setLatest] = useState<Latest>();
  const abort = useRef<AbortController>(undefined);
  const own = latest?.sitting === sitting ? latest : undefined;
  return {
    state: own?.state,
    tenant: own?.tenant,
    isRunning: own !== undefined && "progress" in own.state,
    start: async (api, filter, format, total) => {
      abort.current = new AbortController();
      const signal = AbortSignal.any([sitting, abort.current.signal]);
      const tell = (state: ExportState) => setLatest({ sitting, tenant: filter["tenant_id"], state });
      tell({ progress: { bytes: 0, rows: 0 }, total });
      try {
        const files = await exportFiles(api, filter, format, throttled((progress) => tell({ progress, total })), signal);
        for (const { blob, name } of files) saveFile(blob, name);
        const bytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
        tell({ done: `${files.map(({ name }) => name).join(", ")} saved, ${sizeText(bytes)}.` });
      } catch (error) {
        // What another person has begun since is not ours to write over.
        if (sitting.aborted) return;
        if (signal.aborted) return tell({ done: "Export cancelled; nothing was saved." });
        tell({ fault: error instanceof ApiProblem ? faultOf(error) : "The export broke off; nothing was saved. Try again." });
      }
    },
    isCutOff: latest !== undefined && own === undefined && "progress" in latest.state,
    cancel: () => abort.current?.abort(),
    dismiss: useCallback(() => setLatest(undefined), []),
    isSeen: own?.isSeen === true,
    see: useCallback(() => setLatest((found) => found && { ...found, isSeen: true }), []),
  };
}

function faultOf(problem: ApiProblem): string {
  const { message, code, requestId } = problem;
  // What a service says of a fault ends without a full stop.
  const said = `${message.replace(/\.$/, "")}. Nothing was saved. ${adviceOf(problem) ?? ""}`;
  return `${said.trimEnd()} (Code ${code}${requestId === undefined ? "" : `, request ${requestId}`})`;
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

import { faultRecord } from "./fault-record.ts";
import { limits } from "./limits.ts";
import type { Log } from "./ports.ts";
import { isRefusal, type Verdict } from "./verdicts.ts";

/** What the background needs from outside. `waitUntil` keeps a process alive for work after the answer; without it a running process is enough. */
export type BackgroundParts = { readonly log: Log; readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined };

/** Starts storing a batch whose answer is given already; false when too many are waiting, and the caller must wait for its answer. */
export type StartInBackground = (
  work: () => Promise<readonly Verdict[]>,
  about: { readonly request_id: string; readonly principal: string; readonly events: number },
) => boolean;

/**
 * Stores batches after their 202. Nobody hears of a fault here but the log, so every lost batch and every refused event is counted and logged.
 * Bounded, because each waiting batch holds its events in memory.
 */
export function backgroundStore(parts: BackgroundParts): StartInBackground {
  let pending = 0;
  let failedTotal = 0;
  return (work, about) => {
    if (pending >= limits.pendingBatchesMax) return false;
    pending++;
    const done = work().then(
      (verdicts) => {
        const refused = verdicts.filter(isRefusal).length;
        const record = { ...about, refused_count: refused };
        if (refused > 0) parts.log({ level: "warn", event: "ingest.async.refused", ...record });
      },
      (error) => {
        failedTotal++;
        parts.log({ level: "error", event: "ingest.async.failed", ...about, failed_total: failedTotal, ...faultRecord(error) });
      },
    ).finally(() => pending--);
    parts.waitUntil?.(done);
    return true;
  };
}

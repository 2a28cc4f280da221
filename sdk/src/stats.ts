import { type LatencyPercentiles, percentiles } from "./delivery/latency.ts";
import { type DeliveryState, inMemory, type LastError } from "./delivery/state.ts";
import type { DropReason } from "./event.ts";
import type { SpoolSession, SpoolStats } from "./spool-session.ts";

/**
 * What became of everything logged. To the unit, at every moment: `logged + recovered = sent + dropped.total + queued`, and
 * `sent = created + duplicate + rejected`.
 */
export type AuditStats = {
  /** Events given to the client. */
  readonly logged: number;
  /** Events of earlier or dead processes found in the spool. */
  readonly recovered: number;
  /** Open: in memory, on their way and on disk. */
  readonly queued: number;
  /** Of those, in a request under way. */
  readonly inFlight: number;
  /** Of those, only on disk. */
  readonly spooled: number;
  /** Events the server decided about. */
  readonly sent: number;
  readonly created: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly dropped:
    & { readonly total: number }
    & Readonly<Record<DropReason, number>>;
  readonly requests: number;
  /** Requests that carried events sent before. */
  readonly retried: number;
  /** Share of requests that went to the door that was not the first choice. */
  readonly fallbackRate: number;
  /** From logging to verdict, milliseconds. */
  readonly latencyMs: LatencyPercentiles;
  readonly lastError: (LastError & { readonly at: string }) | undefined;
  readonly spool: SpoolStats | undefined;
};

export function auditStats(state: DeliveryState, spool: SpoolSession | undefined, lastErrorAt: number): AuditStats {
  const { counts, drops } = state;
  let inFlight = 0;
  for (const batch of state.inFlight.values()) inFlight += batch.entries.length;
  const spooled = spool?.unread() ?? 0;
  return {
    logged: counts.logged,
    recovered: counts.recovered,
    queued: inMemory(state) + spooled,
    inFlight,
    spooled,
    sent: counts.created + counts.duplicate + counts.rejected,
    created: counts.created,
    duplicate: counts.duplicate,
    rejected: counts.rejected,
    dropped: { total: drops.total, ...drops.byReason },
    requests: counts.requests,
    retried: counts.retried,
    fallbackRate: counts.requests === 0 ? 0 : counts.fallbacks / counts.requests,
    latencyMs: percentiles(state.latency),
    lastError: state.lastError === undefined ? undefined : { ...state.lastError, at: new Date(lastErrorAt).toISOString() },
    spool: spool?.stats(),
  };
}

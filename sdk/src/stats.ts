import type { DeliveryState, LastError } from "./delivery/state.ts";
import type { DropReason } from "./event.ts";
import type { SpoolSession, SpoolStats } from "./spool-session.ts";

/** Milliseconds; 0 while nothing was decided. */
export type LatencyPercentiles = {
  /** Half of the events took at most this. */
  readonly p50: number;
  /** 95 in a hundred took at most this. */
  readonly p95: number;
  /** 99 in a hundred took at most this. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
};

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
  /** Stored. */
  readonly created: number;
  /** Stored before, with the same content. */
  readonly duplicate: number;
  /** Refused by the server, conflicts included. */
  readonly rejected: number;
  /** Given up, by reason and in all. */
  readonly dropped: Readonly<Record<DropReason | "total", number>>;
  /** Requests sent. */
  readonly requests: number;
  /** Requests that carried events sent before. */
  readonly retried: number;
  /** Share of requests, from 0 to 1, that went to the door that was not the first choice. */
  readonly fallbackRate: number;
  /** From logging to verdict, of the latest thousand events, in milliseconds. */
  readonly latencyMs: LatencyPercentiles;
  /** The latest request without verdicts; undefined while all had some. */
  readonly lastError: LastError | undefined;
  /** Of the spool; undefined without one. */
  readonly spool: SpoolStats | undefined;
};

export function auditStats(state: DeliveryState & { readonly spool?: SpoolSession | undefined }): AuditStats {
  const { spool } = state;
  const { fallbacks, ...counts } = state.counts;
  const spooled = spool?.unread() ?? 0;
  const latencies = state.latencies.toSorted((a, b) => a - b);
  const at = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? 0;
  return {
    ...counts,
    queued: state.open.size + spooled,
    inFlight: [...state.inFlight].flatMap(({ entries }) => entries).length,
    spooled,
    sent: counts.created + counts.duplicate + counts.rejected,
    dropped: { ...state.dropped },
    fallbackRate: fallbacks / (counts.requests || 1),
    latencyMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    lastError: state.lastError,
    spool: spool?.stats(),
  };
}

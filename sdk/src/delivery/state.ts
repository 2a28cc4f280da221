import type { EventFault, EventStatus } from "../event.ts";
import { type Door, door, type DoorName } from "./door.ts";
import { type DropLedger, dropLedger } from "./drop-ledger.ts";
import { type Fifo, fifo } from "./fifo.ts";
import { type Latency, latency } from "./latency.ts";
import type { AnswerStatus } from "./retry-table.ts";

/** An event on its way: serialised once, so that every try sends the same bytes. */
export type Entry = {
  /** Counts up in the order of logging. */
  readonly handle: number;
  readonly id: string;
  readonly occurredAt: string;
  readonly tenantId: string | undefined;
  readonly json: string;
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly loggedAt: number;
  /** Held by a caller who waits, and so outside the bound of the queue; false once that caller has given up waiting. */
  bulk: boolean;
  /** Somebody waits for the verdict. */
  awaited: boolean;
  /** Where the spool keeps it. */
  readonly record?: unknown;
};

/** Entries that travel together. `tried` names the doors that failed since the last wait: to those it may go again at `againAt`, to others at `notBefore`. */
export type Batch = {
  readonly id: number;
  readonly entries: readonly Entry[];
  readonly bytes: number;
  attempts: number;
  notBefore: number;
  againAt: number;
  tried: readonly DoorName[];
  door: DoorName | undefined;
  /** The door asked for by the caller; otherwise the size decides. */
  readonly prefer: DoorName | undefined;
  keepalive: boolean;
  sentAt: number;
};

/** What the server or the client decided about one entry. */
export type Verdict = {
  readonly status: Exclude<EventStatus, "queued" | "disabled">;
  readonly receivedAt?: string;
  readonly leafHash?: string;
  readonly receipt?: "verified" | "mismatch" | "unverifiable";
  readonly error?: EventFault;
  /** The request failed, not the event: the caller's credential was refused. */
  readonly refused?: boolean;
};

export type Settlement = {
  readonly entry: Entry;
  readonly verdict: Verdict;
  readonly door: DoorName | undefined;
};

/** What came back for a batch: a verdict for each of its entries, or none. */
export type Answer =
  | { readonly kind: "verdicts"; readonly verdicts: readonly Verdict[] }
  | {
    readonly kind: "failed";
    readonly status: AnswerStatus;
    readonly retryAfterMs?: number | undefined;
    readonly code: string;
    readonly message: string;
  };

export type DeliverySettings = {
  readonly doors: readonly DoorName[];
  /** More events than this prefer the Edge Function. */
  readonly edgeAbove: number;
  readonly queueEvents: number;
  readonly queueBytes: number;
  readonly batchEvents: number;
  readonly batchBytes: number;
  readonly batchAgeMs: number;
  readonly concurrency: number;
  readonly breakerFailures: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
};

export type LastError = {
  readonly door: DoorName;
  readonly status: AnswerStatus;
  readonly code: string;
  readonly message: string;
};

/**
 * Everything the delivery of events remembers. Changed only by the functions of this folder, which are deterministic: time and randomness are
 * arguments, effects are return values. Conserved after each of them: logged + recovered = sent + dropped + queued (in memory and on disk).
 */
export type DeliveryState = {
  readonly settings: DeliverySettings;
  readonly doors: readonly Door[];
  readonly queue: Fifo<Entry>;
  /** Bytes in `queue`, to see when a batch is full. */
  queueBytes: number;
  waiting: Batch[];
  readonly inFlight: Map<number, Batch>;
  /** Entries and bytes in memory that count against the bound, wherever they stand, and entries beyond it that a caller holds. */
  bounded: number;
  boundedBytes: number;
  bulk: number;
  /** Everything up to this handle is due now. */
  flushBefore: number;
  /** Bytes that may still travel by keepalive requests; undefined while the page is visible. */
  keepaliveBudget: number | undefined;
  nextBatchId: number;
  readonly counts: {
    logged: number;
    recovered: number;
    created: number;
    duplicate: number;
    rejected: number;
    requests: number;
    retried: number;
    fallbacks: number;
  };
  readonly drops: DropLedger;
  readonly latency: Latency;
  lastError: LastError | undefined;
};

export function deliveryState(settings: DeliverySettings): DeliveryState {
  return {
    settings,
    doors: settings.doors.map(door),
    queue: fifo(),
    queueBytes: 0,
    waiting: [],
    inFlight: new Map(),
    bounded: 0,
    boundedBytes: 0,
    bulk: 0,
    flushBefore: -1,
    keepaliveBudget: undefined,
    nextBatchId: 1,
    counts: {
      logged: 0,
      recovered: 0,
      created: 0,
      duplicate: 0,
      rejected: 0,
      requests: 0,
      retried: 0,
      fallbacks: 0,
    },
    drops: dropLedger(),
    latency: latency(),
    lastError: undefined,
  };
}

/** Entries in memory whose fate is open. */
export function inMemory(state: DeliveryState): number {
  return state.bounded + state.bulk;
}

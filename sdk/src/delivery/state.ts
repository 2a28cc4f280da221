import type { DropReason, EventFault, EventStatus } from "../event.ts";
import type { Door, DoorName } from "./door.ts";
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
  /** The door asked for by the caller; otherwise numbers decide. */
  readonly prefer?: DoorName | undefined;
  /** Held by a caller who waits for many, and so outside the bound of the queue; false once that caller has given up. */
  bulk?: boolean | undefined;
  /** Who waits: called once with the verdict, or without one when the client closes and the event stays on disk. */
  done?: ((verdict?: Verdict, door?: DoorName) => void) | undefined;
  /** Where the spool keeps it. */
  readonly record?: unknown;
};

/** Entries that travel together. To the doors of `tried`, which failed since the last wait, it may go again at `againAt` (0 before the first try), to others at `notBefore`. */
export type Batch = {
  readonly entries: readonly Entry[];
  attempts: number;
  notBefore: number;
  againAt: number;
  tried: readonly Door[];
  /** The one it was sent through last. */
  door?: Door;
};

/** What the server or the client decided about one entry. */
export type Verdict = {
  readonly status: Exclude<EventStatus, "queued" | "disabled">;
  /** As the server has it, when it listed the event. */
  readonly occurredAt?: string;
  readonly receivedAt?: string | undefined;
  readonly leafHash?: string | undefined;
  readonly receipt?: "verified" | "mismatch" | "unverifiable" | undefined;
  readonly error?: EventFault | undefined;
};

/** What came back for a batch when no verdicts did. */
export type Failure = {
  /** Of the answer, or `network`. */
  readonly status: AnswerStatus;
  /** How long the server asked to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The problem's code; `http_<status>` or `network` when it has none. */
  readonly code: string;
  /** What is wrong, for people. */
  readonly message: string;
};

/** A verdict for each entry of a batch, or the reason why there is none. */
export type Answer = readonly Verdict[] | Failure;

/** Why a request had no verdicts. */
export type LastError = Failure & {
  /** The door that was asked. */
  readonly door: DoorName;
};

/** Events of one tenant given up and not yet reported; `since` is milliseconds since 1970. */
export type DropAccount = { count: number; readonly reasons: Partial<Record<DropReason, number>>; readonly since: number };

/** The bounds that the delivery works within, by the names of the client's options. */
export type DeliverySettings = Readonly<
  Record<
    "edgeAbove" | "queueSize" | "queueBytes" | "batchSize" | "batchBytes" | "batchAgeMs" | "concurrency" | "breakerFailures" | "backoffBaseMs" | "backoffCapMs",
    number
  >
>;

/**
 * Everything the delivery of events remembers. Changed only by the functions of this folder, which are deterministic: time and randomness are
 * arguments, effects are return values. After each of them logged + recovered = sent + dropped + queued, in memory and on disk.
 */
export type DeliveryState = DeliverySettings & {
  readonly doors: readonly Door[];
  /** Entries that are in no batch yet. */
  readonly queue: Entry[];
  waiting: Batch[];
  readonly inFlight: Set<Batch>;
  /** Every entry in memory whose fate is open, oldest first, by handle. */
  readonly open: Map<number, Entry>;
  /** How many of those are held by callers, and the bytes of the others. */
  bulk: number;
  boundedBytes: number;
  /** Everything up to this handle is due now. */
  flushBefore: number;
  /** The page is hidden: all is due, in requests small enough to outlive it. */
  hidden: boolean;
  readonly counts: Record<"logged" | "recovered" | "created" | "duplicate" | "rejected" | "requests" | "retried" | "fallbacks", number>;
  readonly dropped: Record<DropReason | "total", number>;
  /** By tenant. */
  readonly unreported: Map<string | undefined, DropAccount>;
  /** Milliseconds from logging to verdict of the latest events. */
  readonly latencies: number[];
  lastError?: LastError;
};

export function deliveryState<Settings extends DeliverySettings & Pick<DeliveryState, "doors">>(settings: Settings): DeliveryState & Settings {
  return {
    ...settings,
    queue: [],
    waiting: [],
    inFlight: new Set(),
    open: new Map(),
    bulk: 0,
    boundedBytes: 0,
    flushBefore: 0,
    hidden: false,
    counts: { logged: 0, recovered: 0, created: 0, duplicate: 0, rejected: 0, requests: 0, retried: 0, fallbacks: 0 },
    dropped: { total: 0, queue_full: 0, spool_full: 0, spool_corrupt: 0, closed: 0, invalid: 0 },
    unreported: new Map(),
    latencies: [],
  };
}

import { hasRoom, offer } from "./delivery/intake.ts";
import { fifoLength } from "./delivery/fifo.ts";
import { recordDrop, takeUnreported } from "./delivery/drop-ledger.ts";
import type { Entry } from "./delivery/state.ts";
import { type Engine, metricsDue, pumpSoon, warn } from "./engine.ts";
import type { DropReason, EventContext, EventInput } from "./event.ts";
import type { MadeEvent } from "./make-event.ts";
import type { SpoolRecord } from "./spool-session.ts";

/** Where an event went: into memory, only to disk, or nowhere. */
export type Accepted =
  | { readonly fate: "queued"; readonly made: MadeEvent; readonly entry: Entry }
  | {
    readonly fate: "spilled";
    readonly made: MadeEvent;
    readonly record: SpoolRecord;
  }
  | {
    readonly fate: "dropped";
    readonly made: MadeEvent | undefined;
    readonly reason: DropReason;
    readonly cause?: unknown;
  };

/** Longest time a drop stays unreported while the queue is full. */
const dropReportMs = 10_000;

/** `bulk`: the caller holds the events anyway and puts the entries on their way itself. `reserved`: room is found even when there is none. */
export type AcceptOptions = {
  readonly awaited: boolean;
  readonly bulk?: boolean;
  readonly reserved?: boolean;
};

/** Takes one event: from here on it is counted, and its id, time and bytes are fixed. Never throws. */
export function accept(engine: Engine, input: EventInput, context: EventContext, options: AcceptOptions): Accepted {
  const { state, settings } = engine;
  state.counts.logged++;
  if (options.bulk !== true) metricsDue(engine);
  if (engine.closing && options.reserved !== true) {
    return dropped(engine, undefined, "closed");
  }
  let made: MadeEvent;
  try {
    made = engine.make(input, context);
  } catch (error) {
    return dropped(engine, undefined, "invalid", error);
  }
  const kept = engine.spool?.append(made.json);
  const record = typeof kept === "object" ? kept : undefined;
  const spills = settings.whenFull === "spill" && record !== undefined && options.bulk !== true;
  // Once something waits on disk, what comes later waits behind it.
  if (spills && (engine.spool?.unread() ?? 0) > 0 && options.reserved !== true) return spilled(engine, made, record);
  const entry = entryOf(engine, made, record, options);
  if (options.bulk === true) return { fate: "queued", made, entry };
  if (offer(state, entry, options.reserved)) {
    noteFilling(engine);
    const full = fifoLength(state.queue) >= settings.delivery.batchEvents || state.queueBytes >= settings.delivery.batchBytes;
    if (full || options.awaited || engine.timerAt === Infinity) {
      pumpSoon(engine);
    }
    return { fate: "queued", made, entry };
  }
  if (spills) return spilled(engine, made, record);
  if (record !== undefined) engine.spool?.acknowledge([record]);
  noteFull(engine);
  return dropped(engine, made, kept === "full" ? "spool_full" : "queue_full");
}

export function entryOf(engine: Engine, made: MadeEvent, record: SpoolRecord | undefined, options: AcceptOptions): Entry {
  return {
    handle: engine.nextHandle++,
    id: made.id,
    occurredAt: made.occurredAt,
    tenantId: made.tenantId,
    json: made.json,
    bytes: made.bytes,
    loggedAt: engine.settings.runtime.monotonic(),
    bulk: options.bulk === true,
    awaited: options.awaited,
    record,
  };
}

function spilled(engine: Engine, made: MadeEvent, record: SpoolRecord): Accepted {
  engine.spool?.leave(record);
  pumpSoon(engine);
  return { fate: "spilled", made, record };
}

function dropped(engine: Engine, made: MadeEvent | undefined, reason: DropReason, cause?: unknown): Accepted {
  const tenantId = made?.tenantId ?? engine.settings.defaults.tenant_id;
  recordDrop(engine.state.drops, tenantId, reason, engine.settings.runtime.now());
  pumpSoon(engine);
  return {
    fate: "dropped",
    made,
    reason,
    ...(cause === undefined ? {} : { cause }),
  };
}

/** Warns once at four fifths, and again only after the queue was half empty. */
function noteFilling(engine: Engine): void {
  const { queueEvents, queueBytes } = engine.settings.delivery;
  const share = Math.max(engine.state.bounded / queueEvents, engine.state.boundedBytes / queueBytes);
  if (share < 0.5) engine.warnedFilling = engine.warnedFull = false;
  if (share < 0.8 || engine.warnedFilling) return;
  engine.warnedFilling = true;
  warn(engine, {
    kind: "queue_filling",
    message: `queue is at 80 %: ${engine.state.bounded} of ${queueEvents} events, ${engine.state.boundedBytes} of ${queueBytes} bytes`,
  });
}

function noteFull(engine: Engine): void {
  if (engine.warnedFull) return;
  engine.warnedFull = true;
  warn(engine, {
    kind: "queue_full",
    message: `queue is full: events are dropped and counted; the log will say how many`,
  });
}

/** Resolves when an event would find room, first come first served; at once when it does already. */
export function room(engine: Engine): Promise<void> {
  if (engine.closing || (engine.rooms.length === 0 && hasRoom(engine.state, 0))) return Promise.resolve();
  return new Promise((resolve) => engine.rooms.push(resolve));
}

/** Logs what was dropped as an event of its own, once there is room again or it has waited long enough. */
export function reportDrops(engine: Engine, atOnce: boolean): void {
  const { drops } = engine.state;
  const oldest = drops.unreported.values().next().value;
  if (oldest === undefined) return;
  const calm = engine.state.bounded * 2 <= engine.settings.delivery.queueEvents;
  if (!atOnce && !calm && engine.settings.runtime.now() - oldest.since < dropReportMs) return;
  for (
    let account = takeUnreported(drops);
    account !== undefined;
    account = takeUnreported(drops)
  ) {
    const { count, reasons, tenantId } = account;
    const [since, until] = [account.since, account.until].map((ms) => new Date(ms).toISOString());
    const message = `${count} ${count === 1 ? "event was" : "events were"} given up: the log lacks ${count === 1 ? "it" : "them"}`;
    const context = { dropped_count: count, reasons, since, until };
    accept(
      engine,
      {
        event_type: "audit.sdk.dropped",
        result: "warning",
        message,
        tenant_id: tenantId,
        context,
      },
      {},
      { awaited: false, reserved: true },
    );
  }
}

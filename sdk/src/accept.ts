import { recordDrop } from "./delivery/drops.ts";
import type { Entry } from "./delivery/state.ts";
import { bounded, enqueue, hasRoom } from "./delivery/queue.ts";
import { type Engine, metricsDue, pumpSoon, warn } from "./engine.ts";
import type { DropReason, EventContext, EventInput } from "./event.ts";
import type { MadeEvent } from "./make-event.ts";

/** Where an event went: into memory (`entry`), nowhere (`dropped`), or, with neither, only to disk. */
export type Accepted = { readonly made?: MadeEvent; readonly entry?: Entry; readonly dropped?: DropReason; readonly cause?: unknown };

/** Who waits, and how. `reserved`: room is found even when there is none. */
export type Manner = Pick<Entry, "done" | "bulk" | "prefer"> & { readonly reserved?: boolean };

/** Takes one event: from here on it is counted, and its id, time and bytes are fixed. Never throws. */
export function accept(engine: Engine, input: EventInput, context: EventContext, { reserved, ...manner }: Manner): Accepted {
  const { spool } = engine;
  engine.counts.logged++;
  metricsDue(engine);
  if (engine.closing && !reserved) return drop(engine, context.tenant_id, { dropped: "closed" });
  let made: MadeEvent;
  try {
    made = engine.make(input, context);
  } catch (cause) {
    return drop(engine, context.tenant_id, { dropped: "invalid", cause });
  }
  const kept = spool?.append(made.json);
  const record = typeof kept === "object" ? kept : undefined;
  const spills = record && engine.whenFull === "spill" && !reserved;
  // Once something waits on disk, what comes later waits behind it, unless somebody waits for that.
  const isBehind = spills && !manner.done && spool?.unread();
  if (!isBehind && (reserved || hasRoom(engine, made.bytes))) {
    const entry = { ...made, ...manner, handle: ++engine.lastHandle, loggedAt: engine.runtime.monotonic(), record };
    enqueue(engine, entry);
    warnWhenFilling(engine);
    if (manner.done || engine.queue.length >= engine.batchSize || !engine.timer) pumpSoon(engine);
    return { made, entry };
  }
  if (spills) {
    spool?.leave(record);
    pumpSoon(engine);
    return { made };
  }
  if (record) spool?.acknowledge([record]);
  warnWhenFilling(engine, 1);
  return drop(engine, made.tenantId, { made, dropped: kept === "full" ? "spool_full" : "queue_full" });
}

function drop(engine: Engine, tenantId: string | undefined, accepted: Accepted & { readonly dropped: DropReason }): Accepted {
  recordDrop(engine, tenantId, accepted.dropped);
  pumpSoon(engine);
  return accepted;
}

/** Warns once at four fifths and once when full, and again only after the queue was half empty. */
function warnWhenFilling(engine: Engine, level = 0.8): void {
  const share = Math.max(bounded(engine) / engine.queueSize, engine.boundedBytes / engine.queueBytes);
  if (share < 0.5) engine.warnedAt = 0;
  if (share < 0.8 || level <= engine.warnedAt) return;
  engine.warnedAt = level;
  warn(engine, level < 1 ? "queue_filling" : "queue_full", `queue is at ${Math.round(share * 100)} %`);
}

/** More than an event may have: the server refuses a leaf over 65,535 bytes. */
const eventBytesMax = 2 ** 16;

/** Resolves when any event would find room, first come first served; undefined when it does now: whoever waits a moment longer may find it taken. */
export function room(engine: Engine): Promise<void> | undefined {
  return engine.closing || hasRoom(engine, eventBytesMax) ? undefined : new Promise((resolve) => engine.rooms.push(resolve));
}

/** Longest time a drop stays unreported while the queue is full. */
const dropReportMs = 10_000;

/** Logs what was dropped as an event of its own, once there is room again or it has waited long enough. */
export function reportDrops(engine: Engine): void {
  const [oldest] = engine.unreported.values();
  const isCalm = bounded(engine) * 2 <= engine.queueSize;
  if (!oldest || engine.ended || !(engine.closing || isCalm || engine.runtime.now() - oldest.since >= dropReportMs)) return;
  for (const [tenantId, { count, reasons, since }] of engine.unreported) {
    engine.unreported.delete(tenantId);
    const context = { dropped_count: count, reasons, since: new Date(since) };
    const message = `${count} events dropped`;
    // Without the defaults, which may be what could not be written.
    const known = { tenant_id: tenantId, source: engine.defaults.source };
    const report = accept(engine, { event_type: "audit.sdk.dropped", result: "warning", message, context }, known, { reserved: true });
    // A report that cannot be written is counted and not reported: else its loss would be reported in the same way, without end.
    if (report.dropped) engine.unreported.delete(tenantId);
  }
}

import { accept, room } from "./accept.ts";
import { release } from "./delivery/queue.ts";
import type { DoorName } from "./delivery/door.ts";
import type { Entry } from "./delivery/state.ts";
import type { Engine } from "./engine.ts";
import type { EventContext, EventInput, EventStatus, LoggedEvent } from "./event.ts";
import { loggedEvent } from "./log-event.ts";

/** What became of many events; `results` is in the order of the events. */
export type BulkResult = {
  /** Stored now. */
  readonly createdCount: number;
  /** Stored before, with the same content. */
  readonly duplicateCount: number;
  /** Refused by the server, conflicts included. */
  readonly rejectedCount: number;
  /** Not decided in time: still queued. */
  readonly queuedCount: number;
  /** Given up. */
  readonly droppedCount: number;
  /** The door that decided; `mixed` when both did, `none` when nobody. */
  readonly method: DoorName | "mixed" | "none";
  /** Each event's fate, with its place in the list. */
  readonly results: readonly (LoggedEvent & { readonly index: number })[];
  /** How long the call took, in whole milliseconds. */
  readonly durationMs: number;
};

export type BulkOptions = {
  /** False: the bulk API even for many events; true: the Edge Function even for few. */
  readonly useEdgeFunction?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
};

/** Events made in one go before the event loop has its turn. */
const sliceEvents = 1000;

/**
 * Logs many events and says what became of each. More than `edgeAbove` go to the Edge Function in batches of 1000, fewer to the bulk API; when a door
 * fails, the other one takes over. Resolves when all are decided or after `timeoutMs`; what is open then goes on as queued events do.
 */
export async function logMany(engine: Engine, events: readonly EventInput[], context: EventContext, options: BulkOptions = {}): Promise<BulkResult> {
  const { runtime } = engine;
  const { timeoutMs = engine.logTimeoutMs, useEdgeFunction = events.length > engine.edgeAbove } = options;
  const startedAt = runtime.monotonic();
  const prefer = useEdgeFunction ? "edge" : "api";
  const fates: LoggedEvent[] = [];
  const doors = new Set<DoorName>();
  const held = new Set<Entry>();
  let wake = () => {};
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = runtime.setTimer(resolve, ms, true);
      wake = () => (runtime.clearTimer(timer), resolve());
    });
  const log = (event: EventInput, index: number) => {
    const { made, entry, dropped } = accept(engine, event, context, {
      bulk: true,
      prefer,
      done: (verdict, door) => {
        if (made && verdict) fates[index] = loggedEvent(made, verdict);
        if (door) doors.add(door);
        if (entry && held.delete(entry) && held.size === 0) wake();
      },
    });
    if (entry) held.add(entry);
    fates[index] = {
      id: made?.id ?? "",
      occurredAt: made?.occurredAt ?? "",
      status: dropped ? "dropped" : "queued",
      ...dropped && { error: { code: dropped, message: "not sent" } },
    };
  };
  if (!engine.options.enabled) events.forEach(() => fates.push({ id: "", occurredAt: "", status: "disabled" }));
  else for (let wait; engine.whenFull === "block" && (wait = room(engine));) await wait;
  for (let start = fates.length; start < events.length; start += sliceEvents) {
    if (start > 0) await sleep(0);
    events.slice(start, start + sliceEvents).forEach((event, offset) => log(event, start + offset));
  }
  if (held.size > 0) await sleep(Math.max(0, timeoutMs - runtime.monotonic() + startedAt));
  for (const entry of held) release(engine, entry);
  return summaryOf(fates, doors, Math.round(runtime.monotonic() - startedAt));
}

function summaryOf(fates: readonly LoggedEvent[], doors: ReadonlySet<DoorName>, durationMs: number): BulkResult {
  const count = (...statuses: EventStatus[]) => fates.filter(({ status }) => statuses.includes(status)).length;
  const [door = "none"] = doors;
  return {
    createdCount: count("created"),
    duplicateCount: count("duplicate"),
    rejectedCount: count("rejected", "conflict"),
    queuedCount: count("queued"),
    droppedCount: count("dropped"),
    method: doors.size > 1 ? "mixed" : door,
    results: fates.map((fate, index) => ({ index, ...fate })),
    durationMs,
  };
}

import { accept, type Accepted } from "./accept.ts";
import type { DoorName } from "./delivery/door.ts";
import { offerBatches, releaseBulk } from "./delivery/intake.ts";
import { recordDrop } from "./delivery/drop-ledger.ts";
import type { Entry } from "./delivery/state.ts";
import { type Engine, metricsDue, pumpSoon } from "./engine.ts";
import type { EventContext, EventInput, LoggedEvent } from "./event.ts";
import { loggedEvent } from "./log-event.ts";
import type { SpoolRecord } from "./spool-session.ts";

/** What became of many events; `results` is in the order of the events. */
export type BulkResult = {
  readonly createdCount: number;
  readonly duplicateCount: number;
  /** Refused by the server, conflicts included. */
  readonly rejectedCount: number;
  /** Not decided in time: still queued. */
  readonly queuedCount: number;
  /** Given up. */
  readonly droppedCount: number;
  /** The door that decided; `mixed` when both did, `none` when nobody. */
  readonly method: DoorName | "mixed" | "none";
  readonly results: readonly (LoggedEvent & { readonly index: number })[];
  readonly durationMs: number;
};

export type BulkOptions = {
  /** False: the bulk API even for many events. */
  readonly useEdgeFunction?: boolean | undefined;
  readonly timeoutMs: number;
};

/** Events made in one go before the event loop has its turn. */
const sliceEvents = 1000;
const apiEvents = 500;

/**
 * Logs many events and says what became of each. More than `edgeAbove` go to the Edge Function in batches of 1000, fewer to the bulk API; when a door
 * fails, the other one takes over. Resolves when all are decided or after `timeoutMs`; what is open then goes on as queued events do.
 */
export async function logMany(engine: Engine, events: readonly EventInput[], context: EventContext, options: BulkOptions): Promise<BulkResult> {
  const { runtime, delivery } = engine.settings;
  const startedAt = runtime.monotonic();
  const fates: LoggedEvent[] = [];
  const doors = new Set<DoorName>();
  const held = new Set<Entry>();
  const edge = options.useEdgeFunction ?? events.length > delivery.edgeAbove;
  let open = 0;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => finish = resolve);
  for (
    let start = 0;
    start < events.length && !engine.closing;
    start += sliceEvents
  ) {
    if (start > 0) {
      await new Promise<void>((resolve) => runtime.setTimer(resolve, 0, true));
    }
    const entries: Entry[] = [];
    events.slice(start, start + sliceEvents).forEach((event, offset) => {
      const accepted = accept(engine, event, context, {
        awaited: true,
        bulk: true,
      });
      fates[start + offset] = fateOf(accepted);
      if (accepted.fate !== "queued") return;
      const { entry, made } = accepted;
      open++;
      held.add(entry);
      entries.push(entry);
      engine.waiters.set(entry.handle, (verdict, door) => {
        if (verdict !== "left_on_disk") {
          fates[start + offset] = loggedEvent(made, verdict);
        }
        if (door !== undefined) doors.add(door);
        held.delete(entry);
        if (--open === 0) finish();
      });
    });
    offerBatches(engine.state, entries, edge ? delivery.doors.includes("edge") ? sliceEvents : apiEvents : apiEvents, edge ? "edge" : "api");
    pumpSoon(engine);
  }
  metricsDue(engine);
  if (open > 0) {
    await within(engine, finished, options.timeoutMs - (runtime.monotonic() - startedAt));
  }
  if (held.size > 0) letGo(engine, held, fates);
  return summary(events, fates, doors, Math.round(runtime.monotonic() - startedAt));
}

function fateOf(accepted: Accepted): LoggedEvent {
  const { made } = accepted;
  const status = accepted.fate === "dropped" ? "dropped" : "queued";
  return {
    id: made?.id ?? "",
    occurredAt: made?.occurredAt ?? "",
    status,
    ...(accepted.fate === "dropped" ? { error: { code: accepted.reason, message: "not sent" } } : {}),
  };
}

function within(engine: Engine, done: Promise<void>, ms: number): Promise<void> {
  const { runtime } = engine.settings;
  return new Promise((resolve) => {
    const timer = runtime.setTimer(resolve, Math.max(0, ms), true);
    void done.then(() => (runtime.clearTimer(timer), resolve()));
  });
}

/** Nobody waits any more: what finds no room in the queue stays on disk if it is there, and is dropped and counted otherwise. */
function letGo(engine: Engine, held: ReadonlySet<Entry>, fates: LoggedEvent[]): void {
  for (const entry of held) engine.waiters.delete(entry.handle);
  for (const entry of releaseBulk(engine.state, held)) {
    if (entry.record !== undefined) {
      engine.spool?.leave(entry.record as SpoolRecord);
      continue;
    }
    recordDrop(engine.state.drops, entry.tenantId, "queue_full", engine.settings.runtime.now());
    const index = fates.findIndex((fate) => fate.id === entry.id);
    fates[index] = {
      id: entry.id,
      occurredAt: entry.occurredAt,
      status: "dropped",
      error: {
        code: "queue_full",
        message: "no answer in time, and no room to wait for one",
      },
    };
  }
  pumpSoon(engine);
}

function summary(events: readonly EventInput[], fates: readonly LoggedEvent[], doors: ReadonlySet<DoorName>, durationMs: number): BulkResult {
  const results = events.map((_, index) => ({
    index,
    ...(fates[index] ??
      {
        id: "",
        occurredAt: "",
        status: "dropped" as const,
        error: { code: "closed", message: "not sent" },
      }),
  }));
  const count = (...statuses: string[]) => results.filter(({ status }) => statuses.includes(status)).length;
  const [only] = doors;
  return {
    createdCount: count("created"),
    duplicateCount: count("duplicate"),
    rejectedCount: count("rejected", "conflict"),
    queuedCount: count("queued"),
    droppedCount: count("dropped"),
    method: doors.size > 1 ? "mixed" : only ?? "none",
    results,
    durationMs,
  };
}

import { accept, room } from "./accept.ts";
import { changeOf } from "./change.ts";
import { recordDrop } from "./delivery/drops.ts";
import { createEngine, type Engine, pumpSoon, tell, warn } from "./engine.ts";
import { closeOnExit as hookExit } from "./exit-environment.ts";
import type { EventContext, EventFields, EventInput, LoggedEvent } from "./event.ts";
import { close, type CloseResult, flush, type FlushResult } from "./finish.ts";
import { logEvent } from "./log-event.ts";
import type { BulkResult } from "./log-many.ts";
import { layered } from "./make-event.ts";
import { auditOperation, type OperationDraft } from "./operation.ts";
import type { AuditClientOptions } from "./options.ts";
import { flushWhenHidden } from "./page.ts";
import { pump } from "./pump.ts";
import { type AuditStats, auditStats } from "./stats.ts";

/** What one call may say besides its event. */
export type LogOptions = {
  /** How long to wait for the server; `logTimeoutMs` of the client. */
  readonly timeoutMs?: number;
};

/** What one bulk call may say besides its events. */
export type HighVolumeOptions = LogOptions & {
  /** False: the bulk API even for many events; true: the Edge Function even for few. */
  readonly useEdgeFunction?: boolean;
};

/** The event of something made, changed or removed; its type is `create`, `update` or `delete` unless it says another. */
export type ObjectEvent = EventFields & {
  /** Default: `create`, `update` or `delete`, by the method. */
  readonly event_type?: string | undefined;
  /** Older name of `event_type`. */
  readonly operation_type?: string | undefined;
};

/** Logs events of an application. `withContext` makes another view of the same queue. */
export type AuditClient = {
  /**
   * Resolves when the event is committed in the database. Rejects with AuditRejectedError when the server will not store it or refuses the credential,
   * AuditDroppedError when the client gave it up, AuditPendingError when there is no verdict within `timeoutMs`: then it is still on its way.
   */
  readonly logEvent: (event: EventInput, options?: LogOptions) => Promise<LoggedEvent>;
  /** Returns at once: true when the event is queued, false when it was dropped, which is counted. Never throws. */
  readonly logEventFireAndForget: (event: EventInput) => boolean;
  /** `logEvent` of something made: `after`, what was made, goes into `context`. */
  readonly logCreation: (event: ObjectEvent & { readonly after?: object }, options?: LogOptions) => Promise<LoggedEvent>;
  /** `logEvent` of a change: of `before` and `after`, two versions of the object, what differs goes into `context`. Large ones leave only the names. */
  readonly logUpdate: (event: ObjectEvent & { readonly before?: object; readonly after?: object }, options?: LogOptions) => Promise<LoggedEvent>;
  /** `logEvent` of something removed: `before`, what was removed, goes into `context`. */
  readonly logDeletion: (event: ObjectEvent & { readonly before?: object }, options?: LogOptions) => Promise<LoggedEvent>;
  /** Logs many events through the door that suits their number; says what became of each. Rejects only where its module cannot be loaded, and has taken none then. */
  readonly logHighVolumeEvents: (events: readonly EventInput[], options?: HighVolumeOptions) => Promise<BulkResult>;
  /** Runs `operation` and logs how it ended and how long it took. Passes on what it returns or throws, and nothing else. */
  readonly auditOperation: <T>(info: EventInput, operation: (event: OperationDraft) => T | Promise<T>) => Promise<T>;
  /** The same client with fields that stand in every event that does not set them itself. */
  readonly withContext: (context: EventContext) => AuditClient;
  /** Resolves when the queue has room: for callers of `logEventFireAndForget` who would rather wait than lose. */
  readonly ready: () => Promise<void>;
  /** Sends what is queued now; resolves when everything logged before is decided, or after `timeoutMs` (30 s). */
  readonly flush: (options?: { readonly timeoutMs?: number }) => Promise<FlushResult>;
  /** Takes no more events, sends what it can within `timeoutMs` (10 s) and accounts for the rest. */
  readonly close: (options?: { readonly timeoutMs?: number }) => Promise<CloseResult>;
  /** What became of everything logged until now; a copy that does not change. */
  readonly stats: () => AuditStats;
  /** `close` with its default, for `await using`. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** A client from options, environment and defaults, in this order. Throws AuditConfigurationError that names every fault. */
export function createAuditClient(options: AuditClientOptions = {}): AuditClient {
  const engine = createEngine(options);
  const { keepalive, closeOnExit, verifyReceipts, enabled } = engine.options;
  engine.pump = () => pump(engine);
  let closed: Promise<CloseResult> | undefined;
  let unhook = () => {};
  const closeOnce = (timeoutMs = 10_000) => closed ??= close(engine, timeoutMs).finally(() => unhook());
  if (enabled) {
    openSpool(engine);
    if (keepalive !== false) flushWhenHidden(engine);
    if (closeOnExit) unhook = hookExit(closeOnce, Object(closeOnExit));
    // A module of its own: who does not verify does not load it.
    if (verifyReceipts) engine.checkReceipts = import("./receipt-check.ts").then(({ checkReceipts }) => checkReceipts);
  }
  return view(engine, engine.defaults, closeOnce);
}

function openSpool(engine: Engine): void {
  engine.spool = engine.options.spool?.open({
    runtime: engine.runtime,
    onRecovered: (count) => {
      engine.counts.recovered += count;
      pumpSoon(engine);
    },
    onLost: (count) => recordDrop(engine, engine.defaults.tenant_id, "spool_corrupt", count),
    onWarning: (message, cause) => warn(engine, "spool", message, cause),
  });
}

/** The client as an application sees it, with fields that stand in every event. */
function view(engine: Engine, context: EventContext, closeOnce: (timeoutMs?: number) => Promise<CloseResult>): AuditClient {
  const { options, logTimeoutMs } = engine;
  const log = (event: EventInput, { timeoutMs = logTimeoutMs }: LogOptions = {}) => logEvent(engine, event, context, timeoutMs);
  const logAbout = (type: string) => async (event: ObjectEvent, options?: LogOptions) => log(objectEvent(type, event), options);
  const queue = (event: EventInput) => {
    const isQueued = !!options.enabled && !accept(engine, event, context, {}).dropped;
    if (isQueued) keepAwake(engine);
    return isQueued;
  };
  return {
    logEvent: log,
    logEventFireAndForget: queue,
    logCreation: logAbout("create"),
    logUpdate: logAbout("update"),
    logDeletion: logAbout("delete"),
    logHighVolumeEvents: async (events, bulk) => {
      // The list as it is now: who hands over a buffer may empty it while this waits.
      const taken = [...events];
      const { logMany } = await import("./log-many.ts");
      return await logMany(engine, taken, context, bulk);
    },
    auditOperation: (info, operation) => auditOperation(info, operation, options.async ? queue : log, engine.runtime.monotonic),
    withContext: (more) => view(engine, layered(context, more), closeOnce),
    ready: async () => room(engine),
    flush: ({ timeoutMs = 30_000 } = {}) => flush(engine, timeoutMs),
    close: ({ timeoutMs } = {}) => closeOnce(timeoutMs),
    stats: () => auditStats(engine),
    [Symbol.asyncDispose]: async () => void await closeOnce(),
  };
}

/** An event about an object, with what is known of the object in its context. */
function objectEvent(type: string, { before, after, ...event }: ObjectEvent & { readonly before?: object; readonly after?: object }): EventInput {
  const about = before && after ? changeOf(before, after) : (before ?? after) && { before, after };
  const context = about && { context: { ...event.extra_info, ...event.context, ...about }, extra_info: undefined };
  return { ...event, event_type: event.event_type ?? event.operation_type ?? type, ...context };
}

/** On an edge worker, timers may not fire after the answer: one promise a burst keeps the worker until all is sent. */
function keepAwake(engine: Engine): void {
  if (!engine.options.waitUntil || engine.isAwake) return;
  engine.isAwake = true;
  queueMicrotask(() => {
    engine.isAwake = false;
    tell(engine, "waitUntil", flush(engine, engine.logTimeoutMs));
  });
}

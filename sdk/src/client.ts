import { accept, room } from "./accept.ts";
import { changeOf } from "./change.ts";
import { type AuditClientOptions, readOptions } from "./client-options.ts";
import { disabledClient } from "./disabled.ts";
import { type Engine, engineOf, pumpSoon, statsOf, warn } from "./engine.ts";
import { closeOnExit } from "./environment.ts";
import type { EventContext, EventFields, EventInput, LoggedEvent } from "./event.ts";
import { close, type CloseResult, flush, type FlushResult } from "./finish.ts";
import { logEvent } from "./log-event.ts";
import { type BulkResult, logMany } from "./log-many.ts";
import { type OperationDraft, operationEvent } from "./operation.ts";
import { flushWhenHidden } from "./page.ts";
import { pump, recordSpoolLoss } from "./pump.ts";
import { fromRequest, type RequestLike } from "./request-context.ts";
import type { AuditStats } from "./stats.ts";

/** What one call may say besides its event. */
export type LogOptions = {
  /** IP address, user agent, request id and device fingerprint are taken from it, as by `fromRequest`. */
  readonly request?: RequestLike;
  /** How long to wait for the server; `logTimeoutMs` of the client. */
  readonly timeoutMs?: number;
};

/** What one bulk call may say besides its events. */
export type HighVolumeOptions = LogOptions & {
  /** False: the bulk API even for many events; true: the Edge Function even for few. */
  readonly useEdgeFunction?: boolean;
};

/** The event of something made, changed or removed; its type is `create`, `update` or `delete` unless it says another. */
export type ObjectEvent = EventFields & { readonly event_type?: string };

/** Logs events of an application. `withContext` makes another view of the same queue. */
export type AuditClient = {
  /** Resolves when the event is stored. Rejects with an error of its own kind when it is rejected, refused, dropped, or not answered in time. */
  readonly logEvent: (event: EventInput, options?: LogOptions) => Promise<LoggedEvent>;
  /** Returns at once: true when the event is queued, false when it was dropped, which is counted. Never throws. */
  readonly logEventFireAndForget: (event: EventInput, options?: LogOptions) => boolean;
  /** `after` is what was made. */
  readonly logCreation: (event: ObjectEvent & { readonly after?: object }, options?: LogOptions) => Promise<LoggedEvent>;
  /** `before` and `after` are two versions of the object: what differs goes into `context`. */
  readonly logUpdate: (event: ObjectEvent & { readonly before?: object; readonly after?: object }, options?: LogOptions) => Promise<LoggedEvent>;
  /** `before` is what was removed. */
  readonly logDeletion: (event: ObjectEvent & { readonly before?: object }, options?: LogOptions) => Promise<LoggedEvent>;
  /** Logs many events through the door that suits their number; says what became of each. Does not reject. */
  readonly logHighVolumeEvents: (events: readonly EventInput[], options?: HighVolumeOptions) => Promise<BulkResult>;
  /** Runs `operation` and logs how it ended and how long it took. Passes on what it returns or throws, and nothing else. */
  readonly auditOperation: <T>(info: EventInput, operation: (event: OperationDraft) => T | Promise<T>, options?: LogOptions) => Promise<T>;
  /** The same client with fields that stand in every event that does not set them itself. */
  readonly withContext: (context: EventContext) => AuditClient;
  /** Resolves when the queue has room: for callers of `logEventFireAndForget` who would rather wait than lose. */
  readonly ready: () => Promise<void>;
  /** Sends what is queued now; resolves when everything logged before is decided, or after `timeoutMs` (30 s). */
  readonly flush: (options?: { readonly timeoutMs?: number }) => Promise<FlushResult>;
  /** Takes no more events, sends what it can within `timeoutMs` (10 s) and accounts for the rest. */
  readonly close: (options?: { readonly timeoutMs?: number }) => Promise<CloseResult>;
  readonly stats: () => AuditStats;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** A client from options, environment and defaults, in this order. Throws AuditConfigurationError that names every fault. */
export function createAuditClient(options: AuditClientOptions = {}): AuditClient {
  const settings = readOptions(options);
  if (!settings.enabled) return disabledClient(settings);
  const engine = engineOf(settings, options);
  engine.pump = () => pump(engine);
  openSpool(engine, options);
  if (options.verifyReceipts === true) {
    // A module of its own: who does not verify does not load it.
    engine.checkReceipts = import("./receipt-check.ts").then(({ checkReceipts }) => checkReceipts);
  }
  let closed: Promise<CloseResult> | undefined;
  const closeOnce = (timeoutMs = 10_000) => closed ??= close(engine, timeoutMs).finally(() => unhook.forEach((off) => off()));
  const unhook = [options.keepalive === false ? () => {} : flushWhenHidden(engine)];
  if (options.closeOnExit) {
    unhook.push(closeOnExit(closeOnce, options.closeOnExit === true ? {} : options.closeOnExit));
  }
  return view(engine, {}, closeOnce);
}

function openSpool(engine: Engine, options: AuditClientOptions): void {
  if (options.spool === undefined) return;
  engine.spool = options.spool.open({
    runtime: engine.settings.runtime,
    onRecovered: (count) => {
      engine.state.counts.recovered += count;
      pumpSoon(engine);
    },
    onLost: (count) => recordSpoolLoss(engine, count),
    onWake: () => pumpSoon(engine),
    onWarning: (message, cause) => warn(engine, { kind: "spool", message, cause }),
  });
}

function view(engine: Engine, context: EventContext, closeOnce: (timeoutMs?: number) => Promise<CloseResult>): AuditClient {
  const contextOf = (options: LogOptions) => options.request === undefined ? context : merge(context, fromRequest(options.request));
  const timeout = (options: LogOptions) => options.timeoutMs ?? engine.settings.logTimeoutMs;
  const log = (event: EventInput, options: LogOptions = {}) => logEvent(engine, event, contextOf(options), timeout(options));
  const queue = (event: EventInput, options: LogOptions = {}) => {
    const queued = accept(engine, event, contextOf(options), { awaited: false }).fate !== "dropped";
    keepAwake(engine);
    return queued;
  };
  return {
    logEvent: log,
    logEventFireAndForget: queue,
    logCreation: ({ after, ...event }, options) =>
      log(
        objectEvent(event, "create", after === undefined ? undefined : { after }),
        options,
      ),
    logUpdate: ({ before, after, ...event }, options) =>
      log(
        objectEvent(event, "update", before === undefined || after === undefined ? { before, after } : changeOf(before, after)),
        options,
      ),
    logDeletion: ({ before, ...event }, options) =>
      log(
        objectEvent(event, "delete", before === undefined ? undefined : { before }),
        options,
      ),
    logHighVolumeEvents: (events, options = {}) =>
      logMany(engine, events, contextOf(options), {
        useEdgeFunction: options.useEdgeFunction,
        timeoutMs: timeout(options),
      }),
    auditOperation: (info, operation, options = {}) =>
      auditOperation(
        engine,
        info,
        operation,
        (event) => engine.settings.async ? queue(event, options) : log(event, options),
      ),
    withContext: (more) => view(engine, merge(context, more), closeOnce),
    ready: () => room(engine),
    flush: ({ timeoutMs = 30_000 } = {}) => flush(engine, timeoutMs),
    close: ({ timeoutMs } = {}) => closeOnce(timeoutMs),
    stats: () => statsOf(engine),
    [Symbol.asyncDispose]: async () => void await closeOnce(),
  };
}

/** Auditing never makes an operation fail: what goes wrong with the event is counted, and told by `onRejected` and `onWarning`. */
async function auditOperation<T>(
  engine: Engine,
  info: EventInput,
  operation: (event: OperationDraft) => T | Promise<T>,
  log: (event: EventInput) => unknown,
): Promise<T> {
  const { runtime } = engine.settings;
  const startedAt = runtime.monotonic();
  const draft: OperationDraft = { ...info };
  const tell = async (failure?: { readonly error: unknown }) => {
    try {
      await log(operationEvent(info, draft, runtime.monotonic() - startedAt, failure));
    } catch {
      // Counted already.
    }
  };
  let value: T;
  try {
    value = await operation(draft);
  } catch (error) {
    await tell({ error });
    throw error;
  }
  await tell();
  return value;
}

function objectEvent(event: ObjectEvent, type: string, context: object | undefined): EventInput {
  const named = event.event_type ??
    (event as { readonly operation_type?: string }).operation_type ?? type;
  return {
    ...event,
    event_type: named,
    ...(context === undefined ? {} : { context: { ...(event.context ?? event.extra_info), ...context } }),
    extra_info: undefined,
  };
}

function merge(outer: EventContext, inner: EventContext): EventContext {
  const set = Object.fromEntries(Object.entries(inner).filter(([, value]) => value !== undefined));
  return {
    ...outer,
    ...set,
    ...(outer.context !== undefined && inner.context !== undefined ? { context: { ...outer.context, ...inner.context } } : {}),
  };
}

/** On an edge worker (Supabase's is known by its global), timers may not fire after the answer is sent: one promise a burst keeps the worker until the events are away. */
function keepAwake(engine: Engine): void {
  const edge = (globalThis as {
    readonly EdgeRuntime?: {
      readonly waitUntil?: (promise: Promise<unknown>) => void;
    };
  }).EdgeRuntime;
  const waitUntil = engine.options.waitUntil ?? edge?.waitUntil?.bind(edge);
  if (waitUntil === undefined || engine.waitUntilQueued) return;
  engine.waitUntilQueued = true;
  queueMicrotask(() => {
    engine.waitUntilQueued = false;
    waitUntil(flush(engine, engine.settings.logTimeoutMs));
  });
}

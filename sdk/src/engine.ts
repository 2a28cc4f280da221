import type { AuditClientOptions, AuditWarning, ClientSettings } from "./client-options.ts";
import type { DoorName } from "./delivery/door.ts";
import { type DeliveryState, deliveryState, type Verdict } from "./delivery/state.ts";
import type { EventFault, EventInput } from "./event.ts";
import type { ReceiptCheck } from "./http-door.ts";
import { type EventMaker, eventMaker } from "./make-event.ts";
import type { SpoolSession } from "./spool-session.ts";
import { type AuditStats, auditStats } from "./stats.ts";
import { uuid7Maker } from "./uuid7.ts";

/** Called once with the verdict on an event, or told that the client closed and only the disk still has it. */
export type Waiter = (verdict: Verdict | "left_on_disk", door: DoorName | undefined) => void;

/** The effectful shell around {@link DeliveryState}: what a client and all its `withContext` children share. */
export type Engine = {
  readonly settings: ClientSettings;
  readonly options: AuditClientOptions;
  readonly state: DeliveryState;
  readonly make: EventMaker;
  spool: SpoolSession | undefined;
  /** Who waits for an entry in memory, by handle, and for one that only the disk holds, by the name of its record. */
  readonly waiters: Map<number, Waiter>;
  readonly spilledWaiters: Map<string, Waiter>;
  readonly flushes: Set<{ handle: number; readonly resolve: () => void }>;
  /** Callers who wait for room, first come first served. */
  readonly rooms: (() => void)[];
  nextHandle: number;
  timer: unknown;
  timerAt: number;
  timerKeepsAlive: boolean;
  metricsTimer: unknown;
  /** Does everything that can be done now. */
  pump: () => void;
  pumpQueued: boolean;
  waitUntilQueued: boolean;
  warnedFilling: boolean;
  warnedFull: boolean;
  closing: boolean;
  abandoned: boolean;
  readonly abort: AbortController;
  lastErrorAt: number;
  checkReceipts: Promise<ReceiptCheck> | undefined;
};

export function engineOf(settings: ClientSettings, options: AuditClientOptions): Engine {
  const { runtime } = settings;
  const producerId = options.producerId ??
    uuid7Maker(runtime.randomBytes)(runtime.now());
  return {
    settings,
    options,
    state: deliveryState(settings.delivery),
    make: eventMaker({
      producerId,
      defaults: settings.defaults,
      redact: options.redact ?? [],
    }, runtime),
    spool: undefined,
    waiters: new Map(),
    spilledWaiters: new Map(),
    flushes: new Set(),
    rooms: [],
    nextHandle: 1,
    timer: undefined,
    timerAt: Infinity,
    timerKeepsAlive: false,
    metricsTimer: undefined,
    pump: () => {},
    pumpQueued: false,
    waitUntilQueued: false,
    warnedFilling: false,
    warnedFull: false,
    closing: false,
    abandoned: false,
    abort: new AbortController(),
    lastErrorAt: 0,
    checkReceipts: undefined,
  };
}

/** Pumps when the current task is over: a burst of events is looked at once. */
export function pumpSoon(engine: Engine): void {
  if (engine.pumpQueued || engine.abandoned) return;
  engine.pumpQueued = true;
  queueMicrotask(engine.pump);
}

/** Calls a function of the application: what it throws is its own business, told once as a warning and never passed on. */
function callback(engine: Engine, name: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (name !== "onWarning") {
      warn(engine, {
        kind: "callback",
        message: `${name} threw`,
        cause: error,
      });
    }
  }
}

export function warn(engine: Engine, warning: AuditWarning): void {
  const { onWarning } = engine.options;
  callback(
    engine,
    "onWarning",
    () =>
      onWarning === undefined ? console.warn(`audit-events: ${warning.message}`, ...(warning.cause === undefined ? [] : [warning.cause])) : onWarning(warning),
  );
}

export function tellRejected(engine: Engine, json: string, fault: EventFault): void {
  const { onRejected } = engine.options;
  if (onRejected !== undefined) {
    callback(engine, "onRejected", () => onRejected(JSON.parse(json) as EventInput, fault));
  }
}

export function statsOf(engine: Engine): AuditStats {
  return auditStats(engine.state, engine.spool, engine.lastErrorAt);
}

/** Reports at most every `metricsIntervalMs`, and only after something happened. */
export function metricsDue(engine: Engine): void {
  if (engine.options.onMetrics === undefined || engine.metricsTimer !== undefined || engine.abandoned) return;
  engine.metricsTimer = engine.settings.runtime.setTimer(() => tellMetrics(engine), engine.settings.metricsIntervalMs, false);
}

export function tellMetrics(engine: Engine): void {
  if (engine.metricsTimer !== undefined) {
    engine.settings.runtime.clearTimer(engine.metricsTimer);
  }
  engine.metricsTimer = undefined;
  const { onMetrics } = engine.options;
  if (onMetrics !== undefined) {
    callback(engine, "onMetrics", () => onMetrics(statsOf(engine)));
  }
}

import { type DeliveryState, deliveryState } from "./delivery/state.ts";
import type { EventContext } from "./event.ts";
import type { ReceiptCheck } from "./http-door.ts";
import { type EventMaker, eventMaker } from "./make-event.ts";
import { type AuditClientOptions, type AuditWarning, readOptions, type Settings } from "./options.ts";
import { platformRuntime, type Runtime } from "./runtime.ts";
import type { SpoolSession } from "./spool-session.ts";
import { auditStats } from "./stats.ts";

/** The effectful shell around {@link DeliveryState}: what a client and all its `withContext` children share. */
export type Engine = DeliveryState & Settings & {
  readonly runtime: Runtime;
  readonly make: EventMaker;
  readonly defaults: EventContext;
  spool?: SpoolSession | undefined;
  checkReceipts?: Promise<ReceiptCheck>;
  lastHandle: number;
  /** Who waits for everything up to a handle to be decided, and who waits for room, first come first served. */
  readonly flushes: Set<{ handle: number; readonly resolve: (isComplete: boolean) => void }>;
  readonly rooms: (() => void)[];
  /** Does everything that can be done now. */
  pump: () => void;
  pumpQueued?: boolean;
  /** An edge worker is asked to stay until what was just logged is sent. */
  isAwake?: boolean;
  timer?: unknown;
  metricsTimer?: unknown;
  /** How full the queue was the last time somebody was warned: 0, 0.8 or 1. */
  warnedAt: number;
  /** No more events are taken; then, nothing is done any more. */
  closing?: boolean;
  ended?: boolean;
  readonly requests: Set<AbortController>;
};

/** An engine at rest. Throws AuditConfigurationError. */
export function createEngine(given: AuditClientOptions): Engine {
  const settings = readOptions(given);
  const { options } = settings;
  const runtime = { ...platformRuntime, ...options.runtime };
  const defaults = { tenant_id: options.tenantId, source: options.source, ...options.defaults };
  return {
    ...deliveryState(settings),
    runtime,
    make: eventMaker(options, runtime),
    defaults,
    lastHandle: 0,
    flushes: new Set(),
    rooms: [],
    pump: () => {},
    warnedAt: 0,
    requests: new Set(),
  };
}

/** Pumps when the current task is over: a burst of events is looked at once. */
export function pumpSoon(engine: Engine): void {
  if (engine.pumpQueued) return;
  engine.pumpQueued = true;
  queueMicrotask(engine.pump);
}

/** Calls a function of the application: what it throws, at once or as a promise, is its own business, and at most warned of. Never rejects. */
export async function tell<Name extends "onRejected" | "onWarning" | "onMetrics" | "waitUntil">(
  engine: Engine,
  name: Name,
  ...args: Parameters<NonNullable<AuditClientOptions[Name]>>
): Promise<void> {
  try {
    await (engine.options[name] as ((...args: unknown[]) => unknown) | undefined)?.(...args);
  } catch (cause) {
    if (name !== "onWarning") warn(engine, "callback", `${name} threw`, cause);
  }
}

export function warn(engine: Engine, kind: AuditWarning["kind"], message: string, cause?: unknown): void {
  tell(engine, "onWarning", { kind, message, cause });
}

/** Reports once in `metricsIntervalMs`, and only after something happened. */
export function metricsDue(engine: Engine): void {
  if (engine.options.onMetrics) engine.metricsTimer ??= engine.runtime.setTimer(() => tellMetrics(engine), engine.metricsIntervalMs, false);
}

export function tellMetrics(engine: Engine): void {
  engine.runtime.clearTimer(engine.metricsTimer);
  engine.metricsTimer = undefined;
  tell(engine, "onMetrics", auditStats(engine));
}

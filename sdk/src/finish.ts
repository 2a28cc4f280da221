import { reportDrops } from "./accept.ts";
import { doorWorked } from "./delivery/door.ts";
import { recordDrop } from "./delivery/drops.ts";
import { forget } from "./delivery/queue.ts";
import { type Engine, tellMetrics } from "./engine.ts";
import { pump } from "./pump.ts";
import type { SpoolRecord } from "./spool-session.ts";
import { type AuditStats, auditStats } from "./stats.ts";

/** How a flush ended. */
export type FlushResult = {
  /** Everything logged before the call is decided. */
  readonly complete: boolean;
  /** What is still open. */
  readonly queued: number;
};

/** How closing ended. */
export type CloseResult = {
  /** Nothing was left: neither dropped now (`stats.dropped.closed`; some of it may have arrived) nor on disk for the next client (`stats.spooled`). */
  readonly complete: boolean;
  /** The last account. */
  readonly stats: AuditStats;
};

/** Sends what is queued without waiting for company; resolves when everything logged so far is decided, or after `timeoutMs`. */
export async function flush(engine: Engine, timeoutMs: number): Promise<FlushResult> {
  const { runtime, flushes } = engine;
  reportDrops(engine);
  engine.flushBefore = engine.lastHandle;
  // After the end nothing is sent any more: what is open then stays on disk.
  const complete = engine.ended || await new Promise<boolean>((resolve) => {
    const flush = { handle: engine.lastHandle, resolve: (isComplete: boolean) => (runtime.clearTimer(timer), resolve(isComplete)) };
    const timer = runtime.setTimer(() => resolve(!flushes.delete(flush)), timeoutMs, true);
    flushes.add(flush);
    pump(engine);
  });
  const { queued } = auditStats(engine);
  return { complete: complete && !(engine.ended && queued), queued };
}

/**
 * Takes no more events, sends what it can within `timeoutMs`, and accounts for the rest: with a spool it stays on disk, without one it is dropped
 * and counted. Resolves in time whatever the server does.
 */
export async function close(engine: Engine, timeoutMs: number): Promise<CloseResult> {
  const { runtime, spool } = engine;
  engine.closing = true;
  for (const enter of engine.rooms.splice(0)) enter();
  // Waits that are guesses (backoff, open breakers) are cut short, not those the server asked for.
  for (const batch of engine.waiting) Object.assign(batch, { notBefore: 0, againAt: 0 });
  engine.doors.forEach(doorWorked);
  await flush(engine, timeoutMs);
  engine.ended = true;
  for (const request of engine.requests) request.abort();
  runtime.clearTimer(engine.timer);
  for (const entry of engine.open.values()) {
    forget(engine, entry);
    if (entry.record) spool?.leave(entry.record as SpoolRecord);
    else recordDrop(engine, entry.tenantId, "closed");
    entry.done?.(entry.record ? undefined : { status: "dropped" });
  }
  engine.inFlight.clear();
  for (const waiting of engine.flushes) waiting.resolve(false);
  tellMetrics(engine);
  const stats = auditStats(engine);
  spool?.close();
  return { complete: stats.dropped.closed + stats.spooled === 0, stats };
}

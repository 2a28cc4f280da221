import { reportDrops } from "./accept.ts";
import { abandonAll, hurry } from "./delivery/closing.ts";
import { recordDrop } from "./delivery/drop-ledger.ts";
import { flushAll, settledUpTo } from "./delivery/flushed.ts";
import { type Engine, statsOf, tellMetrics } from "./engine.ts";
import { pump } from "./pump.ts";
import type { SpoolRecord } from "./spool-session.ts";
import type { AuditStats } from "./stats.ts";

export type FlushResult = {
  /** Everything logged before the call is decided. */
  readonly complete: boolean;
  /** What is still open. */
  readonly queued: number;
};

export type CloseResult = {
  /** Nothing was left: neither dropped nor on disk. */
  readonly complete: boolean;
  /** Events the server decided about, over the client's life. */
  readonly sent: number;
  /** Events given up because time ran out; some of them may have arrived. */
  readonly droppedAtClose: number;
  /** Events left on disk for the next client. */
  readonly spooled: number;
  readonly stats: AuditStats;
};

/** Sends what is queued without waiting for company; resolves when everything logged so far is decided, or after `timeoutMs`. */
export async function flush(engine: Engine, timeoutMs: number): Promise<FlushResult> {
  reportDrops(engine, true);
  const handle = flushAll(engine.state, engine.nextHandle - 1);
  const complete = await settledWithin(engine, handle, timeoutMs);
  return { complete, queued: statsOf(engine).queued };
}

function settledWithin(engine: Engine, handle: number, timeoutMs: number): Promise<boolean> {
  const { runtime } = engine.settings;
  if (settledUpTo(engine.state, handle) && (engine.spool?.unread() ?? 0) === 0) return Promise.resolve(true);
  return new Promise((resolve) => {
    const flush = {
      handle,
      resolve: () => (runtime.clearTimer(timer), resolve(true)),
    };
    const timer = runtime.setTimer(() => (engine.flushes.delete(flush), resolve(false)), timeoutMs, true);
    engine.flushes.add(flush);
    pump(engine);
  });
}

/**
 * Takes no more events, sends what it can within `timeoutMs`, and accounts for the rest: with a spool it stays on disk, without one it is dropped
 * and counted. Resolves in time whatever the server does.
 */
export async function close(engine: Engine, timeoutMs: number): Promise<CloseResult> {
  engine.closing = true;
  for (const enter of engine.rooms.splice(0)) enter();
  hurry(engine.state, engine.settings.runtime.monotonic());
  const { complete } = await flush(engine, timeoutMs);
  const left = abandonAll(engine.state);
  engine.abandoned = true;
  engine.abort.abort(new Error("client closed"));
  if (engine.timer !== undefined) {
    engine.settings.runtime.clearTimer(engine.timer);
  }
  const now = engine.settings.runtime.now();
  for (const entry of left) {
    if (entry.record === undefined) {
      recordDrop(engine.state.drops, entry.tenantId, "closed", now);
    } else engine.spool?.leave(entry.record as SpoolRecord);
    engine.waiters.get(entry.handle)?.(entry.record === undefined ? { status: "dropped" } : "left_on_disk", undefined);
  }
  for (const waiter of engine.spilledWaiters.values()) {
    waiter("left_on_disk", undefined);
  }
  tellMetrics(engine);
  const stats = statsOf(engine);
  engine.spool?.close();
  const droppedAtClose = left.filter((entry) => entry.record === undefined).length;
  return {
    complete: complete && left.length === 0,
    sent: stats.sent,
    droppedAtClose,
    spooled: stats.spooled,
    stats,
  };
}

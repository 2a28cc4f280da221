import { reportDrops } from "./accept.ts";
import { dispatch, nextWakeAt } from "./delivery/dispatch.ts";
import { bounded, enqueue, isSettledUpTo } from "./delivery/queue.ts";
import { retryActionFor } from "./delivery/retry-table.ts";
import { answered } from "./delivery/settle.ts";
import type { Batch } from "./delivery/state.ts";
import { type Engine, metricsDue, tell, warn } from "./engine.ts";
import { transmit } from "./http-door.ts";
import { madeFrom } from "./make-event.ts";
import type { SpoolRecord } from "./spool-session.ts";

/** Does everything that can be done now and sets the timer for what comes next. */
export function pump(engine: Engine): void {
  engine.pumpQueued = false;
  if (engine.ended) return;
  const { runtime, rooms, flushes } = engine;
  refill(engine);
  reportDrops(engine);
  // One look at the clock: what falls due while batches are sent would else be a time in the past, of which Node warns on the console.
  const now = runtime.monotonic();
  for (const batch of dispatch(engine, now)) void deliver(engine, batch);
  runtime.clearTimer(engine.timer);
  const wakeInMs = nextWakeAt(engine) - now;
  // When only healing can help, waiting for it should not keep a process alive.
  const keepAlive = engine.doors.some(({ openUntil }) => !openUntil);
  engine.timer = wakeInMs < Infinity ? runtime.setTimer(engine.pump, Math.ceil(wakeInMs), keepAlive) : undefined;
  for (const enter of rooms.splice(0, Math.max(0, engine.queueSize - bounded(engine)))) enter();
  if (engine.spool?.unread()) return;
  for (const flush of flushes) if (isSettledUpTo(engine, flush.handle) && flushes.delete(flush)) flush.resolve(true);
}

/** Sends a batch, tells everybody concerned, and lets the spool forget: only now, when the server has decided. */
async function deliver(engine: Engine, batch: Batch): Promise<void> {
  const { runtime, spool } = engine;
  const answer = await transmit(batch, engine);
  if (engine.ended) return;
  if ("code" in answer && retryActionFor(answer.status) === "refresh") warn(engine, "credential", answer.message);
  const settlements = answered(engine, batch, answer, runtime.monotonic(), runtime.random);
  for (const [entry, verdict] of settlements) {
    if (verdict.error) tell(engine, "onRejected", JSON.parse(entry.json), verdict.error);
    entry.done?.(verdict, batch.door?.name);
  }
  spool?.acknowledge(settlements.flatMap(([{ record }]) => record as SpoolRecord ?? []));
  metricsDue(engine);
  pump(engine);
}

/** Brings events back from disk once half the queue is free. They have waited long enough; and who waits for everything to be sent waits for these too. */
function refill(engine: Engine): void {
  const { spool, queueSize, queueBytes } = engine;
  if (!spool?.unread() || bounded(engine) > queueSize / 2 || engine.boundedBytes > queueBytes / 2) return;
  for (const { record, json } of spool.read(queueSize - bounded(engine), queueBytes - engine.boundedBytes)) {
    enqueue(engine, { ...madeFrom(json), handle: ++engine.lastHandle, loggedAt: engine.runtime.monotonic(), record });
  }
  engine.flushBefore = engine.lastHandle;
  for (const flush of engine.flushes) flush.handle = engine.lastHandle;
}

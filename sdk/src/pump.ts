import { entryOf, reportDrops } from "./accept.ts";
import { dispatch } from "./delivery/dispatch.ts";
import { recordDrop } from "./delivery/drop-ledger.ts";
import { settledUpTo } from "./delivery/flushed.ts";
import { hasRoom, offer } from "./delivery/intake.ts";
import { answered } from "./delivery/settle.ts";
import type { Batch, Settlement } from "./delivery/state.ts";
import { type Engine, metricsDue, tellRejected, warn } from "./engine.ts";
import type { EventFields } from "./event.ts";
import { type Transmission, transmit } from "./http-door.ts";
import type { MadeEvent } from "./make-event.ts";
import type { SpooledEvent, SpoolRecord } from "./spool-session.ts";

/** Does everything that can be done now and sets the timer for what comes next. */
export function pump(engine: Engine): void {
  engine.pumpQueued = false;
  if (engine.abandoned) return;
  refill(engine);
  reportDrops(engine, engine.closing);
  const { runtime } = engine.settings;
  const { sends, wakeAt, ailing } = dispatch(engine.state, runtime.monotonic());
  for (const batch of sends) void deliver(engine, batch);
  arm(engine, wakeAt ?? Infinity, !ailing);
  notify(engine);
}

function arm(engine: Engine, wakeAt: number, keepAlive: boolean): void {
  if (engine.timerAt === wakeAt && engine.timerKeepsAlive === keepAlive) return;
  const { runtime } = engine.settings;
  if (engine.timer !== undefined) runtime.clearTimer(engine.timer);
  engine.timer = undefined;
  engine.timerAt = wakeAt;
  engine.timerKeepsAlive = keepAlive;
  if (wakeAt === Infinity) return;
  const fire = () => {
    engine.timerAt = Infinity;
    engine.timer = undefined;
    pump(engine);
  };
  engine.timer = runtime.setTimer(fire, Math.max(0, Math.ceil(wakeAt - runtime.monotonic())), keepAlive);
}

async function deliver(engine: Engine, batch: Batch): Promise<void> {
  const { settings, state } = engine;
  const how: Transmission = {
    url: settings.doorUrls[batch.door ?? "edge"],
    credential: settings.credential,
    timeoutMs: settings.requestTimeoutMs,
    retryAfterCapMs: settings.retryAfterCapMs,
    checkReceipts: await engine.checkReceipts,
    signal: engine.abort.signal,
  };
  const answer = await transmit(batch, how, settings.runtime);
  if (engine.abandoned) return;
  if (answer.kind === "failed") engine.lastErrorAt = settings.runtime.now();
  if (answer.kind === "failed" && (answer.status === 401 || answer.status === 403)) {
    warn(engine, {
      kind: "credential",
      message: `${answer.message}: events wait until the credential is accepted`,
    });
  }
  conclude(engine, answered(state, batch.id, answer, settings.runtime.monotonic(), settings.runtime.random));
  pump(engine);
}

/** Tells everybody concerned, and lets the spool forget: only now, when the server has decided. */
function conclude(engine: Engine, settlements: readonly Settlement[]): void {
  const records: SpoolRecord[] = [];
  for (const { entry, verdict, door } of settlements) {
    if (entry.record !== undefined) records.push(entry.record as SpoolRecord);
    if (verdict.status === "rejected" || verdict.status === "conflict") {
      tellRejected(engine, entry.json, verdict.error ?? { code: verdict.status, message: "" });
    }
    if (verdict.receipt === "mismatch") {
      warn(engine, {
        kind: "receipt",
        message: `leaf hash of event ${entry.id}: does not belong to what was sent`,
      });
    }
    engine.waiters.get(entry.handle)?.(verdict, door);
    engine.waiters.delete(entry.handle);
  }
  if (records.length > 0) engine.spool?.acknowledge(records);
  if (settlements.length > 0) metricsDue(engine);
}

/** Brings events back from disk once half the queue is free. */
function refill(engine: Engine): void {
  const { spool, state } = engine;
  const { queueEvents, queueBytes } = engine.settings.delivery;
  if (spool === undefined || spool.unread() === 0 || state.bounded > queueEvents / 2 || state.boundedBytes > queueBytes / 2) return;
  for (const event of spool.read(queueEvents - state.bounded, queueBytes - state.boundedBytes)) offer(state, loaded(engine, event), true);
  // They have waited long enough; and whoever waits for everything to be sent waits for these too.
  state.flushBefore = engine.nextHandle - 1;
  for (const flush of engine.flushes) flush.handle = state.flushBefore;
}

function loaded(engine: Engine, { record, json }: SpooledEvent) {
  const event = JSON.parse(json) as EventFields;
  const bytes = new TextEncoder().encode(json).length;
  const made: MadeEvent = {
    id: String(event.id ?? ""),
    occurredAt: String(event.occurred_at ?? ""),
    tenantId: event.tenant_id,
    json,
    bytes,
  };
  const key = recordKey(record);
  const waiter = engine.spilledWaiters.get(key);
  const entry = entryOf(engine, made, record, {
    awaited: waiter !== undefined,
  });
  if (waiter !== undefined) engine.waiters.set(entry.handle, waiter);
  engine.spilledWaiters.delete(key);
  return entry;
}

export function recordKey(record: SpoolRecord): string {
  return `${record.segment.name}/${record.number}`;
}

/** Wakes those who wait for room or for everything to be settled. */
function notify(engine: Engine): void {
  const { state, flushes, rooms } = engine;
  const free = Math.max(0, state.settings.queueEvents - state.bounded);
  if (rooms.length > 0 && hasRoom(state, 0)) {
    for (const enter of rooms.splice(0, free)) {
      enter();
    }
  }
  if (flushes.size === 0 || (engine.spool?.unread() ?? 0) > 0) return;
  for (const flush of flushes) {
    if (!settledUpTo(state, flush.handle)) continue;
    flushes.delete(flush);
    flush.resolve();
  }
}

/** Counts events that the spool cannot give back. */
export function recordSpoolLoss(engine: Engine, count: number): void {
  recordDrop(engine.state.drops, engine.settings.defaults.tenant_id, "spool_corrupt", engine.settings.runtime.now(), count);
}

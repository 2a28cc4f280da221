import { accept, type Accepted, room } from "./accept.ts";
import type { Verdict } from "./delivery/state.ts";
import { type Engine, type Waiter } from "./engine.ts";
import { AuditDroppedError, AuditReceiptError, AuditRefusedError, AuditRejectedError, AuditTimeoutError } from "./errors.ts";
import type { EventContext, EventInput, LoggedEvent } from "./event.ts";
import type { MadeEvent } from "./make-event.ts";
import { recordKey } from "./pump.ts";

/** Logs one event and resolves when it is stored; rejects with the reason when it is not, or not yet. */
export async function logEvent(engine: Engine, input: EventInput, context: EventContext, timeoutMs: number): Promise<LoggedEvent> {
  if (engine.settings.whenFull === "block") await room(engine);
  const accepted = accept(engine, input, context, { awaited: true });
  if (accepted.fate === "dropped") {
    throw new AuditDroppedError(accepted.reason, accepted.cause);
  }
  const verdict = await verdictOn(engine, accepted, timeoutMs);
  return loggedOrThrow(accepted.made, verdict);
}

/** The verdict on an accepted event; rejects with AuditTimeoutError when there is none in time, and the event stays queued. */
function verdictOn(engine: Engine, accepted: Exclude<Accepted, { fate: "dropped" }>, timeoutMs: number): Promise<Verdict> {
  const { runtime } = engine.settings;
  return new Promise((resolve, reject) => {
    const late = () => {
      const { lastError } = engine.state;
      reject(
        new AuditTimeoutError(
          accepted.made.id,
          timeoutMs,
          lastError === undefined ? undefined : new Error(`${lastError.door}: ${lastError.code}: ${lastError.message}`),
        ),
      );
      if (accepted.fate === "queued") {
        engine.waiters.delete(accepted.entry.handle);
        accepted.entry.awaited = false;
      } else engine.spilledWaiters.delete(recordKey(accepted.record));
    };
    const timer = runtime.setTimer(late, timeoutMs, false);
    const waiter: Waiter = (verdict) => {
      runtime.clearTimer(timer);
      if (verdict === "left_on_disk") late();
      else resolve(verdict);
    };
    if (accepted.fate === "queued") {
      engine.waiters.set(accepted.entry.handle, waiter);
    } else engine.spilledWaiters.set(recordKey(accepted.record), waiter);
  });
}

/** The fate of an event as its caller sees it. */
export function loggedEvent(made: MadeEvent, verdict: Verdict): LoggedEvent {
  const { status, receivedAt, leafHash, receipt, error } = verdict;
  return {
    id: made.id,
    occurredAt: made.occurredAt,
    status,
    ...(receivedAt === undefined ? {} : { receivedAt }),
    ...(leafHash === undefined ? {} : { leafHash }),
    ...(receipt === undefined ? {} : { receipt }),
    ...(error === undefined ? {} : { error }),
  };
}

function loggedOrThrow(made: MadeEvent, verdict: Verdict): LoggedEvent {
  const fault = verdict.error ?? { code: verdict.status, message: "" };
  if (verdict.status === "dropped") throw new AuditDroppedError("closed");
  if (verdict.refused) throw new AuditRefusedError(fault);
  if (verdict.status === "rejected" || verdict.status === "conflict") {
    throw new AuditRejectedError(fault);
  }
  if (verdict.receipt === "mismatch") throw new AuditReceiptError(made.id);
  return loggedEvent(made, verdict);
}

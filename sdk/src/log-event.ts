import { accept, room } from "./accept.ts";
import { release } from "./delivery/queue.ts";
import type { Verdict } from "./delivery/state.ts";
import type { Engine } from "./engine.ts";
import { AuditDroppedError, AuditPendingError, AuditRejectedError } from "./errors.ts";
import type { EventContext, EventInput, LoggedEvent } from "./event.ts";
import type { MadeEvent } from "./make-event.ts";

/** Logs one event and resolves when it is stored; rejects with the reason when it is not, or not yet. */
export async function logEvent(engine: Engine, input: EventInput, context: EventContext, timeoutMs: number): Promise<LoggedEvent> {
  if (!engine.options.enabled) return { id: "", occurredAt: "", status: "disabled" };
  for (let wait; engine.whenFull === "block" && (wait = room(engine));) await wait;
  let decide: (verdict?: Verdict) => void = () => {};
  const decision = new Promise<Verdict | undefined>((resolve) => decide = resolve);
  const { made, entry, dropped, cause } = accept(engine, input, context, { done: decide });
  if (dropped) throw new AuditDroppedError(dropped, cause);
  // What only the disk has will be sent later: there is nothing to wait for.
  const timer = engine.runtime.setTimer(decide, entry ? timeoutMs : 0, true);
  const verdict = await decision;
  engine.runtime.clearTimer(timer);
  if (!verdict) {
    if (entry) release(engine, entry);
    throw new AuditPendingError((made as MadeEvent).id, engine.lastError);
  }
  const { status, error } = verdict;
  if (status === "dropped") throw new AuditDroppedError("closed");
  if (error) throw new AuditRejectedError(error);
  return loggedEvent(made as MadeEvent, verdict);
}

/** The fate of an event as its caller sees it. */
export function loggedEvent({ id, occurredAt }: MadeEvent, verdict: Verdict): LoggedEvent {
  return { id, occurredAt, ...verdict };
}

import type { AuditClient } from "./client.ts";
import type { ClientSettings } from "./client-options.ts";
import { deliveryState } from "./delivery/state.ts";
import type { LoggedEvent } from "./event.ts";
import { auditStats } from "./stats.ts";

/** A client that logs nothing: `AUDIT_LOGGING_ENABLED=false`. Operations still run, results say `disabled`, and every counter stays at zero. */
export function disabledClient(settings: ClientSettings): AuditClient {
  const fate: LoggedEvent = { id: "", occurredAt: "", status: "disabled" };
  const logEvent = () => Promise.resolve(fate);
  const stats = () => auditStats(deliveryState(settings.delivery), undefined, 0);
  const client: AuditClient = {
    logEvent,
    logEventFireAndForget: () => false,
    logCreation: logEvent,
    logUpdate: logEvent,
    logDeletion: logEvent,
    logHighVolumeEvents: (events) =>
      Promise.resolve({
        createdCount: 0,
        duplicateCount: 0,
        rejectedCount: 0,
        queuedCount: 0,
        droppedCount: 0,
        method: "none",
        results: events.map((_, index) => ({ index, ...fate })),
        durationMs: 0,
      }),
    auditOperation: async (info, operation) => await operation({ ...info }),
    withContext: () => client,
    ready: () => Promise.resolve(),
    flush: () => Promise.resolve({ complete: true, queued: 0 }),
    close: () =>
      Promise.resolve({
        complete: true,
        sent: 0,
        droppedAtClose: 0,
        spooled: 0,
        stats: stats(),
      }),
    stats,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return client;
}

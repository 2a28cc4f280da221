import type { Claims } from "./caller.ts";
import type { AuditEvent } from "./event.ts";
import type { EventRow } from "./ports.ts";
import type { EventKey } from "./query-store.ts";

/** Who softly deleted an event, when and why. */
export type Deletion = { readonly by: string; readonly at: string; readonly reason: string };

export type DeletionOutcome = "deleted" | "deleted_before" | "held" | "not_found";

/** Soft deletion: a record beside the event, which stays as it was hashed. */
export type DeletionAdmin = {
  /**
   * Records that the event is deleted, together with `record`, the event that tells of it. Nothing is recorded for any other outcome. That an archived
   * day has the event is for the caller to know.
   */
  delete(claims: Claims, key: EventKey, deletion: Omit<Deletion, "at">, record: EventRow): Promise<DeletionOutcome>;
  /** The deletions of `events` for an admin of their tenant, one answer an event in the same order; undefined for what is not deleted. */
  of(claims: Claims, tenantId: string, events: readonly Pick<AuditEvent, "occurred_at" | "id">[]): Promise<readonly (Deletion | undefined)[]>;
};

/** True for what the log has written about itself: whoever could delete that could delete the trace of having deleted. */
export function isOwnEvent(event: Pick<AuditEvent, "event_type" | "source">): boolean {
  return event.source === "audit-events" && event.event_type.startsWith("audit.");
}

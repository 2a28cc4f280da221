import type { AuditEvent } from "../../core/event.ts";

/** The columns an event is read by, in the order of the table: all that stand in its leaf. `seq` is shown to nobody. */
export const eventColumns = Object.keys(
  {
    tenant_id: true,
    occurred_at: true,
    id: true,
    received_at: true,
    principal: true,
    source: true,
    actor_id: true,
    actor_type: true,
    event_type: true,
    object_type: true,
    object_id: true,
    result: true,
    message: true,
    duration_ms: true,
    context: true,
    ip_address: true,
    user_agent: true,
    device_fingerprint: true,
    request_id: true,
    producer_id: true,
    producer_seq: true,
  } satisfies { readonly [Field in keyof AuditEvent]-?: true },
) as readonly (keyof AuditEvent)[];

/** A row with at least `eventColumns`, read through a pool of ours: its types are those of `columnTypes`. */
export type EventColumns = { readonly [Column in keyof AuditEvent]?: unknown };

/**
 * The event that `row` holds, absent where the column is null. Its leaf is byte for byte the leaf that was hashed when the row was stored; of a row
 * that was changed since, it is another.
 */
export function rowToEvent(row: EventColumns): AuditEvent {
  const event: Record<string, unknown> = {};
  for (const column of eventColumns) {
    const value = row[column];
    if (value !== null && value !== undefined) event[column] = value;
  }
  return event as AuditEvent;
}

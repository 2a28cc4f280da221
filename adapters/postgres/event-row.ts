import type { AuditEvent } from "../../core/event.ts";
import { eventColumns } from "../../core/format/event-columns.ts";

export { eventColumns };

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

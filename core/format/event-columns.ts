import type { AuditEvent } from "../event.ts";

/**
 * The columns of an event, in the order of the table: all that stand in its leaf. Rows are read by them, and tables of events (CSV, Parquet) have them
 * in this order. `seq` is shown to nobody.
 */
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

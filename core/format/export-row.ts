import type { AuditEvent } from "../event.ts";

/** An event as exports and archives hold it: its own fields, its leaf hash (32 bytes), and its place in the tenant's tree once it is sealed. */
export type ExportRow = { readonly event: AuditEvent; readonly leafHash: Uint8Array; readonly logIndex: number | undefined };

/** Columns of a table of events, in order; CSV, Parquet and the page's table agree on it. `leaf_hash` and `log_index` follow the event's own. */
export const eventColumns = [
  "tenant_id",
  "occurred_at",
  "id",
  "received_at",
  "principal",
  "source",
  "actor_id",
  "actor_type",
  "event_type",
  "object_type",
  "object_id",
  "result",
  "message",
  "duration_ms",
  "context",
  "ip_address",
  "user_agent",
  "device_fingerprint",
  "request_id",
  "producer_id",
  "producer_seq",
] as const satisfies readonly (keyof AuditEvent)[];

/** What an event's `result` may be; `success` when absent. */
export const eventResults = ["success", "failure", "warning"] as const;
export type EventResult = (typeof eventResults)[number];

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * An event as stored: every column of `audit_log.events` but `seq` and the hashes, absent where the column is null.
 * Times are `YYYY-MM-DDTHH:MM:SS.mmmZ`, UUIDs lower-case, IP addresses as RFC 5952 writes them, without a mask.
 */
export type AuditEvent = {
  readonly tenant_id: string;
  readonly occurred_at: string;
  readonly id: string;
  readonly received_at: string;
  readonly principal: string;
  readonly source?: string;
  readonly actor_id?: string;
  readonly actor_type?: string;
  readonly event_type: string;
  readonly object_type?: string;
  readonly object_id?: string;
  readonly result: EventResult;
  readonly message?: string;
  readonly duration_ms?: number;
  readonly context?: { readonly [key: string]: Json };
  readonly ip_address?: string;
  readonly user_agent?: string;
  readonly device_fingerprint?: string;
  readonly request_id?: string;
  readonly producer_id?: string;
  readonly producer_seq?: number;
};

/** Fields that only the server sets on every event. */
export type ServerField = "received_at" | "principal";

/** Fields taken from the request of an end user when the event does not carry them. */
export type RequestField = "ip_address" | "user_agent" | "device_fingerprint";

/** What a validated event holds before it is stamped: all that the caller sent, in stored form. */
export type CandidateEvent =
  & Omit<AuditEvent, ServerField | "tenant_id" | "id" | "occurred_at">
  & { readonly tenant_id?: string; readonly id?: string; readonly occurred_at?: string };

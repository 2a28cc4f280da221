import type { EventResult } from "../event.ts";

/** An event as it is stored and answered: snake_case, absent fields left out, times in UTC with milliseconds. */
export type StoredEvent = {
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
  readonly context?: Readonly<Record<string, unknown>>;
  readonly ip_address?: string;
  readonly user_agent?: string;
  readonly device_fingerprint?: string;
  readonly request_id?: string;
  readonly producer_id?: string;
  readonly producer_seq?: number;
  readonly leaf_hash: string;
};

/** Which events, by the names that the fields have. Times are RFC 3339, dates (the last day of a range is included) or Dates. */
export type EventFilter = {
  readonly tenant_id?: string;
  /** Default: seven days before `to`. */
  readonly from?: string | Date;
  /** Default: now. */
  readonly to?: string | Date;
  readonly source?: string;
  readonly event_type?: string;
  readonly result?: EventResult;
  readonly actor_id?: string;
  readonly actor_type?: string;
  readonly object_type?: string;
  readonly object_id?: string;
  /** An address or a network such as `10.0.0.0/8`. */
  readonly ip_address?: string;
  readonly request_id?: string;
  /** The query language: `actor:alice action:order.* -result:success "words"`. */
  readonly q?: string;
  /** Also softly deleted events; admins only. */
  readonly include_deleted?: boolean;
};

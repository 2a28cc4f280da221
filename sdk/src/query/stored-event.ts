import type { EventResult } from "../event.ts";

/** An event as it is stored and answered: snake_case, absent fields left out, times in UTC with milliseconds. */
export type StoredEvent = {
  /** UUID of the customer whose event it is. */
  readonly tenant_id: string;
  /** When it happened. */
  readonly occurred_at: string;
  /** UUID in lower case. */
  readonly id: string;
  /** When the server took it. */
  readonly received_at: string;
  /** The verified caller that posted it, such as `key:<id>` or `user:<sub>`. */
  readonly principal: string;
  /** System that it comes from. */
  readonly source?: string;
  /** Who did it. */
  readonly actor_id?: string;
  /** Kind of actor. */
  readonly actor_type?: string;
  /** What happened, in lower case. */
  readonly event_type: string;
  /** Kind of object. */
  readonly object_type?: string;
  /** What it was done to. */
  readonly object_id?: string;
  /** How it ended. */
  readonly result: EventResult;
  /** A sentence for people. */
  readonly message?: string;
  /** How long it took, in whole milliseconds. */
  readonly duration_ms?: number;
  /** JSON object of the producer's own. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** IPv4, or IPv6 in its shortest form. */
  readonly ip_address?: string;
  /** Program of whoever did it. */
  readonly user_agent?: string;
  /** What tells devices apart that differ. */
  readonly device_fingerprint?: string;
  /** Request that it belongs to. */
  readonly request_id?: string;
  /** Who numbers its events. */
  readonly producer_id?: string;
  /** Its number among them. */
  readonly producer_seq?: number;
  /** SHA-256 of its leaf, hexadecimal, `docs/format/event.md`. */
  readonly leaf_hash: string;
};

/** Which events, by the names that the fields have. Times are RFC 3339, dates (the last day of a range is included) or Dates. */
export type EventFilter = {
  /** Tenant to read; needed when the credential is good for several. */
  readonly tenant_id?: string;
  /** Default: seven days before `to`. */
  readonly from?: string | Date;
  /** Default: now. */
  readonly to?: string | Date;
  /** Exactly this one, as with all names and ids below; for patterns use `q`. */
  readonly source?: string;
  /** What happened. */
  readonly event_type?: string;
  /** How it ended. */
  readonly result?: EventResult;
  /** Who did it. */
  readonly actor_id?: string;
  /** Kind of actor. */
  readonly actor_type?: string;
  /** Kind of object. */
  readonly object_type?: string;
  /** What it was done to. */
  readonly object_id?: string;
  /** An address or a network such as `10.0.0.0/8`. */
  readonly ip_address?: string;
  /** Request that it belongs to. */
  readonly request_id?: string;
  /** The query language: `actor:alice action:order.* -result:success "words"`. */
  readonly q?: string;
  /** Also softly deleted events; admins only. */
  readonly include_deleted?: boolean;
};

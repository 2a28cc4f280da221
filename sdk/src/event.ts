/** What an event's `result` may be; `success` when absent. */
export type EventResult = "success" | "failure" | "warning";

/** The fields of an event that say who did it, from where and for which request: what {@link EventContext} fills in for every event of a request. */
export type EventContext = {
  readonly tenant_id?: string | undefined;
  readonly source?: string | undefined;
  readonly actor_id?: string | undefined;
  readonly actor_type?: string | undefined;
  readonly ip_address?: string | undefined;
  readonly user_agent?: string | undefined;
  readonly device_fingerprint?: string | undefined;
  readonly request_id?: string | undefined;
  /** Merged key by key with the event's own `context`; the event's keys win. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
};

/** An event but for its type: snake_case, as on the wire. */
export type EventFields = EventContext & {
  /** UUID; with no `occurred_at` beside it a version-7 one, whose time the server takes. Made by the client when absent. */
  readonly id?: string | undefined;
  /** RFC 3339 with an offset, or a Date. The moment of the call when absent. */
  readonly occurred_at?: string | Date | undefined;
  readonly object_type?: string | undefined;
  readonly object_id?: string | undefined;
  readonly result?: EventResult | undefined;
  readonly message?: string | undefined;
  readonly duration_ms?: number | undefined;
  readonly producer_id?: string | undefined;
  readonly producer_seq?: number | undefined;
  /** Older name of `occurred_at`. */
  readonly timestamp?: string | Date | undefined;
  /** Older name of `actor_id`. */
  readonly operator?: string | undefined;
  /** Older name of `context`. */
  readonly extra_info?: Readonly<Record<string, unknown>> | undefined;
};

/** An event as an application logs it. Only its type is required; older names are accepted here and never sent. */
export type EventInput =
  & EventFields
  & ({ readonly event_type: string } | { readonly operation_type: string });

/** Why the server did not store an event: `pointer` is a JSON Pointer into the event. */
export type EventFault = {
  readonly code: string;
  readonly message: string;
  readonly pointer?: string;
};

/** Why the client gave an event up without an answer from the server. */
export type DropReason =
  | "queue_full"
  | "spool_full"
  | "spool_corrupt"
  | "closed"
  | "invalid";

/** What became of one event. Only `created` and `duplicate` mean that it is stored. */
export type EventStatus =
  | "created"
  | "duplicate"
  | "conflict"
  | "rejected"
  | "dropped"
  | "queued"
  | "disabled";

/** One event's fate, camelCase because it is ours. */
export type LoggedEvent = {
  readonly id: string;
  /** Empty while only the id says it. */
  readonly occurredAt: string;
  readonly status: EventStatus;
  /** When the server took it; absent unless stored. */
  readonly receivedAt?: string | undefined;
  /** RFC 6962 leaf hash as the server computed it, hexadecimal. */
  readonly leafHash?: string | undefined;
  /** Present with `verifyReceipts`: whether that hash is the hash of what was sent. */
  readonly receipt?: "verified" | "mismatch" | "unverifiable" | undefined;
  readonly error?: EventFault | undefined;
};

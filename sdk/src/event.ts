/** What an event's `result` may be; `success` when absent. */
export type EventResult = "success" | "failure" | "warning";

/** The fields of an event that say who did it, from where and for which request: what `withContext` puts into every event that lacks them. */
export type EventContext = {
  /** UUID of the customer whose event it is; needed only when the credential is good for several. */
  readonly tenant_id?: string | undefined;
  /** System that the event comes from, such as `checkout`: at most 100 of `A-Z a-z 0-9 _ . : / -`, stored in lower case. */
  readonly source?: string | undefined;
  /** Who did it; at most 255 bytes. */
  readonly actor_id?: string | undefined;
  /** Kind of actor, such as `user` or `service`; formed as `source` is. */
  readonly actor_type?: string | undefined;
  /** IPv4 or IPv6 address of whoever did it. */
  readonly ip_address?: string | undefined;
  /** Their program; at most 2,048 bytes. */
  readonly user_agent?: string | undefined;
  /** What tells devices apart that differ; at most 255 bytes. `fromRequest` makes one. */
  readonly device_fingerprint?: string | undefined;
  /** Request that it belongs to; at most 255 bytes. */
  readonly request_id?: string | undefined;
  /** JSON object of your own, at most 32 KiB. That of a client or request is merged key by key with the event's own; the event's keys win. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
};

/** An event but for its type: snake_case, as on the wire. */
export type EventFields = EventContext & {
  /** UUID; with no `occurred_at` beside it a version-7 one, whose time the server takes. Made by the client when absent. */
  readonly id?: string | undefined;
  /** RFC 3339 with an offset, or a Date. The moment of the call when absent. */
  readonly occurred_at?: string | Date | undefined;
  /** Kind of object, such as `order`; formed as `source` is. */
  readonly object_type?: string | undefined;
  /** What it was done to; at most 255 bytes. */
  readonly object_id?: string | undefined;
  /** How it ended; `success` when absent. */
  readonly result?: EventResult | undefined;
  /** A sentence for people; at most 8,192 bytes. */
  readonly message?: string | undefined;
  /** How long it took, in milliseconds; stored as a whole number. */
  readonly duration_ms?: number | undefined;
  /** Who numbers its events; the client's `producerId` when absent. At most 255 bytes. */
  readonly producer_id?: string | undefined;
  /** The event's number among those of its producer and tenant; set by the client when `producer_id` is absent. */
  readonly producer_seq?: number | undefined;
  /** Older name of `occurred_at`. */
  readonly timestamp?: string | Date | undefined;
  /** Older name of `actor_id`. */
  readonly operator?: string | undefined;
  /** Older name of `context`. */
  readonly extra_info?: Readonly<Record<string, unknown>> | undefined;
};

/**
 * An event as an application logs it. Only its type is required: what happened, such as `order.created`, formed as `source` is. Older names are accepted
 * here and never sent.
 */
export type EventInput =
  & EventFields
  & ({ readonly event_type: string } | { readonly operation_type: string });

/** Why the server did not store an event: `pointer` is a JSON Pointer into the event. */
export type EventFault = {
  /** A code of `docs/reference/errors.md`. */
  readonly code: string;
  /** What is wrong, for people. */
  readonly message: string;
  /** Place in the event, such as `/actor_id`. */
  readonly pointer?: string;
};

/**
 * Why the client gave an event up without an answer from the server: no room in memory or on disk, a file that cannot be read back, a client that was
 * closed, or an event that cannot be written as JSON.
 */
export type DropReason =
  | "queue_full"
  | "spool_full"
  | "spool_corrupt"
  | "closed"
  | "invalid";

/**
 * What became of one event. Only `created` and `duplicate` mean that it is stored. `conflict`: another event has its id; `rejected`: it breaks a rule;
 * `dropped`: the client gave it up; `queued`: not decided yet; `disabled`: the client logs nothing.
 */
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
  /** UUID of the event, as it was given or as the client made it. */
  readonly id: string;
  /** RFC 3339; empty while only the id says it. */
  readonly occurredAt: string;
  /** What became of it. */
  readonly status: EventStatus;
  /** When the server took it, RFC 3339; absent unless stored. */
  readonly receivedAt?: string | undefined;
  /** RFC 6962 leaf hash as the server computed it, hexadecimal. */
  readonly leafHash?: string | undefined;
  /** Present with `verifyReceipts`: whether that hash is the hash of what was sent. */
  readonly receipt?: "verified" | "mismatch" | "unverifiable" | undefined;
  /** Why it is not stored. */
  readonly error?: EventFault | undefined;
};

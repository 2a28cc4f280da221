import type { EventResult } from "./event.ts";

/**
 * What a query asks for, once its parameters are understood: the one value that lists, exports, statistics and the archive share, so that a
 * filter means the same everywhere. Both ends of the window belong to it; all conditions must hold.
 */
export type Filter = {
  readonly tenantId: string;
  /** First moment of the window, `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
  readonly from: string;
  /** Last moment of the window: events at exactly this millisecond belong to it. */
  readonly to: string;
  readonly conditions: readonly Condition[];
  /** Also softly deleted events; admins only. */
  readonly includeDeleted: boolean;
};

/** Columns that hold text and can be compared whole or by prefix. */
export const textFields = [
  "actor_id",
  "actor_type",
  "event_type",
  "object_id",
  "object_type",
  "source",
  "request_id",
  "principal",
  "producer_id",
] as const;
export type TextField = (typeof textFields)[number];

/** Columns stored in lower case: what is compared with them is lowered first. */
export const loweredFields: ReadonlySet<string> = new Set<TextField>(["actor_type", "event_type", "object_type", "source"]);

/**
 * One thing that must be so, or must not be so when `negated`. An event without the field fulfils no condition about it, and therefore every
 * negated one: `-actor:alice` keeps events that have no actor.
 */
export type Condition =
  & { readonly negated: boolean }
  & (
    | { readonly kind: "text"; readonly field: TextField; readonly values: readonly string[]; readonly prefixes: readonly string[] }
    | { readonly kind: "id"; readonly values: readonly string[] }
    | { readonly kind: "result"; readonly values: readonly EventResult[] }
    /** Addresses or networks in CIDR notation, as `inet` takes them. */
    | { readonly kind: "ip"; readonly networks: readonly string[] }
    /** Whole milliseconds; both ends belong to the range. */
    | { readonly kind: "duration"; readonly min: number | undefined; readonly max: number | undefined }
    /** A value inside `context`, compared as text: numbers and booleans as JSON writes them. */
    | { readonly kind: "context"; readonly path: readonly string[]; readonly values: readonly string[]; readonly prefixes: readonly string[] }
    /** Text that stands in the message, the event type, the actor or the object, in either case of letters. */
    | { readonly kind: "words"; readonly text: string }
  );

/** Columns that free words are looked for in. */
export const wordFields = ["message", "event_type", "actor_id", "object_id"] as const;

/** True for words whose letters have an upper and a lower case in ASCII alone. */
export function isAscii(text: string): boolean {
  return /^[\x20-\x7e\t\r\n]*$/.test(text);
}

/** Where a walk over events stands: the next page begins after this event. */
export type Position = { readonly occurredAt: string; readonly id: string };

export type Order = "asc" | "desc";

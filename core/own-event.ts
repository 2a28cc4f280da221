import type { Caller } from "./caller.ts";
import type { EventResult, Json } from "./event.ts";
import { canonicalJson } from "./format/canonical-json.ts";
import { formatTimestamp } from "./format/timestamp.ts";
import { makeUuid7 } from "./format/uuid7.ts";
import type { EventRow, TextSha256 } from "./ports.ts";
import { type RequestFields, stamp } from "./stamp.ts";

/** Who acts on the log itself, by which request. `fields` are the end user's address and agent, as at the door; `actorType` stands where no caller does. */
export type Actor = {
  readonly caller: Caller;
  readonly actorType?: string;
  readonly tenantId: string;
  readonly requestId: string;
  readonly fields: RequestFields;
};

/** What was done: `objectType` begins with `audit.`. */
export type OwnEvent = {
  readonly type: `audit.${string}`;
  readonly objectType: `audit.${string}`;
  readonly objectId: string;
  readonly result: EventResult;
  readonly detail: { readonly [key: string]: Json };
};

/** Identity of an event before it is written. */
export type EventIdentity = { readonly id: string; readonly occurredAt: string };

export type OwnEventParts = { readonly now: () => Date; readonly randomBytes: (length: number) => Uint8Array; readonly sha256: TextSha256 };

/** A new identity, as of now. */
export function newIdentity({ now, randomBytes }: Pick<OwnEventParts, "now" | "randomBytes">): EventIdentity {
  const ms = now().getTime();
  return { id: makeUuid7(ms, randomBytes(16)), occurredAt: formatTimestamp(ms) };
}

/** The row of an event that the log writes about itself: what people do to it is an event like any other, hashed, sealed and kept. */
export function ownEventRow(
  { caller, actorType, tenantId, requestId, fields }: Actor,
  done: OwnEvent,
  identity: EventIdentity,
  parts: OwnEventParts,
): EventRow {
  const event = {
    id: identity.id,
    occurred_at: identity.occurredAt,
    source: "audit-events",
    actor_id: caller.claims.sub ?? caller.principal,
    actor_type: actorType ?? caller.kind,
    event_type: done.type,
    object_type: done.objectType,
    object_id: done.objectId,
    result: done.result,
    context: done.detail,
    request_id: requestId,
  };
  const stamps = {
    caller,
    receivedAt: formatTimestamp(parts.now().getTime()),
    defaultTenantId: undefined,
    requestFields: fields,
    random: () => parts.randomBytes(16),
    sha256: parts.sha256,
  };
  const row = stamp(event, canonicalJson(done.detail), tenantId, 0, stamps);
  if ("code" in row) throw new Error(`record own event: it is no event: ${row.code}`);
  return row;
}

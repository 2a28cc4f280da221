import { type AcceptedEntry, type Batch, keyOf, type PreparedBatch } from "./batch.ts";
import { type Caller, isEndUser } from "./caller.ts";
import type { EventError } from "./errors.ts";
import type { AuditEvent, RequestField } from "./event.ts";
import { leafHashHexWithin, leafOf } from "./leaf.ts";
import type { ExistingRow, InsertOutcome, TextSha256 } from "./ports.ts";
import { requestFieldNames } from "./stamp.ts";

/** What the server set on a row that stood there before: with it the caller can rebuild the row's leaf. */
export type StoredFields = Pick<AuditEvent, "received_at" | "principal" | RequestField>;

/** What became of one event. `event` is what is stored now: after a replay its request fields are those of the first request. */
export type Verdict =
  | { readonly status: "created"; readonly entry: AcceptedEntry; readonly event: AuditEvent; readonly leafHash: string }
  | { readonly status: "duplicate"; readonly entry: AcceptedEntry; readonly leafHash: string; readonly stored: StoredFields | undefined }
  | { readonly status: "conflict"; readonly entry: AcceptedEntry; readonly errors: readonly EventError[] }
  | { readonly status: "rejected"; readonly errors: readonly EventError[] };

/** When a batch is a replay under an Idempotency-Key: what the first one created is told as created again. */
export type Replay = { readonly isReplay: boolean };

/** A verdict per event, in the batch's order, from what the store found. */
export function verdictsOf(batch: Batch, prepared: PreparedBatch, outcome: InsertOutcome, replay: Replay, sha256: TextSha256): Verdict[] {
  const existing = outcome.existing.length === 0 ? undefined : new Map(outcome.existing.map((row) => [keyOf(row), row]));
  const closedDays = new Set(outcome.closedDays);
  return prepared.entries.map((entry): Verdict => {
    if (entry.errors !== undefined) return { status: "rejected", errors: entry.errors };
    const stored = existing?.get(keyOf(entry.row.event));
    if (stored !== undefined) return besideStored(entry, stored, batch.caller, replay, sha256);
    if (closedDays.size > 0 && closedDays.has(entry.row.event.occurred_at.slice(0, 10))) return { status: "rejected", errors: [dayClosed] };
    if (entry.sameAs === undefined) return { status: "created", entry, event: entry.row.event, leafHash: entry.row.leafHash };
    if (entry.row.leafHash !== entry.sameAs.row.leafHash) return { status: "conflict", entry, errors: [conflict] };
    return { status: "duplicate", entry, leafHash: entry.row.leafHash, stored: storedFields(entry.sameAs.row.event) };
  });
}

/** Takes every event of a strict batch back: those that were fine are told that another one was not. */
export function takeBack(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.map((verdict) => isRefusal(verdict) ? verdict : { status: "rejected", errors: [batchRejected] });
}

/** True for what was not stored and never will be in this form. */
export function isRefusal(verdict: Verdict): boolean {
  return verdict.status === "rejected" || verdict.status === "conflict";
}

function besideStored(entry: AcceptedEntry, stored: ExistingRow, caller: Caller, replay: Replay, sha256: TextSha256): Verdict {
  const rebuilt: AuditEvent = { ...withStoredRequestFields(entry, stored, caller), received_at: stored.received_at, principal: stored.principal };
  if (leafHashHexWithin(leafOf(rebuilt, entry.row.contextJson), sha256) !== stored.leafHash) return { status: "conflict", entry, errors: [conflict] };
  const isOurs = stored.principal === caller.principal && stored.received_at === entry.row.event.received_at;
  if (replay.isReplay && isOurs && entry.sameAs === undefined) return { status: "created", entry, event: rebuilt, leafHash: stored.leafHash };
  return { status: "duplicate", entry, leafHash: stored.leafHash, stored: maySee(caller, stored) ? storedFields(stored) : undefined };
}

/**
 * The candidate with the request's fields as the row has them, where the caller did not send them. Only an end user's request fills them in, so
 * between two servers an absent field must be absent in the row as well.
 */
function withStoredRequestFields(entry: AcceptedEntry, stored: ExistingRow, caller: Caller): AuditEvent {
  const { event } = entry.row;
  if (!isEndUser(caller) && !isEndUserPrincipal(stored.principal)) return event;
  const fields = Object.fromEntries(requestFieldNames.map((name) => [name, entry.sent[name] ?? stored[name]]));
  return { ...event, ...fields };
}

function isEndUserPrincipal(principal: string): boolean {
  return principal === "anon" || principal.startsWith("user:");
}

/** An end user learns another's address and agent from nothing, not even from a right guess of that other's event. */
function maySee(caller: Caller, stored: ExistingRow): boolean {
  return !isEndUser(caller) || (caller.kind === "user" && stored.principal === caller.principal);
}

function storedFields(row: StoredFields): StoredFields {
  const { received_at, principal } = row;
  const fields = requestFieldNames.flatMap((name) => row[name] === undefined ? [] : [[name, row[name]] as const]);
  return { received_at, principal, ...Object.fromEntries(fields) };
}

const conflict: EventError = {
  code: "conflict",
  pointer: "/id",
  message: "id is that of another event of this tenant and time, which stays as it is: send a new id",
};
const dayClosed: EventError = {
  code: "day_closed",
  pointer: "/occurred_at",
  message: "occurred_at lies on a day that takes no more events: it is being archived",
};
const batchRejected: EventError = {
  code: "batch_rejected",
  pointer: "",
  message: "this request stored nothing because another event of its strict batch was refused: correct that one, or leave out Prefer: handling=strict",
};

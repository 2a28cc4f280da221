import type { Entry, PreparedBatch } from "./batch.ts";
import { AuditError, type EventError, problemOf } from "./errors.ts";
import type { AuditEvent } from "./event.ts";
import { formatTimestamp } from "./format/timestamp.ts";
import { requestFieldNames } from "./stamp.ts";
import type { StoredFields, Verdict } from "./verdicts.ts";

/** One event's part of the answer. */
export type EventResult = {
  readonly index: number;
  readonly id?: string;
  readonly occurred_at?: string;
  readonly status: Verdict["status"] | "accepted";
  readonly leaf_hash?: string;
  readonly stored?: StoredFields;
  readonly error?: EventError;
  /** All faults of the event, when there is more than the first one in `error`. */
  readonly errors?: readonly EventError[];
};

/** Milliseconds of each part of the work. */
export type Timing = {
  readonly total_ms: number;
  readonly parse_ms: number;
  readonly validate_ms: number;
  readonly hash_ms: number;
  readonly insert_ms: number;
};

/** What an answer says besides its results. */
export type AnswerFrame = {
  readonly method: "edge" | "api";
  readonly principal: string;
  readonly requestId: string;
  readonly timing: Timing;
  readonly minimal: boolean;
};

/** An answer before it becomes a response: its status, its content type, its body. */
export type Answer = { readonly status: number; readonly contentType: string; readonly body: Record<string, unknown> };

/**
 * The answer to a batch that was stored or refused: 201 all stored, 200 nothing new, 207 some refused, 422 all refused. A 422 is a problem document
 * that carries the results as well. A conflict counts as rejected.
 */
export function answerOf(prepared: PreparedBatch, verdicts: readonly Verdict[], frame: AnswerFrame): Answer {
  const count = (...statuses: Verdict["status"][]) => verdicts.filter(({ status }) => statuses.includes(status)).length;
  const created = count("created");
  const rejected = count("rejected", "conflict");
  const all = verdicts.map((verdict, index) => resultOf(verdict, index));
  const body = {
    created_count: created,
    duplicate_count: count("duplicate"),
    rejected_count: rejected,
    ...commonFields(prepared, frame),
    ...requestFieldsOf(verdicts),
    results: frame.minimal ? all.filter(({ status }) => status !== "created") : all,
    timing: frame.timing,
    request_id: frame.requestId,
  };
  if (rejected === verdicts.length) return problemAnswer(body, frame);
  return { status: rejected > 0 ? 207 : created > 0 ? 201 : 200, contentType: "application/json", body };
}

/**
 * The answer to `Prefer: respond-async`, 202: what was accepted is not durable yet. Under an Idempotency-Key this may be a replay, whose ids and times
 * are those of the first request; so only those are told that the caller sent.
 */
export function asyncAnswerOf(prepared: PreparedBatch, isKeyed: boolean, frame: AnswerFrame): Answer {
  const accepted = prepared.rows.length === 0 ? 0 : prepared.entries.filter(({ errors }) => errors === undefined).length;
  const all = prepared.entries.map((entry, index) => acceptedResult(entry, index, isKeyed));
  const body = {
    accepted_count: accepted,
    rejected_count: prepared.entries.length - accepted,
    durable: false,
    ...commonFields(prepared, frame),
    results: frame.minimal ? all.filter(({ status }) => status !== "accepted") : all,
    timing: frame.timing,
    request_id: frame.requestId,
  };
  return { status: 202, contentType: "application/json", body };
}

function commonFields(prepared: PreparedBatch, frame: AnswerFrame) {
  const { givenTenantId } = prepared;
  return {
    method: frame.method,
    received_at: formatTimestamp(prepared.receivedMs),
    principal: frame.principal,
    ...(givenTenantId === undefined ? {} : { tenant_id: givenTenantId }),
    ...(prepared.unlistedCount === 0 ? {} : { unlisted_count: prepared.unlistedCount }),
  };
}

/** The request's fields, as they were stamped on those events that did not bring their own. */
function requestFieldsOf(verdicts: readonly Verdict[]): { readonly request_fields?: Partial<AuditEvent> } {
  const fields = requestFieldNames.flatMap((name) => {
    const stamped = verdicts.find((verdict) => verdict.status === "created" && verdict.entry.sent[name] === undefined && verdict.event[name] !== undefined);
    return stamped?.status === "created" ? [[name, stamped.event[name]] as const] : [];
  });
  return fields.length === 0 ? {} : { request_fields: Object.fromEntries(fields) };
}

function resultOf(verdict: Verdict, index: number): EventResult {
  if (verdict.status === "rejected") return { index, status: "rejected", ...faultsOf(verdict.errors) };
  const { id, occurred_at } = verdict.entry.row.event;
  if (verdict.status === "conflict") return { index, id, occurred_at, status: "conflict", ...faultsOf(verdict.errors) };
  const stored = verdict.status === "duplicate" && verdict.stored !== undefined ? { stored: verdict.stored } : {};
  return { index, id, occurred_at, status: verdict.status, leaf_hash: verdict.leafHash, ...stored };
}

function acceptedResult(entry: Entry, index: number, isKeyed: boolean): EventResult {
  if (entry.errors !== undefined) return { index, status: "rejected", ...faultsOf(entry.errors) };
  const { id, occurred_at } = entry.row.event;
  const isSent = entry.sent.occurred_at !== undefined && entry.sent.id !== undefined;
  return isKeyed && !isSent ? { index, status: "accepted" } : { index, id, occurred_at, status: "accepted" };
}

function faultsOf(errors: readonly EventError[]): { readonly error?: EventError; readonly errors?: readonly EventError[] } {
  const [error] = errors;
  if (error === undefined) return {};
  return errors.length === 1 ? { error } : { error, errors };
}

function problemAnswer(body: Record<string, unknown>, frame: AnswerFrame): Answer {
  const fault = new AuditError("events_rejected", "store events: every event of the batch was refused; results say why, one by one");
  const problem = problemOf(fault, frame.requestId);
  return { status: problem.status, contentType: "application/problem+json", body: { ...problem, ...body } };
}

/** Timings to a hundredth of a millisecond. */
export function timingOf(totalMs: number, parseMs: number, prepared: PreparedBatch, insertMs: number): Timing {
  const round = (ms: number) => Math.round(ms * 100) / 100;
  return {
    total_ms: round(totalMs),
    parse_ms: round(parseMs),
    validate_ms: round(prepared.validateMs),
    hash_ms: round(prepared.hashMs),
    insert_ms: round(insertMs),
  };
}

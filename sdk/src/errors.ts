import type { DropReason, EventFault } from "./event.ts";

/**
 * What `thrown` says of itself, but for its stack, so that the server can store it: no U+0000, no half of a character. Never throws: anything can be
 * thrown, also what throws when it is looked at.
 */
export function described(thrown: unknown): { readonly name?: unknown; readonly message: string; readonly code?: unknown } {
  try {
    const { name = "Error", message = thrown, code } = Object(thrown) as Record<string, unknown>;
    return { name, message: String(message).slice(0, 1000).replace(/[\0\ud800-\udfff]/gu, "\ufffd"), code };
  } catch {
    return { message: "unreadable" };
  }
}

/** The settings of a client contradict each other or lack something. */
export class AuditConfigurationError extends Error {
  override name = "AuditConfigurationError";
}

/** What became of an event that is not stored, or not as it was sent. */
class EventError extends Error {
  constructor(what: string, fields: object, cause?: unknown) {
    super(`log event: ${what}`, { cause });
    Object.assign(this, fields);
  }
}

/**
 * The event is not stored as it was sent and no longer queued. `code` says why: a fault of the event, a credential that is refused, or
 * `receipt_mismatch`, when the leaf hash that came back belongs to something else.
 */
export class AuditRejectedError extends EventError {
  override name = "AuditRejectedError";
  /** A code of `docs/reference/errors.md`, or `receipt_mismatch`. */
  declare readonly code: string;
  /** JSON Pointer into the event, when the fault has a place in it. */
  declare readonly pointer?: string;
  constructor({ code, message, pointer }: EventFault) {
    super(`rejected: ${code}: ${message}`, { code, pointer });
  }
}

/** The event did not reach the server and is no longer queued: the client counted it as dropped. */
export class AuditDroppedError extends EventError {
  override name = "AuditDroppedError";
  /** Why it was given up. */
  declare readonly reason: DropReason;
  constructor(reason: DropReason, cause?: unknown) {
    super(`dropped: ${reason}`, { reason }, cause);
  }
}

/** The event is not known to be stored yet, but still queued, in memory or on disk: logging it again would need the same `id`. */
export class AuditPendingError extends EventError {
  override name = "AuditPendingError";
  /** Of the event that is still queued. */
  declare readonly id: string;
  constructor(id: string, cause?: unknown) {
    super(`no verdict yet: event ${id} stays queued`, { id }, cause);
  }
}

/** An event that was read has a leaf hash that its fields do not give. */
export class AuditReceiptError extends Error {
  override name = "AuditReceiptError";
  /** Of the event that was read. */
  readonly id: string;
  constructor(id: string) {
    super(`read event: leaf hash of event ${id}: is not that of its fields`);
    this.id = id;
  }
}

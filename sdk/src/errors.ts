import type { DropReason, EventFault } from "./event.ts";

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

/** The server looked at the event and will not store it, however often it is sent. */
export class AuditRejectedError extends EventError {
  override name = "AuditRejectedError";
  declare readonly code: string;
  /** JSON Pointer into the event. */
  declare readonly pointer?: string;
  constructor(fault: EventFault) {
    super(`rejected: ${fault.code}: ${fault.message}`, { code: fault.code, pointer: fault.pointer });
  }
}

/** The server does not accept the credential, or not for this: the event is neither stored nor queued. */
export class AuditRefusedError extends EventError {
  override name = "AuditRefusedError";
  declare readonly code: string;
  constructor({ code, message }: EventFault) {
    super(`credential refused: ${code}: ${message}`, { code });
  }
}

/** The event did not reach the server and is no longer queued: the client counted it as dropped. */
export class AuditDroppedError extends EventError {
  override name = "AuditDroppedError";
  declare readonly reason: DropReason;
  constructor(reason: DropReason, cause?: unknown) {
    super(`dropped: ${reason}`, { reason }, cause);
  }
}

/** The event is not known to be stored yet, but still queued, in memory or on disk: logging it again would need the same `id`. */
export class AuditPendingError extends EventError {
  override name = "AuditPendingError";
  declare readonly id: string;
  constructor(id: string, cause?: unknown) {
    super(`no verdict yet: event ${id} stays queued`, { id }, cause);
  }
}

/** The event is stored, but the leaf hash the server returned is not the hash of what was sent. */
export class AuditReceiptError extends EventError {
  override name = "AuditReceiptError";
  declare readonly id: string;
  constructor(id: string) {
    super(`stored, but its leaf hash is not its own: event ${id}`, { id });
  }
}

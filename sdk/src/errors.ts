import type { DropReason, EventFault } from "./event.ts";

/** The settings of a client contradict each other or lack something. */
export class AuditConfigurationError extends Error {
  override name = "AuditConfigurationError";
}

/** The server looked at the event and will not store it, however often it is sent. */
export class AuditRejectedError extends Error {
  override name = "AuditRejectedError";
  readonly code: string;
  readonly pointer: string | undefined;
  constructor(fault: EventFault) {
    super(`log event: rejected by the server: ${fault.code}${fault.pointer ? ` at ${fault.pointer}` : ""}: ${fault.message}`);
    this.code = fault.code;
    this.pointer = fault.pointer;
  }
}

/** The event did not reach the server and is no longer queued: the client counted it as dropped. */
export class AuditDroppedError extends Error {
  override name = "AuditDroppedError";
  readonly reason: DropReason;
  constructor(reason: DropReason, cause?: unknown) {
    super(`log event: dropped: ${reason}`, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/** No answer within the time the caller gave. The event is still queued and will be sent: logging it again would need the same `id`. */
export class AuditTimeoutError extends Error {
  override name = "AuditTimeoutError";
  readonly queued = true;
  readonly id: string;
  constructor(id: string, timeoutMs: number, cause?: unknown) {
    super(`log event: no answer within ${timeoutMs} ms; event ${id} stays queued`, cause === undefined ? undefined : { cause });
    this.id = id;
  }
}

/** The event is stored, but the leaf hash the server returned is not the hash of what was sent. */
export class AuditReceiptError extends Error {
  override name = "AuditReceiptError";
  readonly id: string;
  constructor(id: string) {
    super(`verify receipt: leaf hash of event ${id}: does not belong to what was sent`);
    this.id = id;
  }
}

/** The server does not accept the credential, or not for this: the event is not stored and not queued. */
export class AuditRefusedError extends Error {
  override name = "AuditRefusedError";
  readonly code: string;
  constructor(fault: EventFault) {
    super(`log event: credential refused: ${fault.code}: ${fault.message}`);
    this.code = fault.code;
  }
}

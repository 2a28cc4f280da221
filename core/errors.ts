/**
 * Faults that a caller can act on. `code` is stable and documented; `message` says the action, the value's name and what is true now,
 * and never repeats a value that was sent. Broken invariants are plain assertions, not AuditErrors.
 */
export class AuditError extends Error {
  readonly code: ErrorCode;
  /** JSON Pointer (RFC 6901) to what is wrong in the body, or the parameter's name in a query. */
  readonly pointer: string | undefined;
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
  /** Fields that the answer carries besides. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Every fault of the request, when there may be several; else `pointer` and `message` are the only one. */
  readonly details: readonly ProblemDetail[] | undefined;
  override name = "AuditError";

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly pointer?: string;
      readonly retryAfterSeconds?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly details?: readonly ProblemDetail[];
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.pointer = options.pointer;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers;
    this.details = options.details;
  }
}

/** HTTP status and title of every request-level code: the only place that maps codes to HTTP. */
export const errorCodes = {
  malformed_json: { status: 400, title: "Body is not JSON" },
  invalid_utf8: { status: 400, title: "Body is not UTF-8" },
  invalid_request: { status: 400, title: "Request is not valid" },
  invalid_parameter: { status: 400, title: "Parameter is not valid" },
  unknown_parameter: { status: 400, title: "Parameter is not known" },
  invalid_cursor: { status: 400, title: "Cursor is not valid here" },
  at_required: { status: 400, title: "Time of the event is needed" },
  body_too_deep: { status: 400, title: "Body nests too deeply" },
  unauthenticated: { status: 401, title: "Credential is missing or not valid" },
  forbidden: { status: 403, title: "Credential does not allow this" },
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "Method is not allowed here" },
  request_timeout: { status: 408, title: "Body did not arrive in time" },
  conflict: { status: 409, title: "State does not allow this" },
  held: { status: 409, title: "A legal hold covers it" },
  position_archived: { status: 410, title: "Events after this position are archived" },
  body_too_large: { status: 413, title: "Body is too large" },
  too_many_events: { status: 413, title: "Too many events in one request" },
  unsupported_media_type: { status: 415, title: "Content type or encoding is not supported" },
  events_rejected: { status: 422, title: "No event was stored" },
  idempotency_key_reused: { status: 422, title: "Idempotency-Key was used with another body" },
  rate_limited: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Internal fault" },
  archive_fault: { status: 500, title: "An archive is not what it must be" },
  not_recorded: { status: 503, title: "The access could not be recorded" },
  unavailable: { status: 503, title: "A part of the service is not available" },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** Why one event of a batch was not stored. */
export type EventErrorCode =
  | "required"
  | "invalid_type"
  | "invalid_value"
  | "unknown_field"
  | "ambiguous_field"
  | "too_long"
  | "too_deep"
  | "too_many_keys"
  | "forbidden_key"
  | "nul_character"
  | "lone_surrogate"
  | "number_out_of_range"
  | "event_too_large"
  | "time_too_old"
  | "time_too_new"
  | "id_needs_time"
  | "tenant_required"
  | "tenant_forbidden"
  | "day_closed"
  | "reserved_event_type"
  | "unknown_event_type"
  | "invalid_context"
  | "conflict"
  | "batch_rejected";

/** One event's fault: `pointer` is relative to the event (`/context/a`), `message` never holds a value. */
export type EventError = { readonly code: EventErrorCode; readonly pointer: string; readonly message: string };

/** One fault of a request. `position` and `length` (UTF-16 code units) say where in a parameter's text it is, `hint` what to write instead. */
export type ProblemDetail = {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
  readonly position?: number;
  readonly length?: number;
  readonly hint?: string;
};

/** The body of an RFC 9457 problem. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly request_id: string;
  readonly errors?: readonly ProblemDetail[];
};

/** What `error` looks like to a caller, RFC 9457; anything that is not an AuditError is `internal` and says nothing. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known = error instanceof AuditError ? error : new AuditError("internal", "handle request: unexpected fault");
  const { status, title } = errorCodes[known.code];
  const details = known.details ?? (known.pointer === undefined ? undefined : [{ code: "invalid_value", pointer: known.pointer, message: known.message }]);
  return {
    type: `https://audit-events.dev/errors/${known.code}`,
    title,
    status,
    code: known.code,
    detail: known.message,
    request_id: requestId,
    ...(details === undefined ? {} : { errors: details }),
  };
}

/** `error` as an RFC 9457 response, with `Retry-After` where a retry makes sense. */
export function problemResponse(error: unknown, requestId: string, headers: HeadersInit = {}): Response {
  const problem = problemOf(error, requestId);
  const all = new Headers(headers);
  all.set("content-type", "application/problem+json");
  all.set("x-request-id", requestId);
  for (const [name, value] of Object.entries((error instanceof AuditError ? error.headers : undefined) ?? {})) all.set(name, value);
  if (error instanceof AuditError && error.retryAfterSeconds !== undefined) {
    all.set("retry-after", String(error.retryAfterSeconds));
  }
  if (problem.status === 401) all.set("www-authenticate", "Bearer");
  return new Response(JSON.stringify(problem), { status: problem.status, headers: all });
}

import { AuditError } from "../../core/errors.ts";

/**
 * What may be told of a failed call to the database, in a log: which rule, never which values. The driver's own error is dropped, because its
 * message and DETAIL repeat what was sent.
 */
export class DatabaseFault extends Error {
  override name = "DatabaseFault";
  /** Five characters of PostgreSQL's appendix A; undefined when the server was not reached or did not answer. */
  readonly sqlstate: string | undefined;
  /** The constraint that was broken, where the server names one. */
  readonly constraint: string | undefined;
  /** Node's code of a network fault, such as ECONNREFUSED. */
  readonly networkCode: string | undefined;
  /** True when the connection must not be used again. */
  readonly isConnectionLost: boolean;

  /** `reason` is the error's own message where nothing has been sent yet that it could repeat. */
  constructor(action: string, error: unknown, reason?: string) {
    const { code, constraint } = error as { readonly code?: unknown; readonly constraint?: unknown };
    const sqlstate = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && "severity" in (error as object) ? code : undefined;
    const networkCode = typeof code === "string" && sqlstate === undefined ? code : undefined;
    const rule = typeof constraint === "string" ? constraint : undefined;
    super(`${action}: ${sqlstate === undefined ? reason ?? networkCode ?? "no answer" : `SQLSTATE ${sqlstate}${rule === undefined ? "" : ` (${rule})`}`}`);
    this.sqlstate = sqlstate;
    this.constraint = rule;
    this.networkCode = networkCode;
    // A connection that was opened while the database only read goes on refusing to write when the database writes again.
    this.isConnectionLost = sqlstate === undefined || /^(08|57P|25006$)/.test(sqlstate);
  }
}

/** The fault of one call to the database as its caller sees it: `unavailable` where a retry can help, else `internal`. `action` says what was tried. */
export function faultOf(action: string, error: unknown): AuditError {
  const cause = error instanceof DatabaseFault ? error : new DatabaseFault(action, error);
  const retryAfterSeconds = cause.sqlstate === undefined ? 2 : retryAfter(cause.sqlstate);
  if (retryAfterSeconds === undefined) return new AuditError("internal", `${action}: the database refused`, { cause });
  return new AuditError("unavailable", `${action}: the database is not available`, { retryAfterSeconds, cause });
}

/** The fault of not getting a connection: what the runtime says of it (a certificate, a host name, a time-out) is told to the operator. */
export function connectFaultOf(action: string, error: unknown): AuditError {
  return faultOf(action, new DatabaseFault(action, error, error instanceof Error ? `connect: ${error.message}` : undefined));
}

/** The database's fault behind an error of ours, if there is one. */
export function databaseFaultOf(error: unknown): DatabaseFault | undefined {
  return error instanceof AuditError && error.cause instanceof DatabaseFault ? error.cause : undefined;
}

/** Seconds after which the same call may succeed, or undefined when it never will. */
function retryAfter(sqlstate: string): number | undefined {
  for (const [pattern, seconds] of retryable) {
    if (pattern.test(sqlstate)) return seconds;
  }
  return undefined;
}

const retryable: readonly (readonly [RegExp, number])[] = [
  // Gone, going, starting, or another server took over and this one only reads.
  [/^(08|57P|25006$)/, 2],
  // Serialisation failure, deadlock, lock or statement timeout, idle in transaction.
  [/^(40|55P03$|57014$|25P03$)/, 1],
  // Too many connections, out of memory or disk; XX000 is what poolers say when they have no server connection to give.
  [/^(53|XX000$)/, 5],
  // Wrong password, no such database, schema, function or role, no grant: an installation that is not finished, and events that must wait for it.
  [/^(28|3D000$|3F000$|42P01$|42883$|42704$|22023$|42501$)/, 30],
];

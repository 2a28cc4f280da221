import { AuditError } from "../../core/errors.ts";
import { AuditApiError } from "../../sdk/src/query.ts";
import { DatabaseFault } from "../../adapters/postgres/database-fault.ts";
import { printableLines } from "./table.ts";

/** Why a command could not do its work, and what its user can do about it. */
export type Failure = { readonly code: string; readonly message: string; readonly hint?: string | undefined };

/** A fault that a command found itself: `message` says the action, the value's name and what is true now, `hint` what to do. */
export class CommandError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  override name = "CommandError";

  constructor(code: string, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
  }
}

/** Whatever was thrown, in words for whoever typed the command. Raw codes of Node and Postgres become what they mean here. */
export function explain(fault: unknown): Failure {
  if (fault instanceof CommandError) return { code: fault.code, message: fault.message, hint: fault.hint };
  if (fault instanceof AuditError) {
    const below = fault.cause instanceof DatabaseFault ? databaseHint(fault.cause.sqlstate ?? fault.cause.networkCode) : undefined;
    const detail = fault.cause instanceof DatabaseFault ? ` (${fault.cause.message})` : "";
    return { code: fault.code, message: `${fault.message}${detail}`, hint: below };
  }
  if (fault instanceof AuditApiError) return apiFailure(fault);
  const known = innermost(fault);
  if (known.code !== undefined && "severity" in known) {
    return { code: "database_refused", message: `ask database: ${known.message}`, hint: databaseHint(known.code) };
  }
  if (known.syscall === "connect" || known.syscall === "getaddrinfo" || /^(ECONNRESET|ETIMEDOUT|UND_ERR_SOCKET)$/.test(known.code ?? "")) {
    return unreachable("connect", known);
  }
  if (fault instanceof TypeError && fault.message === "fetch failed") return unreachable("ask service", known);
  // Reading a folder gives an error without its name.
  const file = fileFailure(known.code, known.path ?? "file");
  return file ?? { code: "failed", message: known.message || String(known.code ?? known.name) };
}

function apiFailure({ status, code, message, errors, cause }: AuditApiError): Failure {
  if (status === 0) return unreachable("ask API", innermost(cause));
  const faults = errors.flatMap((fault) => faultLines(fault, message)).map((line) => `\n  ${line}`).join("");
  return { code, message: `${message}${faults}`, hint: apiHints[status] };
}

/** What the message does not say already: a single fault it does, but not what to write instead. The service gives faults of a query a `hint`. */
function faultLines(fault: AuditApiError["errors"][number] & { readonly hint?: string }, message: string): readonly string[] {
  return [...message.endsWith(fault.message) ? [] : [`${fault.pointer}: ${fault.message}`], ...fault.hint === undefined ? [] : [fault.hint]];
}

/** Nothing answers, or not in TLS, or with a certificate that this machine does not believe. */
function unreachable(action: string, known: Known): Failure {
  const reason = known.code ?? known.message;
  const isTls = /^(ERR_SSL_|ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(reason);
  return {
    code: "unreachable",
    message: `${action}${placeOf(known)}: ${reason}: ${isTls ? "no secure connection comes about" : "nothing answers there"}`,
    hint: isTls ? "check http or https in the address, and the server's certificate (NODE_EXTRA_CA_CERTS names others to believe)" : unreachableHint,
  };
}

const apiHints: Readonly<Record<number, string>> = {
  401: "the key or token is missing, wrong, expired or revoked: check AUDIT_API_KEY (for seal and archive run AUDIT_SECRET_KEY), or give --local",
  403: "use a key or token of this tenant with the scope that the message names",
  404: "check the address in AUDIT_API_URL or AUDIT_URL, and the id",
  429: "wait a little, then run the same command again",
  503: "wait a little, then run the same command again",
};

type Known = Error & {
  readonly code?: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly address?: string;
  readonly hostname?: string;
  readonly port?: number;
};

/** The error that says the reason: pg gives an AggregateError when a name has several addresses, fetch hides its reason in `cause`. */
function innermost(fault: unknown): Known {
  if (!(fault instanceof Error)) return new Error(String(fault));
  const [first] = fault instanceof AggregateError ? fault.errors : [];
  const inner: unknown = first ?? (fault instanceof TypeError && fault.message === "fetch failed" ? fault.cause : undefined);
  return inner === undefined ? fault as Known : innermost(inner);
}

function placeOf({ address, hostname, port }: Known): string {
  const host = address ?? hostname;
  return host === undefined ? "" : ` to ${host}${port === undefined ? "" : `:${port}`}`;
}

const unreachableHint = "start the stack (npm start), or check the address and that this machine may reach it";

const databaseHints: readonly (readonly [RegExp, string])[] = [
  [/^28/, "check user and password in the database URL"],
  [/^3D000$/, "check the name of the database at the end of its URL"],
  [/^(3F000|42P01|42883|42703|42704)$/, "the schema is missing or older than this command: apply the migrations (supabase db push)"],
  [/^(42501|22023)$/, "use the login that applied the migrations (postgres on Supabase): it may take the roles of the log"],
  [/^53/, "the server has no connection or memory left: try again, or use the pooler's address (port 6543)"],
  [/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ECONNRESET)$/, unreachableHint],
];

function databaseHint(code: string | undefined): string | undefined {
  return databaseHints.find(([pattern]) => pattern.test(code ?? ""))?.[1];
}

const fileReasons: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ["there is no such file or folder", "check its name; relative names count from the current folder"],
  EACCES: ["this account may not touch it", "run as its owner, or choose another place"],
  EEXIST: ["it is there already", "choose another name: nothing is overwritten"],
  EISDIR: ["it is a folder", "name a file"],
  ENOTDIR: ["a part of it is a file, no folder", "check its name"],
  ENOSPC: ["the disk is full", "make room, then run the same command again"],
};

function fileFailure(code: string | undefined, path: string): Failure | undefined {
  const [reason, hint] = fileReasons[code ?? ""] ?? [];
  return reason === undefined ? undefined : { code: `file_${code?.toLowerCase()}`, message: `open ${path}: ${reason}`, hint };
}

export function failureText({ message, hint }: Failure): string {
  return printableLines(hint === undefined ? message : `${message}\n${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`);
}

export function failureJson({ code, message, hint }: Failure): string {
  return JSON.stringify({ status: "failed", code, message, ...hint === undefined ? {} : { hint } });
}

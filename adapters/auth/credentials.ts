import { AuditError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";

/** What a request shows, unverified: the bearer of `Authorization`, and Supabase's `apikey`. */
export type Credentials = { readonly bearer: string | undefined; readonly apikey: string | undefined };

/**
 * The credentials of a request. Throws `unauthenticated` when there are none, when `Authorization` is of another scheme or sent twice, and when
 * one is longer than any credential of ours: nothing is decoded before it is measured.
 */
export function credentialsOf(headers: Headers): Credentials {
  const authorization = headers.get("authorization");
  const apikey = headers.get("apikey") ?? undefined;
  if (authorization === null && apikey === undefined) {
    throw unauthenticated("no Authorization or apikey header: send an API key or a user's token as Authorization: Bearer");
  }
  const bearer = authorization === null ? undefined : /^Bearer +(\S+)$/i.exec(measured(authorization))?.[1];
  if (authorization !== null && bearer === undefined) {
    throw unauthenticated("Authorization is not one Bearer credential: send Bearer, a space, and one API key or user's token");
  }
  return { bearer, apikey: apikey === undefined ? undefined : measured(apikey) };
}

/** The fault of a request whose credential is missing or not valid; `reason` never holds any of it, and says what to send instead. */
export function unauthenticated(reason: string, cause?: unknown): AuditError {
  return new AuditError("unauthenticated", `authenticate: ${reason}`, { cause });
}

function measured(header: string): string {
  if (header.length > limits.credentialBytesMax) {
    throw unauthenticated(`credential is longer than ${limits.credentialBytesMax} bytes: send an API key or a user's token`);
  }
  return header;
}

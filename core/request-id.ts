import { toHex } from "./format/hex.ts";

const sane = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;

/** The request's own id when it is harmless to repeat and to log, else a new one. */
export function requestIdOf(request: Request, randomBytes: (length: number) => Uint8Array): string {
  const sent = request.headers.get("x-request-id");
  return sent !== null && sane.test(sent) ? sent : toHex(randomBytes(16));
}

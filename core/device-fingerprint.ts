import { toHex } from "./format/hex.ts";
import type { Sha256 } from "./ports.ts";

/**
 * Headers that one browser on one device sends alike for weeks. They are the only ones that count, in this order: no cookies, no address, nothing
 * that a script would have to collect. Two devices of the same make and language have the same fingerprint: it narrows, it does not identify.
 */
export const fingerprintHeaders = ["user-agent", "accept-language", "accept-encoding", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"] as const;

const encoder = new TextEncoder();

/** SHA-256, in hexadecimal, of `name: value` lines of those headers that are there; undefined when none is. */
export function deviceFingerprint(headers: Headers, sha256: Sha256): string | undefined {
  const lines = fingerprintHeaders.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [`${name}: ${value}\n`];
  });
  return lines.length === 0 ? undefined : toHex(sha256(encoder.encode(lines.join(""))));
}

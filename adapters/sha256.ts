import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Hmac, TextSha256 } from "../core/ports.ts";

/** SHA-256 by the runtime's native code, without an await. */
export const sha256: TextSha256 = Object.assign((bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest(), {
  hex: (text: string) => createHash("sha256").update(text, "utf8").digest("hex"),
});

/** HMAC-SHA-256 under `secret`. */
export function hmacSha256(secret: string): Hmac {
  return (bytes) => createHmac("sha256", secret).update(bytes).digest();
}

/** SHA-256 of a text's UTF-8 bytes. */
export function sha256OfText(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}

/** True when two digests are equal; takes the same time wherever they differ. */
export function equalDigests(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** SHA-256 over bytes that come in pieces, such as a file that is never in memory as a whole. */
export function runningSha256(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

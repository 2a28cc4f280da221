import { createHash } from "node:crypto";
import type { TextSha256 } from "../../core/ports.ts";

/** SHA-256 as entries inject it. */
export const sha256: TextSha256 = Object.assign((bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest(), {
  hex: (text: string) => createHash("sha256").update(text).digest("hex"),
});

import { canonicalJson } from "./format/canonical-json.ts";
import type { Json } from "./event.ts";
import { makeUuid7 } from "./format/uuid7.ts";
import type { Sha256 } from "./ports.ts";

/**
 * The id of an imported event whose source has none: version 7 of its time and of a SHA-256, so that every run gives the same. `key` is what tells the
 * record from others: the source's own key where it has one, else the record itself.
 */
export function importedId(occurredMs: number, key: Json, sha256: Sha256): string {
  const name = new TextEncoder().encode(`audit-events import v1\0${canonicalJson(key)}`);
  return makeUuid7(occurredMs, sha256(name).subarray(0, 16));
}

/** The id of an import, a version-8 UUID (RFC 9562 section 5.8): the same source, tenant and mapping are the same import, so that it can be resumed. */
export function importIdOf(identity: Json, sha256: Sha256): string {
  const bytes = sha256(new TextEncoder().encode(canonicalJson(identity))).slice(0, 16);
  bytes[6] = (bytes[6] as number) & 0x0f | 0x80;
  bytes[8] = (bytes[8] as number) & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

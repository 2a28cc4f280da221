import { v7 } from "uuid";
import { latestMs } from "./timestamp.ts";

// RFC 9562 section 4, the 36-character text only: Postgres also takes braces and no dashes, which would be other text for the same value.
const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const formAnyCase = new RegExp(form.source, "i");

/** `text` in lower case when it is a UUID of any version, else undefined. */
export function parseUuid(text: string): string | undefined {
  if (form.test(text)) return text;
  return formAnyCase.test(text) ? text.toLowerCase() : undefined;
}

/**
 * Milliseconds since 1970 in a version-7 UUID (RFC 9562 section 5.7), as `parseUuid` returns one; undefined for other versions and variants, and past
 * the year 9999, of which 48 bits know nine hundred more.
 */
export function uuid7Ms(uuid: string): number | undefined {
  if (uuid[14] !== "7" || !"89ab".includes(uuid[19] as string)) return undefined;
  const ms = parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
  return ms > latestMs ? undefined : ms;
}

/** A version-7 UUID of `ms`, made of 16 bytes of `random` and nothing else: the same input gives the same UUID. */
export function makeUuid7(ms: number, random: Uint8Array): string {
  return v7({ msecs: ms, random });
}

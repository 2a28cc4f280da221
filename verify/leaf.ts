import type { Hash } from "./sha256.ts";

/** An event by column, as rows, exports and answers hold it: absent, null and undefined are one. Values are JSON. */
export type EventRecord = { readonly [column: string]: unknown };

/** The columns of a leaf in the order of their UTF-16 code units, as RFC 8785 sorts them; `v` follows, docs/format/event.md. */
export const leafColumns = [
  "actor_id",
  "actor_type",
  "context",
  "device_fingerprint",
  "duration_ms",
  "event_type",
  "id",
  "ip_address",
  "message",
  "object_id",
  "object_type",
  "occurred_at",
  "principal",
  "producer_id",
  "producer_seq",
  "received_at",
  "request_id",
  "result",
  "source",
  "tenant_id",
  "user_agent",
] as const;

/** The leaf of an event: `{"v":1}` and its columns that are not null, in canonical JSON. Throws on a value that no leaf can hold. */
export function leafOf(event: EventRecord): string {
  let leaf = "{";
  for (const column of leafColumns) {
    const value = event[column];
    if (value !== undefined && value !== null) leaf += `"${column}":${typeof value === "string" ? quoted(value) : canonical(value)},`;
  }
  return `${leaf}"v":1}`;
}

/** RFC 8785 canonical JSON. Throws on what JSON cannot say: numbers that are not finite, lone surrogates, functions. */
export function canonical(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError("canonical JSON: number: is not finite");
    return JSON.stringify(value);
  }
  if (value === null || value === true || value === false) return String(value);
  if (Array.isArray(value)) {
    let items = "";
    for (let i = 0; i < value.length; i++) items += `${i === 0 ? "" : ","}${canonical(value[i])}`;
    return `[${items}]`;
  }
  if (typeof value !== "object") throw new TypeError(`canonical JSON: value: is a ${typeof value}`);
  // Array.prototype.sort compares UTF-16 code units, which is RFC 8785 section 3.2.3.
  const keys = Object.keys(value).sort();
  let members = "";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    members += `${i === 0 ? "" : ","}${quoted(key)}:${canonical((value as Record<string, unknown>)[key])}`;
  }
  return `{${members}}`;
}

/** Characters that stand for themselves, RFC 8785 section 3.2.2.2: a test that costs half of what quoting does, and nearly always holds. */
const plain = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError("canonical JSON: string: has a lone surrogate");
  return JSON.stringify(text);
}

const encoder = new TextEncoder();
let room = new Uint8Array(1 << 17);

/** SHA-256(0x00 ‖ leaf), RFC 6962 section 2.1. */
export function leafHash(hash: Hash, leaf: string): Uint8Array {
  if (room.length < 1 + leaf.length * 3) room = new Uint8Array(1 + leaf.length * 3);
  room[0] = 0;
  const { written } = encoder.encodeInto(leaf, room.subarray(1));
  return hash(room.subarray(0, 1 + written));
}

/** The leaf hash of an event, rebuilt from its columns; undefined when no leaf can hold a value of it, which was then not there when the event was hashed. */
export function rebuiltLeafHash(hash: Hash, event: EventRecord): Uint8Array | undefined {
  try {
    return leafHash(hash, leafOf(event));
  } catch {
    return undefined;
  }
}

import { createHash } from "node:crypto";
import { parseJson } from "../../verify/json.ts";

/** A row of `audit_log.events` exactly as PostgreSQL prints it: every column as text, null where it is null. */
export type StoredRow = { readonly [column: string]: string | null };

/**
 * The leaf hash that a stored row must have, hex. A second implementation of docs/format/event.md, written from the page and sharing no line
 * with the one under test: a fault that both the writer and its own reader make the same way would otherwise stay invisible. JSON is read by the
 * verifier's parser, because the runtime's own mistakes some keys.
 */
export function recomputeLeafHash(row: StoredRow): string {
  const leaf = Buffer.from(recomputeLeaf(row), "utf8");
  return createHash("sha256").update(Uint8Array.of(0)).update(leaf).digest("hex");
}

const integerColumns = new Set(["duration_ms", "producer_seq"]);
const timeColumns = new Set(["occurred_at", "received_at"]);
// The hashes are made of other columns, for indexes.
const leftOut = new Set(["seq", "leaf_hash", "actor_hash", "object_hash"]);

/** Canonical JSON of a stored row: version, and every column that is not null but those left out. Throws where a column cannot be in a leaf. */
export function recomputeLeaf(row: StoredRow): string {
  const members = new Map<string, string>([["v", "1"]]);
  for (const [column, text] of Object.entries(row)) {
    if (text === null || leftOut.has(column)) continue;
    members.set(column, memberText(column, text));
  }
  return objectText(members);
}

function memberText(column: string, text: string): string {
  if (timeColumns.has(column)) return quote(milliseconds(text));
  if (integerColumns.has(column)) return numberText(Number(text));
  if (column === "context") return canonical(parseJson(text));
  if (column === "ip_address") return quote(addressText(text));
  return quote(text);
}

/** RFC 8785 text of a parsed value. */
export function canonical(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = new Map<string, string>();
  for (const key of Object.keys(value as object)) members.set(key, canonical((value as Record<string, unknown>)[key]));
  return objectText(members);
}

function objectText(members: ReadonlyMap<string, string>): string {
  const keys = [...members.keys()].sort((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${quote(key)}:${members.get(key)}`).join(",")}}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Error("canonical number: not finite");
  return Object.is(value, -0) ? "0" : String(value);
}

const shortEscapes = new Map([[0x08, "\\b"], [0x09, "\\t"], [0x0a, "\\n"], [0x0c, "\\f"], [0x0d, "\\r"], [0x22, '\\"'], [0x5c, "\\\\"]]);

function quote(text: string): string {
  let out = '"';
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const short = shortEscapes.get(unit);
    if (short !== undefined) out += short;
    else if (unit < 0x20) out += `\\u${unit.toString(16).padStart(4, "0")}`;
    else out += text[at];
  }
  return `${out}"`;
}

/** `2026-11-22 02:03:04.5+00`, PostgreSQL's ISO output in UTC, as RFC 3339 with three digits; throws if a finer digit was stored. */
function milliseconds(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?\+00$/.exec(text);
  if (match === null) throw new Error(`stored time: not UTC milliseconds: ${text}`);
  return `${match[1]}T${match[2]}.${(match[3] ?? "").padEnd(3, "0")}Z`;
}

/** RFC 5952 by way of the WHATWG URL serialiser, which compresses the same way; an IPv4-mapped address is written as IPv4. */
function addressText(text: string): string {
  const [address, mask] = text.split("/") as [string, string | undefined];
  if (mask !== undefined && mask !== (address.includes(":") ? "128" : "32")) throw new Error("stored address: has a mask");
  if (!address.includes(":")) return address;
  const compressed = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed);
  if (mapped === null) return compressed;
  const [high, low] = mapped.slice(1).map((group) => parseInt(group, 16)) as [number, number];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

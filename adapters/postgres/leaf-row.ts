import { limits } from "../../core/limits.ts";
import { writeContext } from "./leaf-context.ts";
import { append, copyUpTo, type LeafCursor, quote, quoteUpTo } from "./leaf-text.ts";

const delimiter = 0x01;
const absent = 0x02;

/** A leaf's columns in their order, and how each is written: `front` from what stands in front of the row, the others from the next text. */
const columns = [
  ["actor_id", "text"],
  ["actor_type", "text"],
  ["context", "json"],
  ["device_fingerprint", "text"],
  ["duration_ms", "number"],
  ["event_type", "text"],
  ["id", "front"],
  ["ip_address", "address"],
  ["message", "text"],
  ["object_id", "text"],
  ["object_type", "text"],
  ["occurred_at", "front"],
  ["principal", "text"],
  ["producer_id", "text"],
  ["producer_seq", "number"],
  ["received_at", "front"],
  ["request_id", "text"],
  ["result", "text"],
  ["source", "text"],
  ["tenant_id", "front"],
  ["user_agent", "text"],
] as const;
const body = columns.filter(([, kind]) => kind !== "front");

/**
 * A row as one text: what stands in front, and then its columns, each with a mark where it is null, and how many of them are. Nothing is escaped by Postgres, which
 * takes three times as long when it does. A text that holds one of the two marks itself gives another number of columns or of nulls.
 */
export const leafRowColumns = `concat_ws(e'\\x01', seq, encode(leaf_hash, 'hex'), tenant_id, id, occurred_at, received_at, num_nulls(${
  body.map(([column]) => column).join(", ")
}), ${body.map(([column, kind]) => `coalesce(${column}${kind === "text" ? "" : "::text"}, e'\\x02')`).join(", ")}, '')`;

/** What stands in front of a row: its seq, places of what is found in its text again, and the time as a number. */
export type LeafRow = { seq: number; hashAt: number; tenantAt: number; idAt: number; occurredAt: number; receivedAt: number; nulls: number };

const labels = columns.map(([column]) => Uint8Array.from(`"${column}":`, (character) => character.charCodeAt(0)));
const version = Uint8Array.from('"v":1}', (character) => character.charCodeAt(0));
export const uuidLength = 36;
const hexLength = 64;

/** Bytes of the longest row whose leaf is written, and what that may take: a control character becomes six. */
export const leafRowMax = limits.leafBytesMax;
export const leafRoom = 6 * (leafRowMax + 1024);

/**
 * Writes the leaf of a row as `leafRowColumns` prints it in UTC and DateStyle ISO, and fills `row`. True when the bytes say what the row says, no
 * more and no less; false when this is not the code to read it: then the exact way decides, `seal-leaf.ts`.
 */
export function writeLeaf(cursor: LeafCursor, row: LeafRow): boolean {
  const { input, bytes, length } = cursor;
  if (!readFront(cursor, row) || length > leafRowMax) return false;
  const start = cursor.end;
  bytes[cursor.end++] = 0x00;
  bytes[cursor.end++] = 0x7b;
  let nulls = 0;
  for (let index = 0; index < columns.length; index++) {
    const [column, kind] = columns[index] as (typeof columns)[number];
    if (kind !== "front" && input[cursor.place] === absent && input[cursor.place + 1] === delimiter) {
      nulls++;
      cursor.place += 2;
      continue;
    }
    append(cursor, labels[index] as Uint8Array);
    if (kind === "front") {
      if (!writeFront(cursor, row, column)) return false;
    } else {
      if (!writeValue(cursor, kind) || input[cursor.place] !== delimiter) return false;
      cursor.place++;
    }
    bytes[cursor.end++] = 0x2c;
  }
  append(cursor, version);
  return cursor.place === length && nulls === row.nulls && cursor.end - start - 1 <= limits.leafBytesMax;
}

function writeValue(cursor: LeafCursor, kind: "text" | "number" | "json" | "address"): boolean {
  if (kind === "json") return writeContext(cursor);
  if (kind === "address") return writeAddress(cursor);
  if (kind === "number") copyUpTo(cursor, delimiter);
  else quoteUpTo(cursor, delimiter);
  return true;
}

/** An address without the length of its mask, which must be whole; Postgres writes the last 32 bits of some IPv6 addresses as IPv4: not here. */
function writeAddress(cursor: LeafCursor): boolean {
  const { input, bytes } = cursor;
  let colons = 0;
  let dots = 0;
  bytes[cursor.end++] = quote;
  for (; cursor.place < cursor.length && input[cursor.place] !== 0x2f; cursor.place++) {
    const code = input[cursor.place] as number;
    if (code < 0x20) return false;
    if (code === 0x3a) colons++;
    if (code === 0x2e) dots++;
    bytes[cursor.end++] = code;
  }
  bytes[cursor.end++] = quote;
  if (colons > 0 && dots > 0) return false;
  const mask = colons > 0 ? "/128" : "/32";
  for (let index = 0; index < mask.length; index++) if (input[cursor.place++] !== mask.charCodeAt(index)) return false;
  return true;
}

function readFront(cursor: LeafCursor, row: LeafRow): boolean {
  const { input } = cursor;
  cursor.place = 0;
  row.seq = readNumber(cursor);
  row.hashAt = cursor.place;
  row.tenantAt = row.hashAt + hexLength + 1;
  row.idAt = row.tenantAt + uuidLength + 1;
  row.occurredAt = row.idAt + uuidLength + 1;
  row.receivedAt = input.indexOf(delimiter, row.occurredAt) + 1;
  cursor.place = input.indexOf(delimiter, row.receivedAt) + 1;
  row.nulls = readNumber(cursor);
  return input[row.tenantAt - 1] === delimiter && input[row.idAt - 1] === delimiter && input[row.occurredAt - 1] === delimiter;
}

/** A whole number and the delimiter after it. */
function readNumber(cursor: LeafCursor): number {
  const { input } = cursor;
  let number = 0;
  for (; cursor.place < cursor.length && input[cursor.place] !== delimiter; cursor.place++) number = number * 10 + (input[cursor.place] as number) - 0x30;
  cursor.place++;
  return number;
}

function writeFront(cursor: LeafCursor, row: LeafRow, column: string): boolean {
  const { input, bytes } = cursor;
  bytes[cursor.end++] = quote;
  if (column === "occurred_at" || column === "received_at") {
    if (!writeTime(cursor, column === "occurred_at" ? row.occurredAt : row.receivedAt)) return false;
  } else {
    const start = column === "id" ? row.idAt : row.tenantAt;
    for (let at = start; at < start + uuidLength; at++) bytes[cursor.end++] = input[at] as number;
  }
  bytes[cursor.end++] = quote;
  return true;
}

const zone = Uint8Array.of(0x2b, 0x30, 0x30, delimiter);

/** `2026-11-22 02:37:18.12+00` as `2026-11-22T02:37:18.120Z`; false for a time that no door stores: with microseconds, or with another number of digits in its year. */
function writeTime(cursor: LeafCursor, start: number): boolean {
  const { input, bytes } = cursor;
  const { end } = cursor;
  for (let at = 0; at < 19; at++) bytes[end + at] = input[start + at] as number;
  if (bytes[end + 10] !== 0x20) return false;
  bytes[end + 10] = 0x54;
  bytes[end + 19] = 0x2e;
  let place = start + 19;
  const digits = input[place] === 0x2e ? 3 : 0;
  if (digits > 0) place++;
  for (let digit = 0; digit < 3; digit++) bytes[end + 20 + digit] = digits > 0 && isDigit(input[place]) ? input[place++] as number : 0x30;
  bytes[end + 23] = 0x5a;
  cursor.end = end + 24;
  for (let index = 0; index < zone.length; index++) if (input[place + index] !== zone[index]) return false;
  return true;
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= 0x30 && code <= 0x39;
}

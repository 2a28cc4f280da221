import { columnsBeforeLeaf } from "./database-row.ts";
import { leafColumns } from "./leaf.ts";
import { fieldLength, nextField } from "./packed-event.ts";
import { type Pen, writeContext } from "./packed-context.ts";
import type { PackedEvent } from "./source.ts";

/** How the text of a column stands in the leaf; all others are quoted as texts. */
const forms: Readonly<Record<string, Form>> = {
  context: "json",
  duration_ms: "number",
  producer_seq: "number",
  id: "uuid",
  tenant_id: "uuid",
  ip_address: "address",
  occurred_at: "time",
  received_at: "time",
};
type Form = "text" | "json" | "number" | "uuid" | "address" | "time";

const utf8 = new TextEncoder();
const labels = leafColumns.map((column) => utf8.encode(`"${column}":`));
const formOf = leafColumns.map((column) => forms[column] ?? "text");
const idColumn = leafColumns.indexOf("id");
const timeColumn = leafColumns.indexOf("occurred_at");
const version = utf8.encode('"v":1}');

/** Rows up to this length are written here; a character takes six bytes at most when it is escaped, a label and what is around a value less than 64. */
const rowMax = 1 << 16;
const bytes = new Uint8Array(6 * rowMax + 64 * leafColumns.length);

/** The last leaf that was written: 0x00 and the leaf in `bytes` up to `end`, where its id and time of 36 and 24 characters are, and its row's `leaf_hash`. */
export type WrittenLeaf = { readonly bytes: Uint8Array; end: number; idAt: number; timeAt: number; hashAt: number };
const written: WrittenLeaf = { bytes, end: 0, idAt: 0, timeAt: 0, hashAt: 0 };
const pen: Pen = { from: bytes, at: 0, to: 0, into: bytes, end: 0 };

/**
 * The leaf of a row, straight from its bytes: a tenth of what it costs to make a value of the row and JSON of the value. Undefined for whatever this code does not
 * know for sure, as a number with an exponent; then `leafOf` of the row's value is the leaf. Where it is defined, it is the same: the columns
 * stand in one order under their own names, and what is not in quotes has no character that could end it. Valid up to the next call.
 */
export function writeLeaf({ bytes: from, at }: PackedEvent): WrittenLeaf | undefined {
  let field = at + 2;
  written.hashAt = nextField(from, field) + 4;
  for (let i = 0; i < columnsBeforeLeaf; i++) field = nextField(from, field);
  pen.from = from;
  pen.end = 0;
  bytes[pen.end++] = 0x00;
  bytes[pen.end++] = 0x7b;
  const start = field;
  for (let column = 0; column < leafColumns.length; column++) {
    const length = fieldLength(from, field);
    pen.at = field + 4;
    field = pen.to = pen.at + Math.max(0, length);
    if (length < 0) continue;
    if (field - start > rowMax) return undefined;
    append(labels[column] as Uint8Array);
    if (column === idColumn) written.idAt = pen.end + 1;
    else if (column === timeColumn) written.timeAt = pen.end + 1;
    if (!writeColumn(formOf[column] as Form)) return undefined;
    bytes[pen.end++] = 0x2c;
  }
  append(version);
  written.end = pen.end;
  return written;
}

function writeColumn(form: Form): boolean {
  if (form === "text") return writeText();
  if (form === "json") return pen.from[pen.at] === 0x7b && writeContext(pen);
  if (form === "number") return writeDigits();
  if (form === "uuid") return writeUuid();
  return form === "time" ? writeTime() : writeAddress();
}

/** By byte, how a JSON string has it, RFC 8785 section 3.2.2.2, where that is not the byte itself. */
const escapes = Array.from({ length: 256 }, (_, byte) => {
  const text = byte < 0x80 ? JSON.stringify(String.fromCharCode(byte)).slice(1, -1) : "";
  return text.length > 1 ? utf8.encode(text) : undefined;
});
const isEscaped = Uint8Array.from(escapes, (escape) => escape === undefined ? 0 : 1);

function writeText(): boolean {
  const { from, to } = pen;
  let { end } = pen;
  bytes[end++] = 0x22;
  for (let at = pen.at; at < to; at++) {
    const byte = from[at] as number;
    if (isEscaped[byte] === 0) bytes[end++] = byte;
    else for (const part of escapes[byte] as Uint8Array) bytes[end++] = part;
  }
  bytes[end++] = 0x22;
  pen.end = end;
  return true;
}

/** A whole number without a sign, less than 9e15 and so exact as a double. */
function writeDigits(): boolean {
  const length = pen.to - pen.at;
  if (length < 1 || length > 16 || (length === 16 && pen.from[pen.at] === 0x39) || (pen.from[pen.at] === 0x30 && length > 1)) return false;
  for (let at = pen.at; at < pen.to; at++) if (!isDigit(pen.from[at] as number)) return false;
  copy(length);
  return true;
}

function writeUuid(): boolean {
  if (pen.to - pen.at !== 36) return false;
  bytes[pen.end++] = 0x22;
  for (let at = pen.at; at < pen.to; at++) if (!isHex(pen.from[at] as number) && pen.from[at] !== 0x2d) return false;
  copy(36);
  bytes[pen.end++] = 0x22;
  return true;
}

/** An address whose mask is whole, without the length of it; what has both colons and dots is printed in another way in a leaf. */
function writeAddress(): boolean {
  const { from, at, to } = pen;
  let end = at;
  let isV4 = true;
  for (; end < to && from[end] !== 0x2f; end++) {
    const byte = from[end] as number;
    if (byte === 0x3a) isV4 = false;
    else if (!isHex(byte) && byte !== 0x2e) return false;
  }
  if (!isV4 && from.subarray(at, end).includes(0x2e)) return false;
  const mask = isV4 ? wholeV4 : wholeV6;
  if (to - end !== mask.length) return false;
  for (let i = 0; i < mask.length; i++) if (from[end + i] !== mask[i]) return false;
  bytes[pen.end++] = 0x22;
  copy(end - at);
  bytes[pen.end++] = 0x22;
  return true;
}
const wholeV4 = utf8.encode("/32");
const wholeV6 = utf8.encode("/128");

/** `2026-11-22 02:37:18.12+00` as `2026-11-22T02:37:18.120Z`; what is longer has digits that no door stores. */
function writeTime(): boolean {
  const { from, at, to } = pen;
  const digits = to - at - 19 - 3 - 1;
  if (from[to - 3] !== 0x2b || from[to - 2] !== 0x30 || from[to - 1] !== 0x30) return false;
  if (digits !== -1 && (digits < 1 || digits > 3 || from[at + 19] !== 0x2e)) return false;
  const { end } = pen;
  bytes[end] = 0x22;
  for (let i = 0; i < 19; i++) {
    const byte = from[at + i] as number;
    if (byte !== timeShape[i] && !(timeShape[i] === 0x30 && isDigit(byte))) return false;
    bytes[end + 1 + i] = byte;
  }
  bytes[end + 11] = 0x54;
  bytes[end + 20] = 0x2e;
  for (let i = 0; i < 3; i++) {
    const byte = i < digits ? from[at + 20 + i] as number : 0x30;
    if (!isDigit(byte)) return false;
    bytes[end + 21 + i] = byte;
  }
  bytes[end + 24] = 0x5a;
  bytes[end + 25] = 0x22;
  pen.end = end + 26;
  return true;
}
const timeShape = utf8.encode("0000-00-00 00:00:00");

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x61 && byte <= 0x66);
}

function copy(length: number): void {
  for (let i = 0; i < length; i++) bytes[pen.end++] = pen.from[pen.at + i] as number;
}

function append(piece: Uint8Array): void {
  for (let i = 0; i < piece.length; i++) bytes[pen.end++] = piece[i] as number;
}

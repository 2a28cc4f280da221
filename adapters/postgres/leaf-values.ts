import { append, type LeafCursor, quote } from "./leaf-text.ts";

/** Values of one length in PostgreSQL's binary format: whole numbers, UUIDs, times. */

export function int32At(input: Uint8Array, at: number): number {
  return (input[at] as number) << 24 | (input[at + 1] as number) << 16 | (input[at + 2] as number) << 8 | (input[at + 3] as number);
}

/** A whole number of 64 bits. Beyond 2^53 not to the last digit: then it is not a safe integer. */
export function int64At(input: Uint8Array, at: number): number {
  return int32At(input, at) * 0x1_0000_0000 + (int32At(input, at + 4) >>> 0);
}

/** Writes the digits of the field, an `integer` or a `bigint`; false when it is another type or beyond what a number holds. */
export function writeNumber(cursor: LeafCursor): boolean {
  const { input, bytes, place, length } = cursor;
  const size = length - place;
  if (size !== 4 && size !== 8) return false;
  const value = size === 4 ? int32At(input, place) : int64At(input, place);
  if (!Number.isSafeInteger(value)) return false;
  const digits = String(value);
  for (let index = 0; index < digits.length; index++) bytes[cursor.end++] = digits.charCodeAt(index);
  cursor.place = length;
  return true;
}

export const uuidLength = 36;
const hexDigits = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
/** After which of its bytes a UUID has a dash. */
const dashes = Uint8Array.from({ length: 16 }, (_, index) => [3, 5, 7, 9].includes(index) ? 1 : 0);

/** Writes the text of the UUID at `at`, without quotes. */
export function writeUuid(cursor: LeafCursor, at: number): void {
  const { input, bytes } = cursor;
  let { end } = cursor;
  for (let index = 0; index < 16; index++) {
    const byte = input[at + index] as number;
    bytes[end++] = hexDigits[byte >> 4] as number;
    bytes[end++] = hexDigits[byte & 15] as number;
    if (dashes[index] === 1) bytes[end++] = 0x2d;
  }
  cursor.end = end;
}

const postgresEpochMs = Date.UTC(2000, 0, 1);
const dayMs = 86_400_000;
/** The years that have four digits. */
const [firstMs, lastMs] = [Date.parse("0001-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59.999Z")];

/** The `timestamptz` at `at` in milliseconds since 1970; what it has besides stands behind the point. */
export function millisecondsAt(input: Uint8Array, at: number): number {
  return int64At(input, at) / 1000 + postgresEpochMs;
}

/** The day written last, in days since 1970 and as text: rows that stand together are mostly of one day. */
let day = NaN;
let dayText: Uint8Array = new Uint8Array(0);

/** Writes the `timestamptz` at `at` as a JSON string, RFC 3339 in UTC with milliseconds; false for a time that no door stores: with microseconds, or of a year without four digits. */
export function writeTime(cursor: LeafCursor, at: number): boolean {
  const microseconds = int64At(cursor.input, at);
  const time = microseconds / 1000 + postgresEpochMs;
  if (microseconds % 1000 !== 0 || !(time >= firstMs && time <= lastMs)) return false;
  const days = Math.floor(time / dayMs);
  if (days !== day) {
    dayText = Uint8Array.from(`"${new Date(days * dayMs).toISOString().slice(0, 11)}`, (character) => character.charCodeAt(0));
    day = days;
  }
  append(cursor, dayText);
  const ofDay = time - days * dayMs;
  const seconds = Math.floor(ofDay / 1000);
  const milliseconds = ofDay - seconds * 1000;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  writeTwoDigits(cursor, hours, 0x3a);
  writeTwoDigits(cursor, minutes - hours * 60, 0x3a);
  writeTwoDigits(cursor, seconds - minutes * 60, 0x2e);
  const tenths = Math.floor(milliseconds / 10);
  writeTwoDigits(cursor, tenths, 0x30 + milliseconds - tenths * 10);
  cursor.bytes[cursor.end++] = 0x5a;
  cursor.bytes[cursor.end++] = quote;
  return true;
}

/** Two digits, and the character behind them. */
function writeTwoDigits(cursor: LeafCursor, number: number, next: number): void {
  const { bytes, end } = cursor;
  const tens = Math.floor(number / 10);
  bytes[end] = 0x30 + tens;
  bytes[end + 1] = 0x30 + number - tens * 10;
  bytes[end + 2] = next;
  cursor.end = end + 3;
}

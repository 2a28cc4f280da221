import { backslash, copyString, type LeafCursor, quote } from "./leaf-text.ts";

const openObject = 0x7b;
const closeObject = 0x7d;
const openList = 0x5b;
const closeList = 0x5d;
const comma = 0x2c;
const colon = 0x3a;
const space = 0x20;

/**
 * Writes a jsonb as Postgres prints it in canonical JSON, RFC 8785: without white space, members in order, numbers as ECMAScript prints them. False when
 * that is left to the exact way. Whether the field ends where the value does is for the caller to see.
 */
export function writeContext(cursor: LeafCursor): boolean {
  marked = 0;
  return writeValue(cursor);
}

function writeValue(cursor: LeafCursor): boolean {
  const first = cursor.input[cursor.place];
  if (first === quote) return copyString(cursor);
  if (first === openObject) return writeObject(cursor);
  return first === openList ? writeList(cursor) : writeScalar(cursor);
}

/** Where members begin and end in the bytes, a pair each; an object inside another one has its own above. */
const marks: number[] = [];
let marked = 0;

function writeObject(cursor: LeafCursor): boolean {
  const { input, bytes } = cursor;
  const base = marked;
  bytes[cursor.end++] = openObject;
  let inOrder = true;
  if (input[++cursor.place] === closeObject) cursor.place++;
  else {
    for (;;) {
      const start = cursor.end;
      if (!writeName(cursor)) return false;
      if (!writeValue(cursor)) return false;
      if (marked > base && inOrder) inOrder = isBefore(bytes, marks[marked - 2] as number, start);
      marks[marked++] = start;
      marks[marked++] = cursor.end;
      const next = input[cursor.place++];
      if (next === closeObject) break;
      if (next !== comma || input[cursor.place++] !== space || input[cursor.place] !== quote) return false;
      bytes[cursor.end++] = comma;
    }
  }
  if (!inOrder) sortMembers(bytes, base);
  marked = base;
  bytes[cursor.end++] = closeObject;
  return true;
}

/**
 * A name and its colon. Names are put in order by their bytes as written, which is the order of RFC 8785, that of UTF-16 code units, unless one is escaped or has a
 * character of four bytes: those are left to the exact way.
 */
function writeName(cursor: LeafCursor): boolean {
  const { input, bytes, length } = cursor;
  let { place, end } = cursor;
  bytes[end++] = quote;
  for (place++; place < length; place++) {
    const code = input[place] as number;
    if (code < space || code === backslash || code >= 0xf0) return false;
    bytes[end++] = code;
    if (code === quote) break;
  }
  if (input[place + 1] !== colon || input[place + 2] !== space) return false;
  bytes[end++] = colon;
  cursor.place = place + 3;
  cursor.end = end;
  return true;
}

function writeList(cursor: LeafCursor): boolean {
  const { input, bytes } = cursor;
  bytes[cursor.end++] = openList;
  if (input[++cursor.place] === closeList) cursor.place++;
  else {
    for (;;) {
      if (!writeValue(cursor)) return false;
      const next = input[cursor.place++];
      if (next === closeList) break;
      if (next !== comma || input[cursor.place++] !== space) return false;
      bytes[cursor.end++] = comma;
    }
  }
  bytes[cursor.end++] = closeList;
  return true;
}

/** A number, true, false or null. A number of 15 digits that is not tiny is printed by ECMAScript as it stands; others are left to it. */
function writeScalar(cursor: LeafCursor): boolean {
  const { input, bytes } = cursor;
  const start = cursor.place;
  let { place, end } = cursor;
  for (; place < cursor.length; place++) {
    const code = input[place] as number;
    if (code === comma || code === closeObject || code === closeList || code < space) break;
    bytes[end++] = code;
  }
  if (place === start) return false;
  cursor.place = place;
  cursor.end = end;
  const digits = place - start;
  if (digits > 15 || (digits > 8 && isTiny(input, start))) {
    const number = String(Number(String.fromCharCode(...input.subarray(start, place))));
    cursor.end -= digits;
    for (let index = 0; index < number.length; index++) bytes[cursor.end++] = number.charCodeAt(index);
  }
  return true;
}

/** `0.000000` or `-0.000000` */
function isTiny(input: Uint8Array, start: number): boolean {
  for (let at = start; at < start + 8; at++) if ((input[at] as number) > 0x30) return false;
  return true;
}

/** Whether the name at `first` comes before that at `second`; both are JSON strings, and their last quotes are smaller than any other character. */
function isBefore(bytes: Uint8Array, first: number, second: number): boolean {
  for (let offset = 1;; offset++) {
    const one = bytes[first + offset] as number;
    const other = bytes[second + offset] as number;
    if (one !== other) return one === quote || (other !== quote && one < other);
    if (one === quote) return true;
  }
}

let scratch = new Uint8Array(4096);

/** Puts the members that are marked from `base` on in order. Objects have few, for which inserting is fastest. */
function sortMembers(bytes: Uint8Array, base: number): void {
  const start = marks[base] as number;
  const size = (marks[marked - 1] as number) - start;
  for (let at = base + 2; at < marked; at += 2) {
    const first = marks[at] as number;
    const last = marks[at + 1] as number;
    let to = at;
    for (; to > base && isBefore(bytes, first, marks[to - 2] as number); to -= 2) {
      marks[to] = marks[to - 2] as number;
      marks[to + 1] = marks[to - 1] as number;
    }
    marks[to] = first;
    marks[to + 1] = last;
  }
  if (size > scratch.length) scratch = new Uint8Array(size);
  let end = 0;
  for (let at = base; at < marked; at += 2) {
    if (at > base) scratch[end++] = comma;
    for (let from = marks[at] as number; from < (marks[at + 1] as number); from++) scratch[end++] = bytes[from] as number;
  }
  for (let at = 0; at < size; at++) bytes[start + at] = scratch[at] as number;
}

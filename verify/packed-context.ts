/** Bytes that are read up to `to`, and bytes that are written. One at a time, and never across an await, so that nothing is made for a row. */
export type Pen = { from: Uint8Array; at: number; to: number; into: Uint8Array; end: number };

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
const space = 0x20;

/** Digits that a double always holds, and gives back as they were. */
const digitsMax = 15;

/**
 * Writes a `jsonb` as PostgreSQL prints it in canonical JSON, RFC 8785. False when it has what is printed in another way there (numbers with an exponent, or with
 * zeros at their end), what is put in another order (names with escapes, or outside of Unicode's first plane), or what is no jsonb: that is not for this code.
 */
export function writeContext(pen: Pen): boolean {
  places.length = 0;
  depth = 0;
  return writeValue(pen) && pen.at === pen.to;
}

/** Deeper ones are no door's, and would need a deep stack. */
const depthMax = 64;
let depth = 0;

function writeValue(pen: Pen): boolean {
  const first = pen.from[pen.at] as number;
  if (first === quote) return writeString(pen);
  if (first === openObject || first === openList) {
    if (++depth > depthMax || !(first === openObject ? writeObject(pen) : writeList(pen))) return false;
    depth--;
    return true;
  }
  return first === minus || isDigit(first) ? writeNumber(pen) : writeWord(pen);
}

/** The letters after a backslash that RFC 8785 writes; other control characters, written by their number, are seldom. */
const isShortEscape = Uint8Array.from({ length: 256 }, (_, byte) => '"\\bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0);

/** A string, which PostgreSQL escapes as RFC 8785 does: as it stands, up to its quote. */
function writeString(pen: Pen): boolean {
  const { from, to, into } = pen;
  let { at, end } = pen;
  into[end++] = quote;
  for (at++; at < to; at++) {
    const byte = from[at] as number;
    if (byte < space) return false;
    into[end++] = byte;
    if (byte === quote) break;
    if (byte !== backslash) continue;
    const escaped = from[++at] as number;
    if (isShortEscape[escaped] !== 1) return false;
    into[end++] = escaped;
  }
  pen.at = at + 1;
  pen.end = end;
  return at < to;
}

/** Where each member of the objects that are open begins in what was written, and where it ends. */
const places: number[] = [];

function writeObject(pen: Pen): boolean {
  const { from, into } = pen;
  const firstPlace = places.length;
  let isInOrder = true;
  into[pen.end++] = openObject;
  if (from[++pen.at] === closeObject) pen.at++;
  else {
    for (;;) {
      const start = pen.end;
      if (!writeName(pen) || !writeValue(pen)) return false;
      if (places.length > firstPlace) isInOrder = isInOrder && compareNames(into, places[places.length - 2] as number, start) < 0;
      places.push(start, pen.end);
      const next = from[pen.at++];
      if (next === closeObject) break;
      if (next !== comma || from[pen.at++] !== space) return false;
      into[pen.end++] = comma;
    }
    if (!isInOrder && !sortMembers(into, firstPlace)) return false;
  }
  places.length = firstPlace;
  into[pen.end++] = closeObject;
  return true;
}

/**
 * A name and its colon. UTF-8 has the order of code points, which up to U+FFFF is that of UTF-16 as long as nothing beyond is there; and an escape stands for
 * another character than the one that it begins with.
 */
function writeName(pen: Pen): boolean {
  const { from, to, into, at } = pen;
  if (from[at] !== quote) return false;
  for (let ahead = at + 1; ahead < to && from[ahead] !== quote; ahead++) if (from[ahead] === backslash || (from[ahead] as number) >= 0xf0) return false;
  if (!writeString(pen) || from[pen.at] !== colon || from[pen.at + 1] !== space) return false;
  into[pen.end++] = colon;
  pen.at += 2;
  return true;
}

function writeList(pen: Pen): boolean {
  const { from, into } = pen;
  into[pen.end++] = openList;
  if (from[++pen.at] === closeList) pen.at++;
  else {
    for (;;) {
      if (!writeValue(pen)) return false;
      const next = from[pen.at++];
      if (next === closeList) break;
      if (next !== comma || from[pen.at++] !== space) return false;
      into[pen.end++] = comma;
    }
  }
  into[pen.end++] = closeList;
  return true;
}

/** A number that ECMAScript prints as it stands: few digits, no zero at either end that says nothing, not tiny. */
function writeNumber(pen: Pen): boolean {
  const { from, into } = pen;
  const start = pen.from[pen.at] === minus ? pen.at + 1 : pen.at;
  let at = start;
  while (isDigit(from[at] as number)) at++;
  const whole = at - start;
  if (whole === 0 || (from[start] === zero && whole > 1)) return false;
  if (from[at] === point) {
    const fractionAt = ++at;
    while (isDigit(from[at] as number)) at++;
    if (at === fractionAt || from[at - 1] === zero) return false;
    if (from[start] === zero && at - fractionAt > 6 && isTiny(from, fractionAt)) return false;
  } else if (from[start] === zero && start > pen.at) return false;
  if (at - start > digitsMax || at > pen.to) return false;
  for (let copied = pen.at; copied < at; copied++) into[pen.end++] = from[copied] as number;
  pen.at = at;
  return true;
}

/** Whether a fraction begins with six zeros: less than a millionth is printed with an exponent. */
function isTiny(from: Uint8Array, fractionAt: number): boolean {
  for (let at = fractionAt; at < fractionAt + 6; at++) if (from[at] !== zero) return false;
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= 0x39;
}

const words = ["true", "false", "null"].map((word) => new TextEncoder().encode(word));

function writeWord(pen: Pen): boolean {
  for (const word of words) {
    if (pen.from[pen.at] !== word[0]) continue;
    for (const byte of word) {
      if (pen.from[pen.at++] !== byte) return false;
      pen.into[pen.end++] = byte;
    }
    return true;
  }
  return false;
}

/** Less than 0 when the name that was written at `one` comes before that at `other`, 0 when it is the same. A quote ends both, and no name has one. */
function compareNames(into: Uint8Array, one: number, other: number): number {
  for (let offset = 1;; offset++) {
    const a = into[one + offset] as number;
    const b = into[other + offset] as number;
    if (a === b && a !== quote) continue;
    if (a === b) return 0;
    return (a === quote ? -1 : a) - (b === quote ? -1 : b);
  }
}

let scratch = new Uint8Array(1 << 16);

/** Puts the members from `firstPlace` on in order; false when two have one name. Objects have few: one after the other goes to its place among those before. */
function sortMembers(into: Uint8Array, firstPlace: number): boolean {
  const first = places[firstPlace] as number;
  const end = places.at(-1) as number;
  if (end > scratch.length) scratch = new Uint8Array(2 * end);
  for (let next = firstPlace + 2; next < places.length; next += 2) {
    const [start, end] = [places[next] as number, places[next + 1] as number];
    let to = next;
    for (; to > firstPlace; to -= 2) {
      const order = compareNames(into, places[to - 2] as number, start);
      if (order === 0) return false;
      if (order < 0) break;
      places[to] = places[to - 2] as number;
      places[to + 1] = places[to - 1] as number;
    }
    places[to] = start;
    places[to + 1] = end;
  }
  for (let from = first; from < end; from++) scratch[from] = into[from] as number;
  let at = first;
  for (let next = firstPlace; next < places.length; next += 2) {
    if (next > firstPlace) into[at++] = comma;
    for (let from = places[next] as number; from < (places[next + 1] as number); from++) into[at++] = scratch[from] as number;
  }
  return true;
}

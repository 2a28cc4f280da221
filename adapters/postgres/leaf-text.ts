/**
 * What is read, a field that ends at `length`, and what is written of it: bytes of a leaf. One row at a time, and never across an await, so that nothing is made for
 * a row.
 */
export type LeafCursor = { input: Uint8Array; length: number; place: number; bytes: Uint8Array; end: number };

export const quote = 0x22;
export const backslash = 0x5c;

/** Writes the rest of the field as a JSON string, RFC 8785 section 3.2.2.2. */
export function quoteField(cursor: LeafCursor): void {
  const { input, length, bytes } = cursor;
  let { place, end } = cursor;
  bytes[end++] = quote;
  for (; place < length; place++) {
    const code = input[place] as number;
    if (isEscaped[code] === 0) bytes[end++] = code;
    else end = writeEscaped(code, bytes, end);
  }
  bytes[end++] = quote;
  cursor.place = place;
  cursor.end = end;
}

/** By byte, whether JSON escapes it: one look costs less than three comparisons. */
const isEscaped = Uint8Array.from({ length: 256 }, (_, code) => code < 0x20 || code === quote || code === backslash ? 1 : 0);

function writeEscaped(code: number, bytes: Uint8Array, end: number): number {
  const escaped = JSON.stringify(String.fromCharCode(code));
  for (let index = 1; index < escaped.length - 1; index++) bytes[end++] = escaped.charCodeAt(index);
  return end;
}

/**
 * Writes a JSON string as Postgres prints it, from its first quote to its last: it escapes what RFC 8785 escapes, in the same way. False when a control character
 * stands in it, which it would have escaped: then this is no JSON.
 */
export function copyString(cursor: LeafCursor): boolean {
  const { input, length, bytes } = cursor;
  let { place, end } = cursor;
  bytes[end++] = quote;
  for (place++; place < length; place++) {
    let code = input[place] as number;
    if (code < 0x20) return false;
    bytes[end++] = code;
    if (code === quote) break;
    if (code !== backslash) continue;
    code = input[++place] as number;
    if (code < 0x20) return false;
    bytes[end++] = code;
  }
  cursor.place = place + 1;
  cursor.end = end;
  return true;
}

export function append(cursor: LeafCursor, piece: Uint8Array): void {
  const { bytes } = cursor;
  let { end } = cursor;
  for (let index = 0; index < piece.length; index++) bytes[end++] = piece[index] as number;
  cursor.end = end;
}

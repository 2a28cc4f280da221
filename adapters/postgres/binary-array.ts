/** Element types a batch is sent in, with their PostgreSQL object ids (pg_type.dat). */
const elementOids = { uuid: 2950, timestamptz: 1184, int4: 23, int8: 20, text: 25, jsonb: 3802, inet: 869, bytea: 17 } as const;
export type ElementType = keyof typeof elementOids;

/** What an element of each type is given as; absent and null are SQL NULL. Times are milliseconds since 1970, uuids and addresses their text, bytes may be hexadecimal text. */
export type ElementOf<T extends ElementType> = T extends "bytea" ? Uint8Array | string : T extends "int4" | "int8" | "timestamptz" ? number : string;

const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);
const HEADER_BYTES = 20;
const encoder = new TextEncoder();

/**
 * `values` as one PostgreSQL array in binary format: dimension count, null flag, element oid, length and lower bound as 32-bit integers, then each
 * element with its length, -1 for NULL (array_recv in PostgreSQL's arrayfuncs.c). Binary halves the server's cost of a text array: nothing is
 * quoted here, nothing unquoted there. The caller's connection sends a Buffer parameter as binary.
 */
export function encodeArray<T extends ElementType>(type: T, values: readonly (ElementOf<T> | undefined | null)[]): Uint8Array {
  const array = openArray(type, values.length);
  const add = append[type] as (array: OpenArray<T>, value: ElementOf<T> | undefined) => void;
  for (const value of values) add(array, value ?? undefined);
  return array.bytes.subarray(0, array.length);
}

/** An array that is being written: the first `length` of `bytes`, which are replaced by a larger room when an element needs it. */
export type OpenArray<T extends ElementType> = Output & { readonly type: T };
type Output = { bytes: Uint8Array<ArrayBuffer>; view: DataView; length: number };

/** The array of `count` elements with its elements still to come, all of them: the server reads as many as its header says. */
export function openArray<T extends ElementType>(type: T, count: number): OpenArray<T> {
  const bytes = new Uint8Array(HEADER_BYTES + count * estimatedBytes[type]);
  const array = { type, bytes, view: new DataView(bytes.buffer), length: 0 };
  for (const field of count === 0 ? [0, 0, elementOids[type]] : [1, 1, elementOids[type], count, 1]) writeInt32(array, field);
  return array;
}

const estimatedBytes: Readonly<Record<ElementType, number>> = { uuid: 20, timestamptz: 12, int4: 8, int8: 12, text: 24, jsonb: 512, inet: 12, bytea: 36 };

/** Writes the next element of an array of each type. Every one makes its own room. */
export const append: { readonly [T in ElementType]: (array: OpenArray<T>, value: ElementOf<T> | undefined) => void } = {
  uuid: (array, value) => {
    if (value === undefined) return writeNull(array);
    reserve(array, 20);
    writeInt32(array, 16);
    writeHex(array, value);
  },
  timestamptz: (array, value) => {
    if (value === undefined) return writeNull(array);
    writeInt64(array, (value - POSTGRES_EPOCH_MS) * 1000);
  },
  int4: (array, value) => {
    if (value === undefined) return writeNull(array);
    reserve(array, 8);
    writeInt32(array, 4);
    writeInt32(array, value);
  },
  int8: (array, value) => {
    if (value === undefined) return writeNull(array);
    writeInt64(array, value);
  },
  text: (array, value) => {
    if (value === undefined) return writeNull(array);
    reserve(array, 4 + value.length * 3);
    const start = array.length;
    array.length += 4;
    if (!writeShortAscii(array, value)) writeUtf8(array, value);
    array.view.setInt32(start, array.length - start - 4);
  },
  jsonb: (array, value) => {
    if (value === undefined) return writeNull(array);
    reserve(array, 5 + value.length * 3);
    const start = array.length;
    array.length += 4;
    // jsonb_recv wants its version number as a first byte, which the length counts.
    array.bytes[array.length++] = 1;
    writeUtf8(array, value);
    array.view.setInt32(start, array.length - start - 4);
  },
  inet: (array, value) => {
    if (value === undefined) return writeNull(array);
    writeAddress(array, value);
  },
  bytea: (array, value) => {
    if (value === undefined) return writeNull(array);
    const isHex = typeof value === "string";
    const length = isHex ? value.length / 2 : value.length;
    reserve(array, 4 + length);
    writeInt32(array, length);
    if (isHex) writeHex(array, value);
    else writeBytes(array, value);
  },
};

/** Makes room for so many more bytes. */
function reserve(output: Output, more: number): void {
  if (output.length + more <= output.bytes.length) return;
  const grown = new Uint8Array(Math.max(output.bytes.length * 2, output.length + more));
  grown.set(output.bytes);
  output.bytes = grown;
  output.view = new DataView(grown.buffer);
}

function writeNull(output: Output): void {
  reserve(output, 4);
  writeInt32(output, -1);
}

/** What writes from here on needs room that was made for it. */
function writeInt32(output: Output, value: number): void {
  output.view.setInt32(output.length, value);
  output.length += 4;
}

/** A whole number within ±2^53 as 64 bits with their length, without the cost of a bigint. */
function writeInt64(output: Output, value: number): void {
  const high = Math.floor(value / 4_294_967_296);
  reserve(output, 12);
  writeInt32(output, 8);
  writeInt32(output, high);
  output.view.setUint32(output.length, value - high * 4_294_967_296);
  output.length += 4;
}

function writeBytes(output: Output, value: Uint8Array): void {
  output.bytes.set(value, output.length);
  output.length += value.length;
}

/** The bytes of hexadecimal text; dashes, which stand between bytes in a UUID, are left out. */
function writeHex(output: Output, value: string): void {
  const { bytes } = output;
  let place = output.length;
  for (let index = 0; index < value.length; index += 2) {
    if (value.charCodeAt(index) === 45) index++;
    bytes[place++] = (hexDigits[value.charCodeAt(index)] as number) << 4 | (hexDigits[value.charCodeAt(index + 1)] as number);
  }
  output.length = place;
}

function writeUtf8(output: Output, value: string): void {
  output.length += encoder.encodeInto(value, output.bytes.subarray(output.length)).written;
}

/** Writes `value` when it is short ASCII, the common case, for which calling the encoder costs more than the bytes; otherwise false, nothing written. */
function writeShortAscii(output: Output, value: string): boolean {
  if (value.length > 48) return false;
  const { bytes, length } = output;
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code > 127) return false;
    bytes[length + index] = code;
  }
  output.length += value.length;
  return true;
}

/** network_recv: family (2 = IPv4, 3 = IPv6), mask bits, 0 = not a cidr, length, address. `value` is a normalised address without a mask. */
function writeAddress(output: Output, value: string): void {
  reserve(output, 24);
  if (value.includes(":")) {
    writeInt32(output, 20);
    return writeBytes(output, Uint8Array.of(3, 128, 0, 16, ...ipv6Bytes(value)));
  }
  writeInt32(output, 8);
  writeInt32(output, 0x02_20_00_04);
  let part = 0;
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code !== 46) part = part * 10 + code - 48;
    else {
      output.bytes[output.length++] = part;
      part = 0;
    }
  }
  output.bytes[output.length++] = part;
}

/** The value of a hexadecimal digit by its character code. */
const hexDigits = Uint8Array.from({ length: 103 }, (_, code) => code < 58 ? code - 48 : (code | 32) - 87);

/** The 16 bytes of an IPv6 address in RFC 5952 text, with at most one `::`. */
function ipv6Bytes(value: string): number[] {
  const [head = "", tail] = value.split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 255]);
}

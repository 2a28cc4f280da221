const tableBits = 14;
/** By hash of four bytes, where they stood last. */
const table = new Uint32Array(1 << tableBits);
/** What the two bytes of a distance hold; the longest piece of a match that is near and short, and of any other. */
const distanceMax = 65_535;
const shortCopyMax = 11;
const copyMax = 64;

let room = new Uint8Array(0);

/**
 * `input` in Snappy's raw format, as Parquet has it (https://github.com/google/snappy/blob/main/format_description.txt). What it gives stands in a room that
 * the next call uses again. The one that comes with the writer makes an object for each literal, and takes more than twice as long.
 */
export function snappyCompress(input: Uint8Array): Uint8Array<ArrayBuffer> {
  // As Google's own code reckons: a match of three bytes for four with a literal of two for one, again and again, is the worst there is.
  const most = 32 + input.length + Math.floor(input.length / 6);
  if (room.length < most) room = new Uint8Array(most);
  let end = 0;
  let rest = input.length;
  for (; rest > 127; rest = Math.floor(rest / 128)) room[end++] = rest % 128 + 128;
  room[end++] = rest;
  return room.subarray(0, writeMatches(input, end));
}

/** Writes `input` from `end` on as literals and matches; where they end. */
function writeMatches(input: Uint8Array, end: number): number {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const last = input.length - 4;
  table.fill(0);
  let literal = 0;
  // The longer nothing repeats, the wider are the steps: what is random is passed over.
  for (let at = 1, misses = 32; at <= last;) {
    const word = view.getInt32(at, true);
    const slot = slotOf(word);
    const found = table[slot] as number;
    table[slot] = at;
    if (at - found > distanceMax || view.getInt32(found, true) !== word) {
      at += misses++ >> 5;
      continue;
    }
    let length = 4;
    while (at + length < input.length && input[at + length] === input[found + length]) length++;
    end = writeCopy(at - found, length, writeLiteral(input, literal, at, end));
    at += length;
    literal = at;
    misses = 32;
    // Of what was matched, its end is worth knowing: what follows may come again, too.
    if (at <= last) table[slotOf(view.getInt32(at - 1, true))] = at - 1;
  }
  return writeLiteral(input, literal, input.length, end);
}

function slotOf(word: number): number {
  return Math.imul(word, 0x1e35a7bd) >>> (32 - tableBits);
}

/** The length less one stands in the head itself, or in up to four bytes after it. */
function writeLiteral(input: Uint8Array, from: number, to: number, end: number): number {
  const length = to - from;
  if (length === 0) return end;
  const stated = length - 1;
  if (stated < 60) {
    room[end++] = stated << 2;
    for (let at = from; at < to; at++) room[end++] = input[at] as number;
    return end;
  }
  const head = end++;
  for (let rest = stated; rest > 0; rest >>>= 8) room[end++] = rest & 255;
  room[head] = 58 + end - head << 2;
  room.set(input.subarray(from, to), end);
  return end + length;
}

function writeCopy(distance: number, length: number, end: number): number {
  let rest = length;
  while (rest > copyMax) {
    // The last piece of a match that is near must have four bytes at least.
    const piece = rest < copyMax + 4 ? copyMax - 4 : copyMax;
    end = writePiece(distance, piece, end);
    rest -= piece;
  }
  return writePiece(distance, rest, end);
}

function writePiece(distance: number, length: number, end: number): number {
  const isShort = length <= shortCopyMax && distance < 2048;
  room[end++] = isShort ? 1 | length - 4 << 2 | distance >> 8 << 5 : 2 | length - 1 << 2;
  room[end++] = distance & 255;
  if (!isShort) room[end++] = distance >> 8;
  return end;
}

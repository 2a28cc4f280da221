/** A Parquet footer that grows by one row group at a time, as bytes: what a writer keeps of a group as objects is six times as much, and more with long values. */
export type ParquetFooter = {
  /** Takes over the one row group of `file`, the last bytes of a file that has no other. */
  addGroup(file: Uint8Array): void;
  /** The end of a file with every group that was added; `file` is the end of one without any, which says everything else. */
  completed(file: Uint8Array): Uint8Array<ArrayBuffer>[];
};

// Apache Thrift, compact protocol: what a byte that begins a field says of its type, and where FileMetaData keeps its row groups.
const stop = 0;
const isTrue = 1;
const isFalse = 2;
const byte = 3;
const double = 7;
const binary = 8;
const list = 9;
const set = 10;
const struct = 12;
const rowGroupsField = 4;
/** After the metadata: their length, and PAR1. */
const tailBytes = 8;

export function createParquetFooter(): ParquetFooter {
  const groups: Uint8Array[] = [];
  return {
    addGroup: (file) => {
      const { start, end, count } = rowGroupsOf(file);
      if (count !== 1) throw new Error(`add row group: the footer must have one, it has ${count}`);
      // A copy: the file's room is used again.
      groups.push(file.slice(start, end));
    },
    completed: (file) => {
      const { header, start, count } = rowGroupsOf(file);
      if (count !== 0) throw new Error(`complete footer: it must have no row group yet, it has ${count}`);
      const before = file.slice(0, header);
      const counted = Uint8Array.from(groups.length < 15 ? [groups.length << 4 | struct] : [0xf0 | struct, ...varint(groups.length)]);
      const after = file.slice(start);
      const added = counted.length - (start - header) + groups.reduce((sum, { length }) => sum + length, 0);
      const length = new DataView(after.buffer, after.byteLength - tailBytes, 4);
      length.setUint32(0, length.getUint32(0, true) + added, true);
      return [joined([before, counted]), ...inPieces(groups), after];
    },
  };
}

/** Where the list of row groups stands in the footer that `file` ends with: its header, its first element, its end. */
function rowGroupsOf(file: Uint8Array): { readonly header: number; readonly start: number; readonly end: number; readonly count: number } {
  const tail = new DataView(file.buffer, file.byteOffset + file.byteLength - tailBytes, tailBytes);
  let at = file.byteLength - tailBytes - tail.getUint32(0, true);
  for (let field = 0;;) {
    const head = byteAt(file, at);
    if (head === stop) throw new Error("read footer: it has no list of row groups");
    const delta = head >> 4;
    if (delta === 0) throw new Error("read footer: field numbers in long form are not expected");
    field += delta;
    const value = at + 1;
    at = endOf(file, value, head & 15);
    if (field === rowGroupsField) return { header: value, ...listAt(file, value), end: at };
  }
}

/** The place after the value of `type` that begins at `at`. */
function endOf(bytes: Uint8Array, at: number, type: number): number {
  switch (type) {
    case isTrue:
    case isFalse:
      return at;
    case byte:
      return at + 1;
    case double:
      return at + 8;
    case binary: {
      const { value, end } = varintAt(bytes, at);
      return end + value;
    }
    case list:
    case set:
      return endOfList(bytes, at);
    case struct:
      return endOfStruct(bytes, at);
    default:
      // Whole numbers of every width.
      return varintAt(bytes, at).end;
  }
}

function endOfList(bytes: Uint8Array, at: number): number {
  const { start, count, element } = listAt(bytes, at);
  let end = start;
  // Truth values are bits of a field's head, but bytes in a list.
  for (let i = 0; i < count; i++) end = element === isTrue || element === isFalse ? end + 1 : endOf(bytes, end, element);
  return end;
}

function endOfStruct(bytes: Uint8Array, at: number): number {
  let end = at;
  for (;;) {
    const head = byteAt(bytes, end);
    if (head === stop) return end + 1;
    // Without a difference to the field before, the number itself follows.
    const value = head >> 4 === 0 ? varintAt(bytes, end + 1).end : end + 1;
    end = endOf(bytes, value, head & 15);
  }
}

function listAt(bytes: Uint8Array, at: number): { readonly start: number; readonly count: number; readonly element: number } {
  const head = byteAt(bytes, at);
  if (head >> 4 < 15) return { start: at + 1, count: head >> 4, element: head & 15 };
  const { value, end } = varintAt(bytes, at + 1);
  return { start: end, count: value, element: head & 15 };
}

/** Of a longer number only the end is right: 64 bits do not fit, and no length has so many. */
function varintAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let end = at, factor = 1;; factor *= 128) {
    const next = byteAt(bytes, end++);
    value += (next & 127) * factor;
    if (next < 128) return { value, end };
  }
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value & 127 | 128, ...varint(Math.floor(value / 128))];
}

function byteAt(bytes: Uint8Array, at: number): number {
  const value = bytes[at];
  if (value === undefined) throw new Error("read footer: it ends too early");
  return value;
}

const pieceBytes = 64 * 1024;

/** `parts` in the same order, so many together that a piece is worth sending. */
function inPieces(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for (const part of parts) {
    waiting.push(part);
    bytes += part.length;
    if (bytes < pieceBytes) continue;
    pieces.push(joined(waiting));
    waiting = [];
    bytes = 0;
  }
  return waiting.length === 0 ? pieces : [...pieces, joined(waiting)];
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

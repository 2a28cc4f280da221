import { archiveColumnNames, type RowToArchive } from "../../core/archive-file-writer.ts";
import { leafRowColumns, leafRowMax, leafRowPlaces, writeLeaf } from "./leaf-row.ts";
import { backslash, type LeafCursor, quote } from "./leaf-text.ts";
import { int32At, int64At, millisecondsAt } from "./leaf-values.ts";

const slash = 0x2f;
const openBrace = 0x7b;
const closeBrace = 0x7d;
/** Rows, and leaves, stand end to end in rooms of this size: an array for each would cost more than filling it. */
const roomBytes = 1024 * 1024;
/** What a leaf may take for each byte of its row, and for the names of its columns. */
const bytesPerByte = 6;
const namesBytes = 1024;

/** A row of `leafRowColumns` in the binary format of COPY, from `start` up to `end` of a room. */
export type StoredRow = { readonly room: Uint8Array; readonly start: number; readonly end: number; readonly seq: number };

/** Keeps rows that the driver takes back. Of one that is too long for its leaf to be written the front alone. */
export function storedRows(): { readonly rows: readonly StoredRow[]; add(row: Uint8Array): void } {
  const rows: StoredRow[] = [];
  let room = new Uint8Array(0);
  let end = 0;
  return {
    rows,
    add: (row) => {
      const kept = row.length > leafRowMax ? row.subarray(0, leafRowPlaces.body) : row;
      if (end + kept.length > room.length) {
        room = new Uint8Array(roomBytes);
        end = 0;
      }
      room.set(kept, end);
      rows.push({ room, start: end, end: end += kept.length, seq: int64At(kept, leafRowPlaces.seq) });
    },
  };
}

/** Reads rows into what a file holds of them, its leaf included; undefined for a row that `writeLeaf` leaves alone. */
export function archiveRowReader(): (row: StoredRow, logIndex: number) => RowToArchive | undefined {
  const cursor: LeafCursor = { input: new Uint8Array(0), length: 0, place: 0, bytes: new Uint8Array(0), end: 0 };
  let free = 0;
  return (row, logIndex) => {
    const most = bytesPerByte * (row.end - row.start) + namesBytes;
    if (free + most > cursor.bytes.length) {
      cursor.bytes = new Uint8Array(Math.max(roomBytes, most));
      free = 0;
    }
    cursor.input = row.room;
    cursor.end = free;
    if (!writeLeaf(cursor, row.start, row.end)) return undefined;
    // The first byte says that it is a leaf, and is none of it.
    const leaf = cursor.bytes.subarray(free + 1, cursor.end);
    free = cursor.end;
    return { values: valuesOf(row, leaf, logIndex), logIndex };
  };
}

/** Columns behind the front, in their order, and where a file has each. */
const body = leafRowColumns.split(", ").slice(6).map((column) => column.replace("::text", ""));
const bodyPlaces = body.map((column) => archiveColumnNames.indexOf(column));
const [tenantAt, occurredAt, idAt, receivedAt, contextAt, hashAt, indexAt, leafAt] = [
  ...["tenant_id", "occurred_at", "id", "received_at", "context", "leaf_hash", "log_index", "leaf"],
].map((name) => archiveColumnNames.indexOf(name)) as [number, number, number, number, number, number, number, number];

/** What stands in a row whose leaf was written, and so has its columns, their types and their lengths as they should be. */
function valuesOf({ room, start }: StoredRow, leaf: Uint8Array, logIndex: number): RowToArchive["values"] {
  const values = new Array<Uint8Array | bigint | number | undefined>(archiveColumnNames.length).fill(undefined);
  const front = (place: number, length: number) => room.subarray(start + place, start + place + length);
  values[tenantAt] = front(leafRowPlaces.tenantId, 16);
  values[occurredAt] = BigInt(millisecondsAt(room, start + leafRowPlaces.occurredAt));
  values[idAt] = front(leafRowPlaces.id, 16);
  values[receivedAt] = BigInt(millisecondsAt(room, start + leafRowPlaces.receivedAt));
  values[hashAt] = front(leafRowPlaces.leafHash, 32);
  values[indexAt] = BigInt(logIndex);
  values[leafAt] = leaf;
  let place = start + leafRowPlaces.body;
  let strings = 0;
  for (let index = 0; index < body.length; index++) {
    const length = int32At(room, place);
    place += 4;
    if (length < 0) continue;
    const to = bodyPlaces[index] as number;
    if (to === contextAt) values[to] = contextWithin(leaf, strings);
    else values[to] = valueOf(body[index] as string, room, place, length);
    if (to !== contextAt) strings++;
    place += length;
  }
  return values;
}

function valueOf(column: string, room: Uint8Array, place: number, length: number): Uint8Array | bigint | number {
  if (column === "producer_seq") return BigInt(numberAt(room, place, length));
  if (column === "duration_ms") return numberAt(room, place, length);
  // An address comes with the length of its mask.
  const end = column === "ip_address" ? room.indexOf(slash, place) : place + length;
  return room.subarray(place, end);
}

function numberAt(room: Uint8Array, place: number, length: number): number {
  return length === 4 ? int32At(room, place) : int64At(room, place);
}

/** The context of a leaf, in which it is the first member after so many that are strings. */
function contextWithin(leaf: Uint8Array, strings: number): Uint8Array {
  let at = 1;
  // A name, a colon, a value, a comma.
  for (let member = 0; member < strings; member++) at = endOfString(leaf, endOfString(leaf, at) + 1) + 1;
  const start = endOfString(leaf, at) + 1;
  return leaf.subarray(start, endOfObject(leaf, start));
}

function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  for (; json[at] !== quote; at++) if (json[at] === backslash) at++;
  return at + 1;
}

/** A context is an object: a constraint of the table says so. */
function endOfObject(json: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length;) {
    const byte = json[at] as number;
    if (byte === quote) {
      at = endOfString(json, at);
      continue;
    }
    at++;
    if (byte === openBrace) depth++;
    else if (byte === closeBrace && --depth === 0) return at;
  }
  throw new Error("read context: it is no object");
}

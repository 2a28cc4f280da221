import { limits } from "../../core/limits.ts";
import { writeContext } from "./leaf-context.ts";
import { append, type LeafCursor, quote, quoteField } from "./leaf-text.ts";
import { int32At, writeNumber, writeTime, writeUuid } from "./leaf-values.ts";

/** A leaf's columns in their order, and how each is written: `uuid` and `time` from what stands in front of the row, the others from the next field. */
const columns = [
  ["actor_id", "text"],
  ["actor_type", "text"],
  ["context", "json"],
  ["device_fingerprint", "text"],
  ["duration_ms", "number"],
  ["event_type", "text"],
  ["id", "uuid"],
  ["ip_address", "address"],
  ["message", "text"],
  ["object_id", "text"],
  ["object_type", "text"],
  ["occurred_at", "time"],
  ["principal", "text"],
  ["producer_id", "text"],
  ["producer_seq", "number"],
  ["received_at", "time"],
  ["request_id", "text"],
  ["result", "text"],
  ["source", "text"],
  ["tenant_id", "uuid"],
  ["user_agent", "text"],
] as const;
type Column = (typeof columns)[number];

const body = columns.filter(([, kind]) => kind !== "uuid" && kind !== "time");

/**
 * The columns of a row in the binary format of COPY, in which Postgres neither prints nor escapes: in front those that are never null and have one length, so that
 * each has its place, then those of a leaf in their order. An address comes as text, because Postgres alone knows how it prints one.
 */
export const leafRowColumns = `seq, tenant_id, id, occurred_at, received_at, leaf_hash, ${
  body.map(([column, kind]) => kind === "address" ? `${column}::text` : column).join(", ")
}`;

/** Where the values in front stand, after the number of columns, and each after its length in four bytes. */
export const leafRowPlaces = { seq: 6, tenantId: 18, id: 38, occurredAt: 58, receivedAt: 70, leafHash: 82, body: 114 } as const;
const front = [
  [leafRowPlaces.seq, 8],
  [leafRowPlaces.tenantId, 16],
  [leafRowPlaces.id, 16],
  [leafRowPlaces.occurredAt, 8],
  [leafRowPlaces.receivedAt, 8],
  [leafRowPlaces.leafHash, 32],
] as const;

/** By column that stands in front, where. */
const placeOf: Readonly<Record<string, number>> = {
  id: leafRowPlaces.id,
  tenant_id: leafRowPlaces.tenantId,
  occurred_at: leafRowPlaces.occurredAt,
  received_at: leafRowPlaces.receivedAt,
};

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const labels = columns.map(([column]) => bytesOf(`"${column}":`));
const places = columns.map(([column]) => placeOf[column] ?? 0);
const version = bytesOf('"v":1}');

/** Bytes of the longest row whose leaf is written, and what that may take: a control character becomes six. */
export const leafRowMax = limits.leafBytesMax;
export const leafRoom = 6 * (leafRowMax + 1024);

/**
 * Writes the leaf of the row of `leafRowColumns` that stands in `cursor.input` from `start` up to `end`. True when the bytes say what the row says, no more and no
 * less; false when this is not the code to read it: then the exact way decides, `seal-leaf.ts`.
 */
export function writeLeaf(cursor: LeafCursor, start: number, end: number): boolean {
  const { input, bytes } = cursor;
  if (end - start > leafRowMax || !hasFront(input, start, end)) return false;
  const leafAt = cursor.end;
  bytes[cursor.end++] = 0x00;
  bytes[cursor.end++] = 0x7b;
  let place = start + leafRowPlaces.body;
  for (let index = 0; index < columns.length; index++) {
    const kind = (columns[index] as Column)[1];
    if (kind === "uuid" || kind === "time") {
      append(cursor, labels[index] as Uint8Array);
      const at = start + (places[index] as number);
      if (kind === "time" ? !writeTime(cursor, at) : !writeQuoted(cursor, at)) return false;
    } else {
      const length = int32At(input, place);
      place += 4;
      if (length < 0) continue;
      cursor.place = place;
      place = cursor.length = place + length;
      if (place > end) return false;
      append(cursor, labels[index] as Uint8Array);
      if (!writeField(cursor, kind) || cursor.place !== place) return false;
    }
    bytes[cursor.end++] = 0x2c;
  }
  append(cursor, version);
  return place === end && cursor.end - leafAt - 1 <= limits.leafBytesMax;
}

/** Whether a row has what should stand in front of it. Somebody who may alter tables can give a column another type, or let it be null. */
function hasFront(input: Uint8Array, start: number, end: number): boolean {
  if (end - start < leafRowPlaces.body) return false;
  for (let index = 0; index < front.length; index++) {
    const [place, length] = front[index] as (typeof front)[number];
    if (int32At(input, start + place - 4) !== length) return false;
  }
  return true;
}

function writeField(cursor: LeafCursor, kind: "text" | "number" | "json" | "address"): boolean {
  if (kind === "json") return cursor.input[cursor.place++] === jsonbVersion && writeContext(cursor);
  if (kind === "address") return writeAddress(cursor);
  if (kind === "number") return writeNumber(cursor);
  quoteField(cursor);
  return true;
}

const jsonbVersion = 1;

function writeQuoted(cursor: LeafCursor, at: number): true {
  cursor.bytes[cursor.end++] = quote;
  writeUuid(cursor, at);
  cursor.bytes[cursor.end++] = quote;
  return true;
}

/** An address without the length of its mask, which must be whole; Postgres writes the last 32 bits of some IPv6 addresses as IPv4: not here. */
function writeAddress(cursor: LeafCursor): boolean {
  const { input, bytes, length } = cursor;
  let colons = 0;
  let dots = 0;
  bytes[cursor.end++] = quote;
  for (; cursor.place < length && input[cursor.place] !== 0x2f; cursor.place++) {
    const code = input[cursor.place] as number;
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

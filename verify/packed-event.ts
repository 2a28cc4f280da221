import { columnsBeforeLeaf, eventOfRow } from "./database-row.ts";
import { leafColumns } from "./leaf.ts";
import type { PackedEvent, ReadEvent, StoredEvent } from "./source.ts";

/**
 * A row as `copy … to stdout (format binary)` sends it, from PostgreSQL's documentation of COPY, "Tuples": how many fields, and each with its length, or -1
 * for null; whole numbers of 16 and 32 bits, highest byte first. Columns are those of `rowColumns`, texts in UTF-8.
 */
export const fieldCount = columnsBeforeLeaf + leafColumns.length;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const tenantColumn = columnsBeforeLeaf + leafColumns.indexOf("tenant_id");
const uuidLength = 36;

/** Length of the field at `at`, -1 for null. */
export function fieldLength(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) << 24 | (bytes[at + 1] as number) << 16 | (bytes[at + 2] as number) << 8 | (bytes[at + 3] as number);
}

/** Where the field after the one at `at` begins. */
export function nextField(bytes: Uint8Array, at: number): number {
  return at + 4 + Math.max(0, fieldLength(bytes, at));
}

/** Where the field of a column begins, by its place in `rowColumns`. */
function placeOfField({ bytes, at }: Pick<PackedEvent, "bytes" | "at">, column: number): number {
  let place = at + 2;
  for (let i = 0; i < column; i++) place = nextField(bytes, place);
  return place;
}

/** Whether a column's text is `text`, which is ASCII. */
export function isTextOfField(event: Pick<PackedEvent, "bytes" | "at">, column: number, text: string): boolean {
  return isTextAt(event.bytes, placeOfField(event, column), text);
}

/** The text of a column by its place in `rowColumns`, or null. */
export function textOfField({ bytes, at }: Pick<PackedEvent, "bytes" | "at">, column: number): string | null {
  const place = placeOfField({ bytes, at }, column);
  const length = fieldLength(bytes, place);
  return length < 0 ? null : decoder.decode(bytes.subarray(place + 4, place + 4 + length));
}

/** The row at `at`, its tenant as the text that the row `before` has where it is the same. Throws when it has other columns. */
export function packedEvent(bytes: Uint8Array, at: number, before: PackedEvent | undefined): PackedEvent {
  if (((bytes[at] as number) << 8 | (bytes[at + 1] as number)) !== fieldCount) throw new Error("read row: columns: are not those that were asked for");
  let tenantAt = at + 2;
  for (let i = 0; i < tenantColumn; i++) tenantAt = nextField(bytes, tenantAt);
  const isSame = before !== undefined && before.tenantId.length === uuidLength && isTextAt(bytes, tenantAt, before.tenantId);
  return { tenantId: isSame ? before.tenantId : textOfField({ bytes, at }, tenantColumn) ?? "", seq: numberAt(bytes, at + 2), bytes, at };
}

/** The event as a value, exactly. */
export function unpacked(event: ReadEvent): StoredEvent {
  if (!("bytes" in event)) return event;
  return eventOfRow(Array.from({ length: fieldCount }, (_, column) => textOfField(event, column)));
}

/** Whether the field at `at` is `text`, which is ASCII. */
export function isTextAt(bytes: Uint8Array, at: number, text: string): boolean {
  if (fieldLength(bytes, at) !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + 4 + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** The whole number that the field at `at` prints. */
function numberAt(bytes: Uint8Array, at: number): number {
  const length = fieldLength(bytes, at);
  const isNegative = bytes[at + 4] === 0x2d;
  let number = 0;
  for (let i = isNegative ? 1 : 0; i < length; i++) number = number * 10 + (bytes[at + 4 + i] as number) - 0x30;
  return isNegative ? -number : number;
}

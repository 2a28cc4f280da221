import { Buffer } from "node:buffer";
import type { CheckedEvent } from "../../core/seal-store.ts";
import { sha256Lanes } from "../sha256-lanes.ts";
import { leafRoom, leafRowMax, leafRowPlaces, writeLeaf } from "./leaf-row.ts";
import type { LeafCursor } from "./leaf-text.ts";
import { int64At, millisecondsAt, uuidLength, writeUuid } from "./leaf-values.ts";

const pageRows = sha256Lanes.slots;
const pageBytes = 8 * leafRowMax;
const hashBytes = 32;
const uuidBytes = 16;

/** Rows that were read, each with the hash of its leaf, and which of them are not what they should be: that hash is not the one stored with them, or no leaf was written. */
export type HashedRows = { readonly rows: CheckedEvent[]; readonly differing: DifferingRow[] };

/** Its place among the rows, and what stands in front of it. */
export type DifferingRow = { readonly place: number; readonly front: Uint8Array };

/**
 * Rows of `leafRowColumns`, end to end, as many as are hashed at a time. They are copied here because the driver takes its bytes back, and because whoever else hashes
 * in this process may do so between two rows. Of one that is too long the front alone is kept: no leaf is written of it.
 */
export type Page = { readonly bytes: Uint8Array; readonly ends: number[]; readonly tenants: Tenant[] };
type Tenant = { readonly bytes: Uint8Array; readonly text: string };

export function openPage(): Page {
  return { bytes: new Uint8Array(pageBytes), ends: [], tenants: [] };
}

/** Adds a row, after hashing the page into `hashed` when it has no room. */
export function addRow(page: Page, row: Uint8Array, hashed: HashedRows): void {
  const kept = row.length > leafRowMax ? row.subarray(0, leafRowPlaces.body) : row;
  let end = page.ends.at(-1) ?? 0;
  if (page.ends.length === pageRows || end + kept.length > pageBytes) {
    hashPage(page, hashed);
    end = 0;
  }
  page.bytes.set(kept, end);
  page.ends.push(end + kept.length);
}

const cursor: LeafCursor = { input: new Uint8Array(0), length: 0, place: 0, bytes: sha256Lanes.bytes, end: 0 };
const isUnread = new Uint8Array(pageRows);
const idBytes = Buffer.alloc(pageRows * uuidLength);

/** Hashes the rows of a page, all in one go, and empties it. */
export function hashPage(page: Page, { rows, differing }: HashedRows): void {
  const { bytes: input, ends } = page;
  cursor.input = input;
  for (let slot = 0, start = 0; slot < ends.length; slot++) {
    const end = ends[slot] as number;
    const leafAt = cursor.end = sha256Lanes.next(leafRoom);
    const isWritten = writeLeaf(cursor, start, end);
    if (isWritten) sha256Lanes.add(cursor.end - leafAt, slot);
    isUnread[slot] = isWritten ? 0 : 1;
    start = end;
  }
  const digests = sha256Lanes.digests(ends.length);
  const idText = idsOf(page);
  for (let slot = 0, start = 0; slot < ends.length; slot++) {
    const hash = digests.subarray(slot * hashBytes, (slot + 1) * hashBytes);
    if (isUnread[slot] === 1 || !isAt(input, start + leafRowPlaces.leafHash, hash)) {
      differing.push({ place: rows.length, front: input.slice(start, start + leafRowPlaces.body) });
    }
    rows.push({
      tenantId: tenantAt(page, start + leafRowPlaces.tenantId),
      occurredAtMs: millisecondsAt(input, start + leafRowPlaces.occurredAt),
      id: idText.slice(slot * uuidLength, (slot + 1) * uuidLength),
      seq: int64At(input, start + leafRowPlaces.seq),
      leafHash: hash,
    });
    start = ends[slot] as number;
  }
  ends.length = 0;
}

/** The ids of a page in one text, of which each is a part: a text of its own for each costs more. */
function idsOf({ bytes, ends }: Page): string {
  const ids = { input: bytes, length: 0, place: 0, bytes: idBytes, end: 0 };
  for (let slot = 0; slot < ends.length; slot++) writeUuid(ids, (slot === 0 ? 0 : ends[slot - 1] as number) + leafRowPlaces.id);
  return idBytes.toString("latin1", 0, ids.end);
}

/** The tenant as the text that other rows have too. */
function tenantAt({ bytes, tenants }: Page, at: number): string {
  for (const tenant of tenants) if (isAt(bytes, at, tenant.bytes)) return tenant.text;
  const room = { input: bytes, length: 0, place: 0, bytes: new Uint8Array(uuidLength), end: 0 };
  writeUuid(room, at);
  const tenant = { bytes: bytes.slice(at, at + uuidBytes), text: String.fromCharCode(...room.bytes) };
  tenants.push(tenant);
  return tenant.text;
}

function isAt(bytes: Uint8Array, place: number, piece: Uint8Array): boolean {
  for (let index = 0; index < piece.length; index++) if (bytes[place + index] !== piece[index]) return false;
  return true;
}

import { Buffer } from "node:buffer";
import { isHex } from "../../core/format/hex.ts";
import { leafHashWithin } from "../../core/leaf.ts";
import type { CheckedEvent, CheckedPage, SealProblem } from "../../core/seal-store.ts";
import { sha256Lanes } from "../sha256-lanes.ts";
import { sha256 } from "../sha256-wasm.ts";
import { leafRoom, leafRowColumns, leafRowMax, uuidLength, writeLeaf } from "./leaf-row.ts";
import { committedColumns, rowToCommitted } from "./seal-leaf.ts";
import type { Transaction } from "./transaction.ts";

/** Rows of one fetch: few enough that their texts die young. */
const pageRows = sha256Lanes.slots;
const hashBytes = 32;

/**
 * The events that meet `where`, in order of seq, each checked: its leaf is built from its row and hashed, and compared with the hash stored with it. A cursor,
 * because planning over hundreds of partitions costs milliseconds. Each page is asked for before the one before it is checked: Postgres prints one meanwhile.
 */
export async function* readChecked(transaction: Transaction, where: string, limit: number): AsyncGenerator<CheckedPage> {
  const select = `select ${leafRowColumns} from audit_log.events where ${where} order by seq limit ${limit}`;
  await transaction.run(`declare committed no scroll cursor for ${select}`);
  const fetchPage = () => transaction.texts(`fetch ${pageRows} from committed`) as Promise<readonly RowText[]>;
  for (let page = await fetchPage(); page.length > 0;) {
    const next = page.length < pageRows ? Promise.resolve([]) : fetchPage();
    yield await checkPage(transaction, page);
    page = await next;
  }
}

type RowText = readonly [string];

/** Rows that `writeLeaf` leaves alone, or whose hash then differs, are read once more: the exact way alone says what is a problem. */
async function checkPage(transaction: Transaction, page: readonly RowText[]): Promise<CheckedPage> {
  const { rows, differing } = hashPage(page);
  const lastSeq = (rows.at(-1) as CheckedEvent).seq;
  if (differing.length === 0) return { count: page.length, lastSeq, checked: rows, problems: [] };
  const exact = await checkExactly(transaction, differing.map((slot) => (page[slot] as RowText)[0]));
  const problems: SealProblem[] = [];
  for (const [index, outcome] of exact.entries()) {
    if ("found" in outcome) problems.push(outcome);
    else rows[differing[index] as number] = outcome;
  }
  const isProblem = new Set(differing.filter((_, index) => "found" in (exact[index] as CheckedEvent | SealProblem)));
  return { count: page.length, lastSeq, checked: rows.filter((_, slot) => !isProblem.has(slot)), problems };
}

const input = new Uint8Array(3 * leafRowMax);
const encoder = new TextEncoder();
const cursor = { input, length: 0, place: 0, bytes: sha256Lanes.bytes, end: 0 };
const front = { seq: 0, hashAt: 0, tenantAt: 0, idAt: 0, occurredAt: 0, receivedAt: 0, nulls: 0 };
const stored = new Uint8Array(pageRows * hashBytes);
const ids = Buffer.alloc(pageRows * uuidLength);

/** The rows of a page with the hashes of their leaves, and the places of those that differ from the hash stored with them, or were left alone. */
function hashPage(page: readonly RowText[]): { readonly rows: CheckedEvent[]; readonly differing: readonly number[] } {
  const tenants: string[] = [];
  const unread = new Set<number>();
  const seqs: number[] = [];
  const times: number[] = [];
  const tenantIds: string[] = [];
  for (let slot = 0; slot < page.length; slot++) {
    const [text] = page[slot] as RowText;
    // A longer one is left alone, but its front is read.
    cursor.length = encoder.encodeInto(text.length > leafRowMax ? text.slice(0, leafRowMax) : text, input).written;
    const start = cursor.end = sha256Lanes.next(leafRoom);
    if (writeLeaf(cursor, front)) sha256Lanes.add(cursor.end - start, slot);
    else unread.add(slot);
    copyHex(slot * hashBytes);
    for (let index = 0; index < uuidLength; index++) ids[slot * uuidLength + index] = input[front.idAt + index] as number;
    seqs.push(front.seq);
    times.push(timeOf(front.occurredAt));
    tenantIds.push(tenantOf(tenants));
  }
  const digests = sha256Lanes.digests(page.length);
  // One text for all ids: a piece of each row's text would keep the whole of it.
  const idText = ids.toString("latin1", 0, page.length * uuidLength);
  const rows = page.map((_, slot): CheckedEvent => ({
    tenantId: tenantIds[slot] as string,
    occurredAtMs: times[slot] as number,
    id: idText.slice(slot * uuidLength, (slot + 1) * uuidLength),
    seq: seqs[slot] as number,
    leafHash: digests.subarray(slot * hashBytes, (slot + 1) * hashBytes),
  }));
  if (unread.size === 0 && Buffer.compare(stored.subarray(0, digests.length), digests) === 0) return { rows, differing: [] };
  const isSame = (slot: number) => Buffer.compare(stored.subarray(slot * hashBytes, (slot + 1) * hashBytes), (rows[slot] as CheckedEvent).leafHash) === 0;
  return { rows, differing: rows.flatMap((_, slot) => unread.has(slot) || !isSame(slot) ? [slot] : []) };
}

/** The tenant of the row that stands in `input`, as the text that other rows of the page have. */
function tenantOf(tenants: string[]): string {
  for (const tenant of tenants) if (isAt(tenant, front.tenantAt)) return tenant;
  const tenant = String.fromCharCode(...input.subarray(front.tenantAt, front.tenantAt + uuidLength));
  tenants.push(tenant);
  return tenant;
}

function isAt(text: string, place: number): boolean {
  for (let index = text.length - 1; index >= 0; index--) if (input[place + index] !== text.charCodeAt(index)) return false;
  return true;
}

function copyHex(to: number): void {
  for (let index = 0; index < hashBytes; index++) {
    const at = front.hashAt + 2 * index;
    stored[to + index] = (hexDigits[input[at] as number] as number) << 4 | (hexDigits[input[at + 1] as number] as number);
  }
}

/** The value of a hexadecimal digit by its character code. */
const hexDigits = Uint8Array.from({ length: 256 }, (_, code) => code < 58 ? code - 48 : (code | 32) - 87);

/** `2026-11-22 02:37:18.12+00` in milliseconds since 1970. */
function timeOf(at: number): number {
  const digits = (start: number, end: number) => {
    let number = 0;
    for (let place = at + start; place < at + end; place++) number = number * 10 + (input[place] as number) - 48;
    return number;
  };
  let milliseconds = 0;
  for (let place = at + 20, unit = 100; input[at + 19] === 0x2e && unit >= 1 && (input[place] as number) >= 48; place++, unit /= 10) {
    milliseconds += ((input[place] as number) - 48) * unit;
  }
  return Date.UTC(digits(0, 4), digits(5, 7) - 1, digits(8, 10), digits(11, 13), digits(14, 16), digits(17, 19), milliseconds);
}

/** Each of these rows, read once more by its key; one that is not there any more rebuilds nothing. */
async function checkExactly(transaction: Transaction, rows: readonly string[]): Promise<readonly (CheckedEvent | SealProblem)[]> {
  const keys = rows.map((row) => row.slice(0, 256).split("\x01")) as [seq: string, hash: string, tenantId: string, id: string, occurredAt: string][];
  const text = `select ${committedColumns} from (
      select e.* from unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) with ordinality as k (tenant_id, occurred_at, id, place)
      left join audit_log.events as e on e.tenant_id = k.tenant_id and e.occurred_at = k.occurred_at and e.id = k.id order by k.place
    ) as e`;
  const again = await transaction.texts(text, [keys.map((key) => key[2]), keys.map((key) => key[4]), keys.map((key) => key[3])]);
  return keys.map(([seq, leafHashHex, tenantId, id, occurredAt], index) => {
    const row = again[index] as [string | null, string];
    if (row[0] === null) return { found: { tenantId, occurredAt, id, seq: Number(seq), leafHashHex, leaf: undefined }, rebuilt: undefined };
    const found = rowToCommitted(row as [string, string]);
    const rebuilt = found.leaf === undefined ? undefined : leafHashWithin(found.leaf, sha256);
    if (rebuilt === undefined || !isHex(rebuilt, found.leafHashHex)) return { found, rebuilt };
    return { tenantId: found.tenantId, occurredAtMs: Date.parse(found.occurredAt), id: found.id, seq: found.seq, leafHash: rebuilt };
  });
}

import { Buffer } from "node:buffer";
import { isHex, toHex } from "../../core/format/hex.ts";
import { leafHashWithin } from "../../core/leaf.ts";
import type { CheckedEvent, CheckedEvents, CommittedEvent, SealProblem } from "../../core/seal-store.ts";
import { sha256 } from "../sha256-wasm.ts";
import { openArray } from "./binary-array.ts";
import { leafRowColumns, leafRowPlaces } from "./leaf-row.ts";
import { committedColumns, rowToCommitted } from "./seal-leaf.ts";
import { addRow, type DifferingRow, type HashedRows, hashPage, openPage } from "./seal-page.ts";
import type { Transaction } from "./transaction.ts";

/** Rows that are read the exact way at a time. */
const exactRows = 500;

/**
 * The events that meet `where`, in order of seq, at most `limit`, each checked: its leaf is built from its row and hashed, and compared with the hash stored with
 * it. One COPY: Postgres goes on printing while rows are hashed here, and the planner looks at hundreds of partitions once.
 */
export async function readChecked(transaction: Transaction, where: string, limit: number): Promise<CheckedEvents> {
  const page = openPage();
  const hashed: HashedRows = { rows: [], differing: [] };
  const select = `select ${leafRowColumns} from audit_log.events where ${where} order by seq limit ${limit}`;
  await transaction.copied(`copy (${select}) to stdout (format binary)`, (row) => addRow(page, row, hashed));
  hashPage(page, hashed);
  const { rows, differing } = hashed;
  const read = { count: rows.length, lastSeq: rows.at(-1)?.seq };
  if (differing.length === 0) return { ...read, checked: rows, problems: [] };

  // What `writeLeaf` leaves alone, and what then differs, is read once more: the exact way alone says what is a problem.
  const problems: SealProblem[] = [];
  const isProblem = new Set<number>();
  for (let first = 0; first < differing.length; first += exactRows) {
    const some = differing.slice(first, first + exactRows);
    for (const [index, outcome] of (await checkExactly(transaction, hashed, some)).entries()) {
      const { place } = some[index] as DifferingRow;
      if ("found" in outcome) {
        problems.push(outcome);
        isProblem.add(place);
      } else rows[place] = outcome;
    }
  }
  return { ...read, checked: rows.filter((_, place) => !isProblem.has(place)), problems };
}

type ExactRow = readonly [keyOccurredAt: string, id: string | null, row: string];

/** Each of these rows, read once more by its key; one that is not there any more rebuilds nothing. */
async function checkExactly(transaction: Transaction, { rows }: HashedRows, some: readonly DifferingRow[]): Promise<readonly (CheckedEvent | SealProblem)[]> {
  const keys = some.map(({ place }) => rows[place] as CheckedEvent);
  const text = `select key_occurred_at, ${committedColumns} from (
      select k.occurred_at as key_occurred_at, e.*
      from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bigint[]) with ordinality as k (tenant_id, occurred_at, id, seq, place)
      left join lateral (
        select * from audit_log.events as e where e.tenant_id = k.tenant_id and e.occurred_at = k.occurred_at and e.id = k.id and e.seq = k.seq limit 1
      ) as e on true
      order by k.place
    ) as e`;
  const values = [keys.map((key) => key.tenantId), occurredAts(some), keys.map((key) => key.id), keys.map((key) => key.seq)];
  const again = await transaction.texts(text, values) as readonly (readonly (string | null)[])[] as readonly ExactRow[];
  return keys.map(({ tenantId, id, seq }, index) => {
    const [occurredAt, found, row] = again[index] as ExactRow;
    if (found === null) {
      const leafHashHex = toHex((some[index] as DifferingRow).front.subarray(leafRowPlaces.leafHash));
      return { found: { tenantId, occurredAt, id, seq, leafHashHex, leaf: undefined }, rebuilt: undefined };
    }
    return exactly(rowToCommitted([found, row]));
  });
}

function exactly(found: CommittedEvent): CheckedEvent | SealProblem {
  const rebuilt = found.leaf === undefined ? undefined : leafHashWithin(found.leaf, sha256);
  if (rebuilt === undefined || !isHex(rebuilt, found.leafHashHex)) return { found, rebuilt };
  return { tenantId: found.tenantId, occurredAtMs: Date.parse(found.occurredAt), id: found.id, seq: found.seq, leafHash: rebuilt };
}

/** As they came, to the last microsecond: an element of a binary array is framed like a field of COPY. */
function occurredAts(rows: readonly DifferingRow[]): Buffer {
  const array = openArray("timestamptz", rows.length);
  for (const { front } of rows) {
    const field = front.subarray(leafRowPlaces.occurredAt - 4, leafRowPlaces.occurredAt + 8);
    array.bytes.set(field, array.length);
    array.length += field.length;
  }
  return Buffer.from(array.bytes.buffer, 0, array.length);
}

import { Buffer } from "node:buffer";
import type { BookedFile } from "../../core/archive-books.ts";
import { ArchiveFault } from "../../core/archive-fault.ts";
import { type RowToArchive, rowToArchive } from "../../core/archive-file-writer.ts";
import { canonicalJson } from "../../core/format/canonical-json.ts";
import { leafOf } from "../../core/leaf.ts";
import { limits } from "../../core/limits.ts";
import { restoredSeqOffset } from "../../core/restore-tree.ts";
import { archiveRowReader, type StoredRow, storedRows } from "./archive-row.ts";
import { encodeArray } from "./binary-array.ts";
import { leafRowColumns } from "./leaf-row.ts";
import { rowToSeal, sealColumns } from "./seal-row.ts";
import type { Transaction } from "./transaction.ts";

/**
 * The events of one file in order, a row group at a time, each with its leaf and its place in the tree. Read as strictly as the sealer reads: whatever was
 * changed since gives another leaf, which the check of the file will find. Throws ArchiveFault for an event that no leaf can be built from, or that is in
 * no tree. Of a whole file the rows are held as they come, end to end; what is made of a group dies young.
 */
export async function* readArchiveRows(transaction: Transaction, tenantId: string, { from, to }: BookedFile): AsyncGenerator<readonly RowToArchive[]> {
  // COPY takes no values. Times, ids and tenants hold neither quotes nor backslashes: the books have them from columns of these types.
  const [tenant, first, firstId, last, lastId] = [tenantId, from.occurredAt, from.id, to.occurredAt, to.id].map(literal);
  // The bounds on occurred_at alone let the planner leave out other days.
  const where = `tenant_id = ${tenant} and occurred_at >= ${first} and occurred_at <= ${last}
    and (occurred_at, id) >= (${first}, ${firstId}) and (occurred_at, id) <= (${last}, ${lastId})`;
  const stored = storedRows();
  const select = `select ${leafRowColumns} from audit_log.events where ${where} order by occurred_at, id`;
  await transaction.copied(`copy (${select}) to stdout (format binary)`, (row) => stored.add(row));
  const read = archiveRowReader();
  for (let at = 0; at < stored.rows.length; at += limits.archiveRowGroupRows) {
    const group = stored.rows.slice(at, at + limits.archiveRowGroupRows);
    const places = await placesOf(transaction, tenantId, group.map(({ seq }) => seq));
    const rows = group.map((row) => read(row, logIndexOf(row.seq, places)));
    const unread = group.flatMap(({ seq }, index) => rows[index] === undefined ? [seq] : []);
    const exact = unread.length === 0 ? undefined : await readExactly(transaction, `${where} and seq in (${unread.join()})`, places);
    yield rows.map((row, index) => row ?? exact?.get((group[index] as StoredRow).seq) as RowToArchive);
  }
}

function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** Where the tile has moved, a restored event says its place itself; whether it stands there is for the check of the file to find. */
function logIndexOf(seq: number, places: ReadonlyMap<number, number>): number {
  const logIndex = places.get(seq) ?? (seq < 0 ? seq + restoredSeqOffset : undefined);
  if (logIndex === undefined) throw new ArchiveFault(`read event of sequence number ${seq}: it is in no tree`);
  return logIndex;
}

/** Rows that are not read as bytes, read once more column by column; by their sequence numbers. */
async function readExactly(transaction: Transaction, where: string, places: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, RowToArchive>> {
  const found = (await transaction.texts(`select ${sealColumns} from audit_log.events where ${where}`)).map(rowToSeal);
  return new Map(found.map(({ event, id, seq, leafHashHex }) => {
    if (event === undefined) throw new ArchiveFault(`read event ${id}: its row gives no leaf`);
    const contextJson = event.context === undefined ? undefined : canonicalJson(event.context);
    const leaf = leafOf(event, contextJson);
    return [seq, rowToArchive({ event, contextJson, leaf, leafHash: Buffer.from(leafHashHex, "hex"), logIndex: logIndexOf(seq, places) })];
  }));
}

/** Where the leaves of these rows stand. First which tiles, by their index alone, then the list of each tile once, however many of its leaves are asked for. */
async function placesOf(transaction: Transaction, tenantId: string, seqs: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const text = `with wanted as materialized (select unnest($2::bigint[]) as seq), hit as materialized (
      select distinct near.tile_index
      from wanted
      cross join lateral (
        select t.tile_index from audit_log.tiles as t
        where t.tenant_id = $1 and t.level = 0 and t.first_seq <= wanted.seq
        order by t.first_seq desc
        limit 1
      ) as near
    )
    select leaf.seq, t.tile_index * 256 + leaf.at - 1 as place
    from hit
    join audit_log.tiles as t on t.tenant_id = $1 and t.level = 0 and t.tile_index = hit.tile_index
    cross join lateral unnest(t.seqs) with ordinality as leaf (seq, at)
    join wanted on wanted.seq = leaf.seq`;
  const bytes = encodeArray("int8", seqs);
  const rows = await transaction.texts(text, [tenantId, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)]);
  return new Map(rows.map(([seq, place]) => [Number(seq), Number(place)]));
}

import { Buffer } from "node:buffer";
import type { BookedFile } from "../../core/archive-books.ts";
import { ArchiveFault } from "../../core/archive-fault.ts";
import type { ArchiveRow } from "../../core/archive-file.ts";
import { canonicalJson } from "../../core/format/canonical-json.ts";
import { leafOf } from "../../core/leaf.ts";
import { restoredSeqOffset } from "../../core/restore-tree.ts";
import { encodeArray } from "./binary-array.ts";
import { rowToSeal, sealColumns } from "./seal-row.ts";
import type { Transaction } from "./transaction.ts";

/**
 * The events of one file in order, each with its leaf and its place in the tree. Read as strictly as the sealer reads: whatever was changed since gives
 * another leaf, which the check of the file will find. Throws ArchiveFault for an event that no leaf can be built from, or that is in no tree.
 */
export async function readArchiveRows(transaction: Transaction, tenantId: string, { from, to }: BookedFile): Promise<readonly ArchiveRow[]> {
  // The bounds on occurred_at alone let the planner leave out other days.
  const text = `select ${sealColumns} from audit_log.events
    where tenant_id = $1 and occurred_at >= $2 and occurred_at <= $4 and (occurred_at, id) >= ($2, $3) and (occurred_at, id) <= ($4, $5)
    order by occurred_at, id`;
  const events = (await transaction.texts(text, [tenantId, from.occurredAt, from.id, to.occurredAt, to.id])).map(rowToSeal);
  const places = await placesOf(transaction, tenantId, events.map(({ seq }) => seq));
  return events.map(({ event, id, seq, leafHashHex }): ArchiveRow => {
    // Where the tile has moved, a restored event says its place itself; whether it stands there is for the check of the file to find.
    const logIndex = places.get(seq) ?? (seq < 0 ? seq + restoredSeqOffset : undefined);
    if (event === undefined) throw new ArchiveFault(`read event ${id}: its row gives no leaf`);
    if (logIndex === undefined) throw new ArchiveFault(`read event ${id}: it is in no tree`);
    const contextJson = event.context === undefined ? undefined : canonicalJson(event.context);
    return { event, contextJson, leaf: leafOf(event, contextJson), leafHash: Buffer.from(leafHashHex, "hex"), logIndex };
  });
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

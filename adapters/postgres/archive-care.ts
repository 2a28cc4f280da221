import { Buffer } from "node:buffer";
import type { ArchiveCareBooks, ExpiryWork, TileWork } from "../../core/archive-books.ts";
import { type TileAt, tileWidth } from "../../core/format/tiles.ts";
import type { Transaction } from "./transaction.ts";

/** What archives need after their day was dropped, in Postgres. */
export function archiveCareBooks(inJob: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>): ArchiveCareBooks {
  return {
    claimTiles: (leaseSeconds) =>
      inJob(async (transaction) => {
        const text = "select tenant_id, day::text, lease, first_tile, last_tile from audit_log.claim_archive_tiles($1)";
        const [row] = await transaction.rows<TileWorkRow>(text, [leaseSeconds]);
        return row && { tenantId: row.tenant_id, day: row.day, lease: row.lease, firstTile: row.first_tile, lastTile: row.last_tile };
      }),
    movableTiles: (work, limit) =>
      inJob(async (transaction) => {
        const text = "select tile_index from audit_log.movable_tiles($1, $2, $3, $4)";
        const values = [work.tenantId, work.firstTile, work.lastTile, limit];
        return (await transaction.rows<{ tile_index: number }>(text, values)).map((row) => row.tile_index);
      }),
    fullTilesAbove: (tenantId, indexes) => inJob((transaction) => fullTilesAbove(transaction, tenantId, indexes)),
    moveTiles: (work, moved, isLast) => inJob((transaction) => moveTiles(transaction, work, moved, isLast)),
    claimExpiry: (leaseSeconds) => inJob((transaction) => claimExpiry(transaction, leaseSeconds)),
    recordDeleted: ({ tenantId, day, lease }) =>
      inJob(async (transaction) => {
        const [row] = await transaction.rows<{ done: boolean }>("select audit_log.record_archive_deleted($1, $2, $3) as done", [tenantId, day, lease]);
        return row?.done ?? false;
      }),
  };
}

type TileWorkRow = {
  readonly tenant_id: string;
  readonly day: string;
  readonly lease: string;
  readonly first_tile: number;
  readonly last_tile: number;
};

async function moveTiles(
  transaction: Transaction,
  { tenantId, day, lease }: TileWork,
  moved: readonly { readonly index: number; readonly sha256: Uint8Array }[],
  isLast: boolean,
): Promise<boolean> {
  const indexes = moved.map(({ index }) => index);
  const hashes = moved.map(({ sha256 }) => Buffer.from(sha256));
  const text = "select audit_log.move_tiles($1, $2, $3, $4, $5, $6) as done";
  const [row] = await transaction.rows<{ done: boolean }>(text, [tenantId, day, lease, indexes, hashes, isLast]);
  return row?.done ?? false;
}

async function fullTilesAbove(transaction: Transaction, tenantId: string, indexes: readonly number[]): Promise<readonly TileAt[]> {
  const wanted: TileAt[] = [];
  let parents = indexes;
  for (let level = 1; level <= 6 && parents.length > 0; level++) {
    parents = [...new Set(parents.map((index) => Math.floor(index / tileWidth)))];
    const text = `select t.tile_index from audit_log.tiles as t
      where t.tenant_id = $1 and t.level = $2 and t.tile_index = any ($3::bigint[]) and octet_length(t.hashes) = 8192 and not exists (
        select from audit_log.tiles as below
        where below.tenant_id = $1 and below.level = 0 and below.tile_index >= t.tile_index * $4::bigint and below.tile_index < (t.tile_index + 1) * $4::bigint
      )`;
    const rows = await transaction.rows<{ tile_index: number }>(text, [tenantId, level, parents, tileWidth ** level]);
    parents = rows.map((row) => row.tile_index);
    wanted.push(...parents.map((index) => ({ level, index, width: tileWidth })));
  }
  return wanted;
}

type ExpiryRow = {
  readonly tenant_id: string;
  readonly day: string;
  readonly lease: string;
  readonly expiring_at: string;
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
  readonly manifest_key: string;
  readonly manifest_sha256: Uint8Array;
};

async function claimExpiry(transaction: Transaction, leaseSeconds: number): Promise<ExpiryWork | undefined> {
  const text = "select tenant_id, day::text, lease, expiring_at, rows, bytes, files, manifest_key, manifest_sha256 from audit_log.claim_archive_expiry($1)";
  const [row] = await transaction.rows<ExpiryRow>(text, [leaseSeconds]);
  return row && {
    tenantId: row.tenant_id,
    day: row.day,
    lease: row.lease,
    expiringAt: row.expiring_at,
    rows: row.rows,
    bytes: row.bytes,
    files: row.files,
    manifestKey: row.manifest_key,
    manifestSha256: row.manifest_sha256,
  };
}

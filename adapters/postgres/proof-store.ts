import { Buffer } from "node:buffer";
import type { ProofStore, SigningKey, StoredCheckpoint } from "../../core/proofs.ts";

/** Runs one statement in a transaction of the caller's, as `authenticated` with the caller's claims, through a pool of ours. */
export type Query = <Row extends Record<string, unknown>>(text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/**
 * Proofs from Postgres, under the caller's row-level security. Every statement carries the tenant as well: the policies make it safe, the
 * condition makes it fast.
 */
export function createProofStore(query: Query): ProofStore {
  const checkpointColumns = "size, signed_at, verifier_key, note";
  return {
    checkpoint: async (tenantId, size) => {
      const ofSize = size === undefined ? "" : "and size = $2";
      const text = `select ${checkpointColumns} from audit_log.checkpoints where tenant_id = $1 ${ofSize} order by size desc, signed_at desc limit 1`;
      const [row] = await query<CheckpointRow>(text, size === undefined ? [tenantId] : [tenantId, size]);
      return row === undefined ? undefined : checkpointOf(row);
    },
    checkpoints: async (tenantId, below, limit) => {
      const text = `select ${checkpointColumns} from (
          select * from audit_log.checkpoints where tenant_id = $1 and ($2::bigint is null or size < $2) order by size desc fetch first $3 rows with ties
        ) as page order by size desc, signed_at desc`;
      return (await query<CheckpointRow>(text, [tenantId, below ?? null, limit])).map(checkpointOf);
    },
    leafIndex: async ({ tenantId, occurredAt, id }) => {
      const [row] = await query<{ leaf_index: number }>("select leaf_index from audit_log.find_leaf($1, $2, $3)", [tenantId, occurredAt, id]);
      return row?.leaf_index;
    },
    tiles: async (tenantId, wanted) => {
      const text = `select level, tile_index, hashes from audit_log.tiles
        where tenant_id = $1 and (level, tile_index) in (select * from unnest($2::smallint[], $3::bigint[]))`;
      const rows = await query<TileRow>(text, [tenantId, wanted.map((tile) => tile.level), wanted.map((tile) => tile.index)]);
      return rows.map((row) => ({ level: row.level, index: row.tile_index, hashes: Buffer.from(row.hashes) }));
    },
    keys: async () => {
      const rows = await query<KeyRow>("select verifier_key, log_origin, since, retired_at from audit_log.signing_keys order by since", []);
      return rows.map((row): SigningKey => ({
        verifierKey: row.verifier_key,
        logOrigin: row.log_origin,
        since: row.since,
        retiredAt: row.retired_at ?? undefined,
      }));
    },
    rotations: async () => {
      const rows = await query<{ statement: string }>("select statement from audit_log.key_rotations order by announced_at, retired_at", []);
      return rows.map((row) => row.statement);
    },
  };
}

type CheckpointRow = { readonly size: number; readonly signed_at: string; readonly verifier_key: string; readonly note: string };
type TileRow = { readonly level: number; readonly tile_index: number; readonly hashes: Uint8Array };
type KeyRow = { readonly verifier_key: string; readonly log_origin: string; readonly since: string; readonly retired_at: string | null };

function checkpointOf(row: CheckpointRow): StoredCheckpoint {
  return { size: row.size, signedAt: row.signed_at, verifierKey: row.verifier_key, note: row.note };
}

import type { Pool } from "pg";
import type { BundleSource, NewestCheckpoint } from "../../core/checkpoint-bundle.ts";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** Checkpoints on their way out of Postgres, as `audit_job`. */
export function createBundleSource(pool: Pool, log: Log): BundleSource & { thin(since: Date, limit: number): Promise<number> } {
  const options = { role: "audit_job", action: "bundle checkpoints", statementTimeoutMs: limits.sealStatementTimeoutMs, log } as const;
  const inJob = <T>(work: (transaction: Transaction) => Promise<T>) => inTransaction(pool, options, work);
  return {
    unwritten: (names) =>
      inJob(async (transaction) => {
        const text =
          "select name from unnest($1::text[]) as due (name) where not exists (select from audit_log.checkpoint_bundles as b where b.name = due.name)";
        return (await transaction.rows<{ name: string }>(text, [names])).map((row) => row.name);
      }),
    record: (name) => inJob(async (transaction) => void await transaction.rows("select audit_log.record_bundle($1)", [name])),
    newest: (until, afterTenantId, limit) =>
      inJob(async (transaction) => {
        const text = `select t.tenant_id, c.note, c.verifier_key
          from (select tenant_id from audit_log.tree_state where $2::uuid is null or tenant_id > $2) as t
          cross join lateral (
            select k.note, k.verifier_key from audit_log.checkpoints as k
            where k.tenant_id = t.tenant_id and k.signed_at < $1
            order by k.size desc, k.signed_at desc
            limit 1
          ) as c
          order by t.tenant_id
          limit $3`;
        const rows = await transaction.rows<{ tenant_id: string; note: string; verifier_key: string }>(text, [
          until.toISOString(),
          afterTenantId ?? null,
          limit,
        ]);
        return rows.map((row): NewestCheckpoint => ({ tenantId: row.tenant_id, note: row.note, verifierKey: row.verifier_key }));
      }),
    rotations: () =>
      inJob(async (transaction) => {
        const rows = await transaction.rows<{ statement: string }>("select statement from audit_log.key_rotations order by announced_at, retired_at");
        return rows.map((row) => row.statement);
      }),
    tilesOf: (tenantId) => (wanted) =>
      inJob(async (transaction) => {
        const text = `select level, tile_index, hashes from audit_log.tiles
          where tenant_id = $1 and (level, tile_index) in (select * from unnest($2::smallint[], $3::bigint[]))`;
        const values = [tenantId, wanted.map((tile) => tile.level), wanted.map((tile) => tile.index)];
        const rows = await transaction.rows<{ level: number; tile_index: number; hashes: Uint8Array }>(text, values);
        return rows.map((row) => ({ level: row.level, index: row.tile_index, hashes: row.hashes }));
      }),
    thin: (since, limit) =>
      inJob(async (transaction) => {
        const [row] = await transaction.rows<{ thinned: number }>("select audit_log.thin_checkpoints($1, $2) as thinned", [since.toISOString(), limit]);
        return row?.thinned ?? 0;
      }),
  };
}

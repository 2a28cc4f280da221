import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import { limits } from "../../core/limits.ts";
import type { KeyStore, Log } from "../../core/ports.ts";
import { inTransaction } from "./transaction.ts";

type KeyRow = {
  readonly id: string;
  readonly tenant_id: string;
  readonly scopes: readonly string[];
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
};

/** API keys in `audit_log.api_keys`, found by their hash through `audit_log.find_key()`: nobody may read the table. */
export function createKeyStore(pool: Pool, log: Log): KeyStore {
  const options = { role: "audit_ingest", action: "find API key", statementTimeoutMs: limits.keyStatementTimeoutMs, log } as const;
  return {
    touch: (id, usedAt) =>
      inTransaction(pool, { ...options, action: "note use of API key" }, async (transaction) => {
        await transaction.rows("select audit_log.touch_key($1, $2)", [id, usedAt.toISOString()]);
      }),
    find: (keyHash) =>
      inTransaction(pool, options, async (transaction) => {
        const text = "select id, tenant_id, scopes, expires_at, revoked_at from audit_log.find_key($1)";
        const [row] = await transaction.rows<KeyRow>(text, [Buffer.from(keyHash)]);
        if (row === undefined) return undefined;
        return { id: row.id, tenantId: row.tenant_id, scopes: row.scopes, expiresAt: row.expires_at ?? undefined, revoked: row.revoked_at !== null };
      }),
  };
}

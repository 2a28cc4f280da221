import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import type { Scope } from "../../core/caller.ts";
import { AuditError } from "../../core/errors.ts";
import type { KeyAdmin, KeyRecord, NewKey } from "../../core/key-admin.ts";
import type { EventRow, Log } from "../../core/ports.ts";
import { actAs, type ActingAs } from "./act-as.ts";
import { readAs } from "./claims.ts";
import { databaseFaultOf } from "./database-fault.ts";
import { sql } from "./query-fragment.ts";
import type { Transaction } from "./transaction.ts";

/** API keys in `audit_log.api_keys`, read under row-level security and changed by definer functions that look at the claims themselves. */
export function createKeyAdmin(pool: Pool, log: Log): KeyAdmin {
  return {
    list: (claims, tenantId, limit, after) =>
      readAs({ pool, log }, claims, async (transaction) => {
        const older = after === undefined
          ? sql``
          : sql`and (k.created_at, k.id) < (select l.created_at, l.id from audit_log.api_keys as l where l.tenant_id = ${tenantId}::uuid and l.id = ${after})`;
        const rows = await transaction.rows<KeyRow>(
          sql`select ${columns} from audit_log.api_keys as k where k.tenant_id = ${tenantId}::uuid ${older} order by k.created_at desc, k.id desc limit ${limit}`,
        );
        if (rows.length === 0 && after !== undefined && (await transaction.rows(oneKey(tenantId, after))).length === 0) {
          throw new AuditError("invalid_cursor", "list API keys: cursor: the tenant has no such key; start again without it", { pointer: "cursor" });
        }
        return rows.map(recordOf);
      }),
    find: (claims, tenantId, id) =>
      readAs({ pool, log }, claims, async (transaction) => {
        const [row] = await transaction.rows<KeyRow>(oneKey(tenantId, id));
        return row === undefined ? undefined : recordOf(row);
      }),
    create: (claims, key, record) => createKey(pool, log, { role: "authenticated", claims }, key, record),
    revoke: (claims, tenantId, id, record) =>
      actAs(pool, log, "revoke API key", { role: "authenticated", claims }, async (transaction) => {
        await transaction.rows("select audit_log.revoke_key($1, $2)", [tenantId, id]);
        const text = `select ${columnNames}, revoked_at = now() as is_new from audit_log.api_keys as k where tenant_id = $1 and id = $2`;
        const [row] = await transaction.rows<KeyRow & { readonly is_new: boolean }>(text, [tenantId, id]);
        return { result: row === undefined ? undefined : recordOf(row), events: row?.is_new ? [record] : [] };
      }),
  };
}

/** Makes a key as somebody who may: an admin of the tenant by his claims, or the operator's command. */
export async function createKey(pool: Pool, log: Log, as: ActingAs, key: NewKey, record: EventRow): Promise<KeyRecord> {
  try {
    return await actAs(pool, log, "create API key", as, async (transaction) => ({ result: await insertKey(transaction, key), events: [record] }));
  } catch (error) {
    if (databaseFaultOf(error)?.sqlstate !== "53400") throw error;
    throw new AuditError("conflict", "create API key: the tenant has as many keys in use as it may; revoke some", { cause: error });
  }
}

async function insertKey(transaction: Transaction, key: NewKey): Promise<KeyRecord> {
  const values = [key.tenantId, key.id, Buffer.from(key.hash), key.name, key.scopes, key.expiresAt ?? null];
  const [row] = await transaction.rows<{ created_at: string }>("select now() as created_at from audit_log.create_key($1, $2, $3, $4, $5, $6)", values);
  if (row === undefined) throw new Error("create API key: the database gave no row");
  const { hash: _hash, ...shown } = key;
  return { ...shown, createdAt: cutTime(row.created_at), lastUsedAt: undefined, revokedAt: undefined };
}

const columnNames = "id, tenant_id, name, scopes, created_at, expires_at, last_used_at, revoked_at";
const columns = sql`k.id, k.tenant_id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at`;

const oneKey = (tenantId: string, id: string) => sql`select ${columns} from audit_log.api_keys as k where k.tenant_id = ${tenantId}::uuid and k.id = ${id}`;

type KeyRow = {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
};

function recordOf(row: KeyRow): KeyRecord {
  const time = (text: string | null) => text === null ? undefined : cutTime(text);
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    scopes: row.scopes,
    createdAt: cutTime(row.created_at),
    expiresAt: time(row.expires_at),
    lastUsedAt: time(row.last_used_at),
    revokedAt: time(row.revoked_at),
  };
}

/** Milliseconds, as events have them. */
function cutTime(text: string): string {
  return text.replace(/(\.\d{3})\d*Z$/, "$1Z");
}

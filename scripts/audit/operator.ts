import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { createPool } from "../../adapters/postgres/pool.ts";
import { inTransaction } from "../../adapters/postgres/transaction.ts";
import { sha256 } from "../../adapters/sha256.ts";
import { newIdentity, type OwnEvent, ownEventRow } from "../../core/own-event.ts";
import type { Claims } from "../../core/caller.ts";
import { limits } from "../../core/limits.ts";
import type { EventRow, Log } from "../../core/ports.ts";

/** Faults of the database are told by what the command throws. */
export const silent: Log = () => undefined;

/** Runs `work` over a connection of its own, which ends with it. */
export async function withDatabase<T>(databaseUrl: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ databaseUrl, databasePoolSize: 1 }, silent);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** The event that tells what the operator did by this command. All that is known of him is the login that he used, so that is the principal. */
export function operatorEvent(databaseUrl: string, tenantId: string, done: Omit<OwnEvent, "result">): EventRow {
  const login = `login:${decodeURIComponent(new URL(databaseUrl).username) || "unknown"}`;
  const caller = { kind: "secret", principal: login, tenants: [tenantId], scopes: new Set<never>(), claims: {} } as const;
  const parts = { now: () => new Date(), randomBytes: (length: number) => new Uint8Array(randomBytes(length)), sha256 };
  const actor = { caller, actorType: "operator", tenantId, requestId: `command-${parts.now().getTime()}`, fields: {} };
  return ownEventRow(actor, { ...done, result: "success" }, newIdentity(parts), parts);
}

/** The operator as admin of one tenant: whoever has the database's login may take that role, and row-level security then looks after the rest. */
export function adminClaims(tenantId: string): Claims {
  return { role: "authenticated", app_metadata: { tenant_ids: [tenantId], audit_role: "admin" } };
}

/** Every tenant of the log, oldest first. */
export async function everyTenant(pool: Pool): Promise<readonly string[]> {
  const about = { role: "audit_job", action: "list tenants", statementTimeoutMs: limits.queryStatementTimeoutMs, log: silent } as const;
  const rows = await inTransaction(
    pool,
    about,
    (transaction) => transaction.rows<{ readonly id: string }>("select id from audit_log.tenants order by created_at, id"),
  );
  return rows.map(({ id }) => id);
}

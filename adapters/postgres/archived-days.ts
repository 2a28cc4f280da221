import type { ArchivedDay, ArchiveKey } from "../../core/archived-source.ts";
import type { StoredEvent } from "../../core/query-store.ts";
import type { ReadTransaction } from "./claims.ts";
import { sql } from "./query-fragment.ts";

/** Archived days of a tenant, and the keys that may have signed their manifests. */
export type ArchivedDays = { readonly days: readonly ArchivedDay[]; readonly keys: readonly ArchiveKey[] };

export const noArchivedDays: ArchivedDays = { days: [], keys: [] };

/**
 * The tenant's archived days that touch the time from `from` to `to`, under the caller's row-level security. To be asked in the transaction that has read
 * the events, after them: a day leaves the events in the transaction in which its archive appears, so that in this order none is missed.
 */
export async function readArchivedDays(transaction: ReadTransaction, tenantId: string, from: string, to: string): Promise<ArchivedDays> {
  const rows = await transaction.rows<{ tenant_id: string; day: string; manifest_key: string; manifest_sha256: Uint8Array }>(
    sql`select a.tenant_id, a.day::text, a.manifest_key, a.manifest_sha256 from audit_log.archives a
      where a.tenant_id = ${tenantId}::uuid and a.state = 'archived' and a.day between ${from.slice(0, 10)}::date and ${to.slice(0, 10)}::date
      order by a.day`,
  );
  if (rows.length === 0) return noArchivedDays;
  const keys = await transaction.rows<{ verifier_key: string; log_origin: string }>(
    sql`select k.verifier_key, k.log_origin from audit_log.signing_keys k`,
  );
  return {
    days: rows.map((row) => ({ tenantId: row.tenant_id, day: row.day, manifestKey: row.manifest_key, manifestSha256: row.manifest_sha256 })),
    keys: keys.map((row) => ({ verifierKey: row.verifier_key, logOrigin: row.log_origin })),
  };
}

/** Which of `events` are softly deleted, in the same order. */
export async function readDeleted(transaction: ReadTransaction, tenantId: string, events: readonly StoredEvent[]): Promise<readonly boolean[]> {
  const times = events.map(({ event }) => event.occurred_at);
  const ids = events.map(({ event }) => event.id);
  const rows = await transaction.rows<{ occurred_at: string; id: string }>(
    sql`select d.occurred_at, d.id from audit_log.deletions d
      join unnest(${times}::timestamptz[], ${ids}::uuid[]) as asked (occurred_at, id) on d.occurred_at = asked.occurred_at and d.id = asked.id
      where d.tenant_id = ${tenantId}::uuid`,
  );
  const deleted = new Set(rows.map((row) => `${row.occurred_at} ${row.id}`));
  return events.map(({ event }) => deleted.has(`${event.occurred_at} ${event.id}`));
}

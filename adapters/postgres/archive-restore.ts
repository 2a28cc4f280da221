import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import type { ArchiveRow } from "../../core/archive-file.ts";
import type { FoundManifest, RestoreOutcome, RestoreTarget } from "../../core/archive-restore.ts";
import { canonicalJson } from "../../core/format/canonical-json.ts";
import { toHex } from "../../core/format/hex.ts";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports.ts";
import { type RestoredLeaf, restoredSeqOffset } from "../../core/restore-tree.ts";
import { encodeArray } from "./binary-array.ts";
import { driverQuery } from "./driver-query.ts";
import { ingestValues } from "./event-store.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/**
 * Restores into Postgres, as `audit_job`. A whole archive is one transaction, however long its download takes: the sealer waits for it, ingest does not.
 */
export function createRestoreTarget(pool: Pool, retentionYears: number, log: Log): RestoreTarget {
  const options = { role: "audit_job", action: "restore events", statementTimeoutMs: limits.archiveStatementTimeoutMs, log } as const;
  return {
    restore: (found, groups) =>
      inTransaction(pool, options, async (transaction) => {
        await transaction.run(`set local idle_in_transaction_session_timeout = ${limits.archiveStatementTimeoutMs}`);
        const outcome = await begin(transaction, found, retentionYears);
        if (outcome !== "begun") return outcome;
        for await (const rows of groups) await insert(transaction, found.manifest.tenant_id, rows);
        await bookFiles(transaction, found.manifest);
        await transaction.rows("select audit_log.end_restore($1, $2)", [found.manifest.tenant_id, found.manifest.date]);
        return "restored";
      }),
  };
}

/** The first half of the key of the lock below; the second is the tenant's. */
const restoreLock = 1635083371;

/**
 * Runs `work` while nobody else restores this tenant here; "busy" when somebody does. A run finds at its start which days there are and whether there is a
 * tree: a second one beside it would rebuild the tree twice, or bring days back that the first one's tree does not have. The lock is a transaction's, since
 * a session's would stay behind in a pooler. The transaction has no snapshot and holds up nothing; where its connection broke, only the lock is gone.
 */
export async function aloneAtRestore<T>(pool: Pool, tenantId: string, work: () => Promise<T>): Promise<T | "busy"> {
  const client = await pool.connect();
  const ask = (text: string, values: unknown[] = []) => driverQuery<{ is_alone: boolean }>(client, { text, values }, limits.databaseConnectTimeoutMs);
  try {
    await ask("begin isolation level read committed");
    const { rows } = await ask("select pg_try_advisory_xact_lock($1, hashtext($2)) as is_alone", [restoreLock, tenantId]);
    // Last, and without values: what has values leaves a portal, whose snapshot would keep vacuum from every dead row until the restore has ended.
    await ask("set local idle_in_transaction_session_timeout = 0");
    return rows[0]?.is_alone === true ? await work() : "busy";
  } finally {
    client.release(await ask("rollback").then(() => false, () => true));
  }
}

async function begin(transaction: Transaction, { manifest, checkpoint, key, sha256 }: FoundManifest, years: number): Promise<RestoreOutcome | "begun"> {
  const text = "select audit_log.begin_restore($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as outcome";
  const [row] = await transaction.rows<{ outcome: RestoreOutcome | "begun" }>(text, [
    manifest.tenant_id,
    manifest.date,
    manifest.rows,
    manifest.files.length,
    manifest.bytes,
    manifest.first_log_index,
    manifest.last_log_index,
    checkpoint.size,
    Buffer.from(checkpoint.root),
    key,
    Buffer.from(sha256),
    years,
  ]);
  if (row === undefined) throw new Error("begin restore: the database gave no row");
  return row.outcome;
}

const restoreSql = `select audit_log.restore_events(${Array.from({ length: 23 }, (_, index) => `$${index + 1}`).join(", ")})`;

async function insert(transaction: Transaction, tenantId: string, rows: readonly ArchiveRow[]): Promise<void> {
  const asStored = rows.map(({ event, leafHash }) => ({
    event,
    contextJson: event.context === undefined ? undefined : canonicalJson(event.context),
    leafHash: toHex(leafHash),
  }));
  // The columns of ingest() from occurred_at on; before them what ingest() sets for a whole batch, here for each event.
  const columns = ingestValues(asStored).slice(3);
  const places = array("int8", rows.map((row) => row.logIndex));
  const receivedAts = array("timestamptz", rows.map(({ event }) => Date.parse(event.received_at)));
  const principals = array("text", rows.map(({ event }) => event.principal));
  await transaction.rows(restoreSql, [tenantId, places, receivedAts, principals, ...columns]);
}

/** So that the day can leave again from a database that it did not come from. */
async function bookFiles(transaction: Transaction, { tenant_id: tenantId, date, files }: FoundManifest["manifest"]): Promise<void> {
  await transaction.rows("select audit_log.book_restored_files($1, $2, $3, $4, $5, $6, $7, $8)", [
    tenantId,
    date,
    files.map((file) => file.key),
    files.map((file) => Buffer.from(file.sha256, "hex")),
    files.map((file) => file.bytes),
    files.map((file) => file.rows),
    files.map((file) => file.first_log_index),
    files.map((file) => file.last_log_index),
  ]);
}

function array(...parameters: Parameters<typeof encodeArray>): Buffer {
  const bytes = encodeArray(...parameters);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Lets the restored days between two, both included, leave Postgres again once the archiver has checked their archives; how many events each day has.
 * Throws when a day's files are not known, as of one that was restored into another database by an older version.
 */
export async function returnRestoredDays(
  pool: Pool,
  from: string,
  to: string,
  log: Log,
): Promise<readonly { readonly day: string; readonly events: number }[]> {
  const options = { role: "audit_job", action: "return restored days", statementTimeoutMs: limits.archiveStatementTimeoutMs, log } as const;
  return await inTransaction(pool, options, async (transaction) => {
    const text = `select d.day::text, audit_log.return_restored_day(d.day) as events from audit_log.archive_days as d
      where d.state = 'restored' and d.day between $1 and $2 order by d.day`;
    return (await transaction.rows<{ day: string; events: number | null }>(text, [from, to])).flatMap(({ day, events }) =>
      events === null ? [] : [{ day, events }]
    );
  });
}

/** Whether the database has a tree of this tenant: one that it sealed, or that was rebuilt. */
export async function hasTree(pool: Pool, tenantId: string, log: Log): Promise<boolean> {
  const options = { role: "audit_job", action: "find tree", statementTimeoutMs: limits.archiveStatementTimeoutMs, log } as const;
  const text = "select from audit_log.tree_state where tenant_id = $1";
  return await inTransaction(pool, options, async (transaction) => (await transaction.rows(text, [tenantId])).length > 0);
}

/** The restored leaves of a tenant whose tree is not there, in order of their places. */
export async function readRestoredLeaves(pool: Pool, tenantId: string, log: Log): Promise<readonly RestoredLeaf[]> {
  const options = { role: "audit_job", action: "restore tree", statementTimeoutMs: limits.archiveStatementTimeoutMs, log } as const;
  return await inTransaction(pool, options, async (transaction) => {
    const [known] = await transaction.rows("select from audit_log.tree_state where tenant_id = $1", [tenantId]);
    if (known !== undefined) return [];
    const text = "select seq, occurred_at, id, leaf_hash from audit_log.events where tenant_id = $1 and seq < 0 order by seq";
    const rows = await transaction.rows<{ seq: number; occurred_at: string; id: string; leaf_hash: Uint8Array }>(text, [tenantId]);
    return rows.map((row) => ({
      occurredAtMs: Date.parse(row.occurred_at),
      id: row.id,
      seq: row.seq,
      leafHash: row.leaf_hash,
      logIndex: row.seq + restoredSeqOffset,
    }));
  });
}

/** A key of the log that handed over to the next, by a statement that both signed. */
export type Handover = { readonly retiredKey: string; readonly successorKey: string; readonly retiredAt: Date; readonly statement: string };

/**
 * Makes a database know a log's keys: `first`, and those to which these statements, oldest first, handed over from it. Signatures are the caller's to
 * verify. Without them a sealer with the newest key would be a stranger to it, and so would archives under the old ones. False when it knows keys, and not
 * the first.
 */
export async function restoreKeys(pool: Pool, logOrigin: string, first: string, handovers: readonly Handover[], log: Log): Promise<boolean> {
  const options = { role: "audit_job", action: "restore keys", statementTimeoutMs: limits.archiveStatementTimeoutMs, log } as const;
  return await inTransaction(pool, options, async (transaction) => {
    const rows = await transaction.rows<{ verifier_key: string }>("select verifier_key from audit_log.signing_keys");
    const known = new Set(rows.map((row) => row.verifier_key));
    if (known.size > 0 && !known.has(first)) return false;
    await transaction.rows("select audit_log.use_signing_key($1, $2)", [first, logOrigin]);
    for (const { retiredKey, successorKey, retiredAt, statement } of handovers) {
      if (known.has(successorKey)) continue;
      await transaction.rows("select audit_log.announce_key($1, $2, $3, $4, $5)", [retiredKey, successorKey, logOrigin, retiredAt.toISOString(), statement]);
    }
    return true;
  });
}

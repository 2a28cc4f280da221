import { Buffer } from "node:buffer";
import type { Pool } from "pg";
import type { ArchiveBooks, ArchiveCareBooks, ArchiveWork, BookedFile, DropOutcome } from "../../core/archive-books.ts";
import { AuditError } from "../../core/errors.ts";
import type { Tile } from "../../core/format/tiles.ts";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports.ts";
import { archiveCareBooks } from "./archive-care.ts";
import { readArchiveRows } from "./archive-rows.ts";
import { DatabaseFault } from "./database-fault.ts";
import { inTransaction, type Transaction } from "./transaction.ts";

/** The archive's books in Postgres, as `audit_job`. Every write is one definer function of `migrations/`, which holds the rules. */
export function createArchiveBooks(pool: Pool, log: Log): ArchiveBooks & ArchiveCareBooks {
  const options = { role: "audit_job", action: "archive events", statementTimeoutMs: limits.archiveStatementTimeoutMs, log } as const;
  const inJob = <T>(work: (transaction: Transaction) => Promise<T>) => inTransaction(pool, options, work);
  const answer = <T>(text: string, values: readonly unknown[]) =>
    inJob(async (transaction) => (await transaction.rows<{ answer: T }>(text, values))[0]?.answer as T);
  const days = (text: string, values: readonly unknown[] = []) =>
    inJob(async (transaction) => (await transaction.rows<{ day: string }>(text, values)).map((row) => row.day));
  return {
    ...archiveCareBooks(inJob),
    closeDays: (before, limit) => days("select day::text from audit_log.close_days($1, $2) as closed (day)", [before, limit]),
    closedDays: () => days(`select day::text from audit_log.archive_days where state = 'closed' order by archive_days.day limit ${limits.archiveDaysPerCall}`),
    planDay: (day) => answer("select audit_log.plan_archive_day($1, $2, $3) as answer", [day, limits.archiveRowsMax, limits.archiveFileBytes]),
    claim: (leaseSeconds) => inJob((transaction) => claim(transaction, leaseSeconds)),
    files: (tenantId, day, part) => inJob((transaction) => readFiles(transaction, tenantId, day, part)),
    rows: (tenantId, file, take) =>
      inJob(async (transaction) => {
        for await (const group of readArchiveRows(transaction, tenantId, file)) await take(group);
      }),
    checkpoint: (tenantId) =>
      inJob(async (transaction) => {
        const text = "select note, verifier_key from audit_log.checkpoints where tenant_id = $1 order by size desc, signed_at desc limit 1";
        const [row] = await transaction.rows<{ note: string; verifier_key: string }>(text, [tenantId]);
        return row && { note: row.note, verifierKey: row.verifier_key };
      }),
    tilesOf: (tenantId) => (wanted) =>
      inJob(async (transaction) => {
        const text = `select level, tile_index, hashes from audit_log.tiles
          where tenant_id = $1 and (level, tile_index) in (select * from unnest($2::smallint[], $3::bigint[]))`;
        const values = [tenantId, wanted.map((tile) => tile.level), wanted.map((tile) => tile.index)];
        const rows = await transaction.rows<{ level: number; tile_index: number; hashes: Uint8Array }>(text, values);
        return rows.map((row): Tile => ({ level: row.level, index: row.tile_index, hashes: row.hashes }));
      }),
    rotations: () =>
      inJob(async (transaction) => {
        const rows = await transaction.rows<{ statement: string }>("select statement from audit_log.key_rotations order by announced_at, retired_at");
        return rows.map((row) => row.statement);
      }),
    recordFile: ({ tenantId, day, part, lease }, { key, sha256, bytes, firstLogIndex, lastLogIndex }) =>
      answer("select audit_log.record_archive_file($1, $2, $3, $4, $5, $6, $7, $8, $9) as answer", [
        ...[tenantId, day, part, lease, key, Buffer.from(sha256), bytes, firstLogIndex, lastLogIndex],
      ]),
    recordCheck: ({ tenantId, day, part, lease }) => answer("select audit_log.record_archive_check($1, $2, $3, $4) as answer", [tenantId, day, part, lease]),
    recordManifest: ({ tenantId, day, lease }, { key, sha256, checkpointSize, checkpointRoot }) =>
      answer("select audit_log.record_archive_manifest($1, $2, $3, $4, $5, $6, $7) as answer", [
        ...[tenantId, day, lease, key, Buffer.from(sha256), checkpointSize, Buffer.from(checkpointRoot)],
      ]),
    fail: ({ tenantId, day, part, lease }, problem, retrySeconds, giveUp) =>
      answer("select audit_log.fail_archive_work($1, $2, $3, $4, $5, $6, $7) as answer", [tenantId, day, part ?? null, lease, problem, retrySeconds, giveUp]),
    readyDays: () =>
      days(`select day::text from audit_log.archive_days as d
        where d.state = 'planned' and coalesce(d.retry_at <= clock_timestamp(), true)
          and not exists (select from audit_log.archives as a where a.day = d.day and a.state in ('open', 'restored'))
        order by d.day limit ${limits.archiveDaysPerCall}`),
    dropDay: (day, retentionYears, lockMs) =>
      answer<DropOutcome>("select audit_log.drop_archived_day($1, $2, $3) as answer", [day, retentionYears, lockMs]).catch((error: unknown) => {
        if (isLockTimeout(error)) return "locked";
        throw error;
      }),
  };
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof AuditError && error.cause instanceof DatabaseFault && error.cause.sqlstate === "55P03";
}

type WorkRow = {
  readonly work: ArchiveWork["work"];
  readonly tenant_id: string;
  readonly day: string;
  readonly part: number | null;
  readonly lease: string;
};

async function claim(transaction: Transaction, leaseSeconds: number): Promise<ArchiveWork | undefined> {
  const text = "select work, tenant_id, day::text, part, lease from audit_log.claim_archive_work($1)";
  const [row] = await transaction.rows<WorkRow>(text, [leaseSeconds]);
  return row && { work: row.work, tenantId: row.tenant_id, day: row.day, part: row.part ?? undefined, lease: row.lease };
}

type FileRow = {
  readonly part: number;
  readonly rows: number;
  readonly from_occurred_at: string;
  readonly from_id: string;
  readonly to_occurred_at: string;
  readonly to_id: string;
  readonly generation: number;
  readonly attempts: number;
  readonly state: string;
  readonly key: string;
  readonly sha256: Uint8Array;
  readonly bytes: number;
  readonly first_log_index: number;
  readonly last_log_index: number;
};

async function readFiles(transaction: Transaction, tenantId: string, day: string, part: number | undefined): Promise<readonly BookedFile[]> {
  const text = `select part, rows, from_occurred_at, from_id, to_occurred_at, to_id, generation, attempts, state, key, sha256, bytes, first_log_index,
      last_log_index
    from audit_log.archive_files where tenant_id = $1 and day = $2 and ($3::integer is null or part = $3) order by part`;
  return (await transaction.rows<FileRow>(text, [tenantId, day, part ?? null])).map((row) => ({
    part: row.part,
    rows: row.rows,
    from: { occurredAt: row.from_occurred_at, id: row.from_id },
    to: { occurredAt: row.to_occurred_at, id: row.to_id },
    generation: row.generation,
    attempts: row.attempts,
    written: row.state === "planned"
      ? undefined
      : { key: row.key, sha256: row.sha256, bytes: row.bytes, firstLogIndex: row.first_log_index, lastLogIndex: row.last_log_index },
  }));
}

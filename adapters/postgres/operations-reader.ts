import type { Pool } from "pg";
import { limits } from "../../core/limits.ts";
import type { OperationsFigures, OperationsReader } from "../../core/operations.ts";
import type { Log } from "../../core/ports.ts";
import { faultOf } from "./database-fault.ts";
import { inTransaction } from "./transaction.ts";

/** One statement, so that the figures are of one moment. Each part is an index's edge, a catalogue's row or a handful of rows. */
const figuresSql = `
  with sealer as (select s.sealed_seq, s.gate_at from audit_log.sealer s),
  day as (
    select c.oid, greatest(c.reltuples, 0) as rows, to_date(right(c.relname, 8), 'YYYYMMDD') as at
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'audit_log.events'::regclass
  )
  select
    (select count(*) from (select from audit_log.events e where e.seq > sealer.sealed_seq limit ${limits.unsealedCountMax}) as unsealed) as unsealed,
    (select e.received_at from audit_log.events e where e.seq > sealer.sealed_seq order by e.seq limit 1) as unsealed_since,
    sealer.gate_at,
    (select count(*) from audit_log.seal_problems) + (select count(*) from audit_log.tree_problems) as seal_problems,
    (select max(c.signed_at) from audit_log.checkpoints c) as checkpoint_at,
    (select case when q.is_called then q.last_value else 0 end from audit_log.event_seq q) as last_seq,
    (select coalesce(array_agg(to_char(day.at, 'YYYY-MM-DD') order by day.at), '{}') from day
      where day.at <> all (select d.day from audit_log.archive_days d where d.state = 'restored')) as hot_days,
    (select coalesce(sum(pg_catalog.pg_total_relation_size(day.oid)), 0)::bigint from day) as event_bytes,
    (select coalesce(sum(day.rows), 0)::bigint from day) as event_rows,
    (select coalesce(jsonb_object_agg(d.state, d.count), '{}') from (select state, count(*) from audit_log.archive_days group by state) d) as archive_days,
    (select coalesce(jsonb_object_agg(a.state, a.count), '{}') from (select state, count(*) from audit_log.archives group by state) a) as archives,
    (select coalesce(sum(a.bytes) filter (where a.archived_at is not null and a.state not in ('expiring', 'deleted')), 0)::bigint from audit_log.archives a) as archive_bytes,
    (select count(*) from audit_log.archive_days where problem is not null) + (select count(*) from audit_log.archives where problem is not null)
      + (select count(*) from audit_log.archive_files where problem is not null) as archive_problems,
    (select coalesce(jsonb_agg(jsonb_build_object('job', o.job, 'succeeded_at', o.succeeded_at, 'failed_at', o.failed_at, 'failures', o.failures) order by o.job), '[]')
      from audit_log.job_outcomes o) as jobs
  from sealer`;

type FiguresRow = {
  readonly unsealed: number;
  readonly unsealed_since: string | null;
  readonly gate_at: string | null;
  readonly seal_problems: number;
  readonly checkpoint_at: string | null;
  readonly last_seq: number;
  readonly hot_days: readonly string[];
  readonly event_bytes: number;
  readonly event_rows: number;
  readonly archive_days: Readonly<Record<string, number>>;
  readonly archives: Readonly<Record<string, number>>;
  readonly archive_bytes: number;
  readonly archive_problems: number;
  readonly jobs: readonly { readonly job: string; readonly succeeded_at: string | null; readonly failed_at: string | null; readonly failures: number }[];
};

/** Figures from Postgres, as `audit_job`, which reads every tenant: sums alone leave this file. */
export function createOperationsReader(pool: Pool, databasePoolSize: number, log: Log): OperationsReader {
  const action = "read figures";
  return {
    figures: () =>
      inTransaction(pool, { role: "audit_job", action, statementTimeoutMs: limits.figuresStatementTimeoutMs, log }, async (transaction) => {
        const [row] = await transaction.rows<FiguresRow>(figuresSql);
        if (row === undefined) throw new Error(`${action}: the database gave no row`);
        return figuresOf(row);
      }),
    schemaVersion: async () => {
      // As the login itself: the record of migrations belongs to it. One statement is its own transaction, also behind a pooler.
      const newest = { text: "select max(version) as version from supabase_migrations.schema_migrations", query_timeout: limits.figuresStatementTimeoutMs };
      try {
        const { rows } = await pool.query<{ version: string | null }>(newest);
        return rows[0]?.version ?? undefined;
      } catch (error) {
        // No such schema or table, or not ours to read: migrated by other means.
        if (["3F000", "42P01", "42501"].includes(String((error as { readonly code?: unknown }).code))) return undefined;
        throw faultOf(action, error);
      }
    },
    pool: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount, max: databasePoolSize }),
  };
}

function figuresOf(row: FiguresRow): OperationsFigures {
  return {
    unsealed: row.unsealed,
    unsealedSince: row.unsealed_since ?? undefined,
    gateSince: row.gate_at ?? undefined,
    sealProblems: row.seal_problems,
    checkpointAt: row.checkpoint_at ?? undefined,
    lastSeq: row.last_seq,
    hotDays: row.hot_days,
    eventBytes: row.event_bytes,
    eventRows: row.event_rows,
    archiveDays: row.archive_days,
    archives: row.archives,
    archiveBytes: row.archive_bytes,
    archiveProblems: row.archive_problems,
    jobs: row.jobs.map((job) => ({ job: job.job, succeededAt: job.succeeded_at ?? undefined, failedAt: job.failed_at ?? undefined, failures: job.failures })),
  };
}

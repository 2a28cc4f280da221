import type { Pool, PoolClient, QueryResult, QueryResultRow } from "pg";
import type { Claims } from "../../core/caller.ts";
import { limits } from "../../core/limits.ts";
import { AuditError } from "../../core/errors.ts";
import { toHex } from "../../core/format/hex.ts";
import type { Log } from "../../core/ports.ts";
import type { Filter } from "../../core/query-filter.ts";
import { DatabaseFault, faultOf } from "./database-fault.ts";
import { driverQuery } from "./driver-query.ts";
import type { Fragment } from "./query-fragment.ts";
import { statement } from "./query-fragment.ts";

/** A read-only transaction as `authenticated`, in which row-level security sees one caller's claims. */
export type ReadTransaction = {
  /** What was acknowledged before this moment is in the answer: the transaction's start, or on a replica the last moment it has caught up with. */
  readonly freshAsOf: string;
  /** Runs one statement with bound values. Throws OutOfTime when the statement timeout cancelled it. */
  rows<Row extends QueryResultRow>(fragment: Fragment): Promise<readonly Row[]>;
  /** The same for a statement whose text stands in our code, with its values bound. */
  query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** Goes on after OutOfTime, and gives each statement that follows `timeoutMs`. */
  resume(timeoutMs: number): Promise<void>;
};

/** A statement that was cancelled because its time was over; whoever can ask for less should. */
export class OutOfTime extends Error {
  override name = "OutOfTime";
}

/** Connections for reading, and where to report their faults. */
export type ReadPool = { readonly pool: Pool; readonly log: Log };

const action = "read events";

/**
 * Runs `work` in one read-only transaction. Role and claims are set for the transaction alone, by the statement that opens it: behind a
 * transaction-mode pooler, anything set for the session would reach the next client. Throws `unavailable` when there is no database.
 */
export function readAs<T>(
  connections: ReadPool,
  claims: Claims,
  work: (transaction: ReadTransaction) => Promise<T>,
  timeoutMs: number = limits.queryStatementTimeoutMs,
): Promise<T> {
  return inReadOnly(connections, openingSql(claims, timeoutMs), work);
}

/**
 * The same for a question about events. `work` gets `asked` as it may be asked more cheaply: where nothing of its window is softly deleted, nothing need
 * be left out. One look at an index, in the same round trip, against a look for every row.
 */
export function readWindow<T>(
  connections: ReadPool,
  claims: Claims,
  asked: Filter,
  work: (transaction: ReadTransaction, filter: Filter) => Promise<T>,
  timeoutMs: number = limits.queryStatementTimeoutMs,
): Promise<T> {
  const opening = openingSql(claims, timeoutMs, asked.includeDeleted ? "" : anyDeletedSql(asked));
  return inReadOnly(connections, opening, (transaction, { any_deleted: anyDeleted = true }) => {
    return work(transaction, anyDeleted ? asked : { ...asked, includeDeleted: true });
  });
}

/** What the statement that opens a transaction answers. */
type Opening = { readonly fresh_as_of: string; readonly any_deleted?: boolean };

async function inReadOnly<T>({ pool, log }: ReadPool, text: string, work: (transaction: ReadTransaction, opening: Opening) => Promise<T>): Promise<T> {
  const { client, opening } = await opened(pool, text).catch((error: unknown) => {
    throw logged(told(error), log);
  });
  let fault: unknown;
  try {
    return await work(transactionOf(client, opening.fresh_as_of), opening);
  } catch (error) {
    fault = error;
    throw logged(told(error), log);
  } finally {
    // Nothing was written, so nobody waits for the end of the transaction; the connection goes back to the pool when it has ended.
    if (isConnectionLost(fault)) client.release(true);
    else call(client, fault === undefined ? "commit" : "rollback").then(() => client.release(), () => client.release(true));
  }
}

/** A connection with the transaction begun. One that died while it was idle is found out here, where trying another one is harmless. */
async function opened(pool: Pool, text: string): Promise<{ readonly client: PoolClient; readonly opening: Opening }> {
  for (let attempt = 1;; attempt++) {
    const client = await pool.connect().catch((error: unknown) => {
      throw faultOf(action, error);
    });
    try {
      const results = await call(client, text) as unknown as readonly QueryResult<Opening>[];
      return { client, opening: Object.assign({}, ...results.flatMap(({ rows }) => rows)) };
    } catch (error) {
      client.release(true);
      if (!isConnectionLost(error) || attempt > 1) throw error;
    }
  }
}

/**
 * One simple query opens the transaction: one round trip, with the `look` that a question needs. The claims come before the savepoint, or going back to it
 * would take them away. JIT is off: compiling a plan over hundreds of partitions takes longer than any page.
 */
function openingSql(claims: Claims, timeoutMs: number, look = ""): string {
  return `begin read only; set local role authenticated; set local timezone = 'UTC'; set local datestyle = 'ISO'; set local jit = off;
    set local statement_timeout = ${wholeMs(timeoutMs)}; set local idle_in_transaction_session_timeout = ${limits.idleInTransactionMs};
    select set_config('request.jwt.claims', ${textSql(JSON.stringify(claims))}, true),
      date_trunc('milliseconds', case when pg_is_in_recovery() then coalesce(pg_last_xact_replay_timestamp(), now()) else now() end) as fresh_as_of;${look}
    savepoint page`;
}

function anyDeletedSql({ tenantId, from, to }: Filter): string {
  return ` select exists (
      select from audit_log.deletions d where d.tenant_id = ${textSql(tenantId)}::uuid
        and d.occurred_at between ${textSql(from)}::timestamptz and ${textSql(to)}::timestamptz
    ) as any_deleted;`;
}

/** `text` as an expression, in hexadecimal digits, which can neither end a literal nor begin anything else: a simple query binds no values. */
function textSql(text: string): string {
  return `convert_from(decode('${toHex(new TextEncoder().encode(text))}', 'hex'), 'UTF8')`;
}

function transactionOf(client: PoolClient, freshAsOf: string): ReadTransaction {
  return {
    freshAsOf,
    rows: async <Row extends QueryResultRow>(fragment: Fragment) => (await call<Row>(client, statement(fragment))).rows,
    query: async <Row extends QueryResultRow>(text: string, values: readonly unknown[]) => (await call<Row>(client, { text, values: [...values] })).rows,
    resume: async (timeoutMs) => void await call(client, `rollback to savepoint page; set local statement_timeout = ${wholeMs(timeoutMs)}`),
  };
}

/** One call of the driver. It gives up shortly after the server should have: a half-open connection would never answer. */
async function call<Row extends QueryResultRow>(client: PoolClient, query: string | { readonly text: string; readonly values: unknown[] }) {
  const asked = typeof query === "string" ? { text: query } : query;
  try {
    return await driverQuery<Row>(client, asked, limits.queryStatementTimeoutMs + limits.databaseAnswerGraceMs);
  } catch (error) {
    // Cancelled: by the statement timeout, since nobody else cancels our statements.
    if ((error as { readonly code?: unknown }).code === "57014") throw new OutOfTime(`${action}: out of time`);
    throw faultOf(action, error);
  }
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof AuditError && error.cause instanceof DatabaseFault && error.cause.isConnectionLost;
}

/** What a caller is told when time ran out and nobody could ask for less: on a database that is busy enough even the opening of a transaction takes too long. */
function told(error: unknown): unknown {
  if (!(error instanceof OutOfTime)) return error;
  return new AuditError("unavailable", `${action}: it took too long; narrow the window or the filter`, { retryAfterSeconds: 5 });
}

/** `error`, after a line in the log when it is a fault of the database: the caller is told less than the operator. */
function logged(error: unknown, log: Log): unknown {
  if (error instanceof AuditError && error.cause instanceof DatabaseFault) {
    const { message, sqlstate, networkCode } = error.cause;
    log({ level: error.code === "internal" ? "error" : "warn", event: "database.fault", action, message, sqlstate, network_code: networkCode });
  }
  return error;
}

/** At least 1: to Postgres 0 means no timeout at all. */
function wholeMs(ms: number): number {
  return Math.max(1, Math.ceil(ms));
}

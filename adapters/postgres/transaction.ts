import type { CustomTypesConfig, Pool, PoolClient, QueryResult, QueryResultRow } from "pg";
import { AuditError } from "../../core/errors.ts";
import { toHex } from "../../core/format/hex.ts";
import type { Claims } from "../../core/caller.ts";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports.ts";
import { copyOut, type TakeRow } from "./copy-out.ts";
import { connectFaultOf, DatabaseFault, faultOf } from "./database-fault.ts";
import { driverQuery } from "./driver-query.ts";

/** The roles that our own work is done as. */
export type DatabaseRole = "audit_ingest" | "audit_job";

/** What a transaction is for: `action` stands in messages and logs. What a caller asks for is done as `authenticated`, with that caller's `claims`. */
export type TransactionOptions =
  & { readonly action: string; readonly statementTimeoutMs: number; readonly log: Log }
  & ({ readonly role: DatabaseRole } | { readonly role: "authenticated"; readonly claims: Claims });

/** An open transaction. */
export type Transaction = {
  /** Runs one statement with bound values; a Buffer is sent as binary. */
  rows<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** The same with every column as the text that Postgres printed, in the order of the select list: for what must be compared before it is converted. */
  texts(text: string, values?: readonly unknown[]): Promise<readonly (readonly (string | null)[])[]>;
  /** Runs `copy … to stdout (format binary)` and gives each row to `take` as it comes. What `take` throws passes through, once the server has sent the rest. */
  copied(text: string, take: TakeRow): Promise<void>;
  /** Runs statements without values in one round trip. */
  run(text: string): Promise<void>;
};

/**
 * Runs `work` in one transaction as `role` and commits. Resolves after COMMIT. When it throws `unavailable` from the commit itself nobody can know
 * whether it happened; whatever it throws before, nothing was stored. What `work` throws passes through unchanged, after a rollback.
 */
export async function inTransaction<T>(pool: Pool, options: TransactionOptions, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  const client = await opened(pool, options).catch((error: unknown) => {
    throw logged(error, options);
  });
  let broken = false;
  try {
    const result = await work(transactionOf(client, options));
    const { command } = await call(client, options, { text: "commit" });
    // After a failed statement COMMIT succeeds and means ROLLBACK: somebody has swallowed an error.
    if (command !== "COMMIT") throw new Error(`${options.action}: commit ended as ${command}`);
    return result;
  } catch (error) {
    broken = isConnectionLost(error) || !await rolledBack(client, options);
    throw logged(error, options);
  } finally {
    client.release(broken);
  }
}

/**
 * A connection with the transaction begun and the role taken, in one simple query: role and timeouts last as long as the transaction, so that a
 * pooler's next client does not inherit them. A connection that died while it was idle is found out here, where trying another one is harmless.
 */
async function opened(pool: Pool, options: TransactionOptions): Promise<PoolClient> {
  const text = `begin; set local role ${options.role}; set local statement_timeout = ${options.statementTimeoutMs};
    set local idle_in_transaction_session_timeout = ${limits.idleInTransactionMs}; set local timezone = 'UTC'; set local datestyle = 'ISO'${
    claimsSql(options)
  }`;
  for (let attempt = 1;; attempt++) {
    const client = await pool.connect().catch((error: unknown) => {
      throw connectFaultOf(options.action, error);
    });
    try {
      await call(client, { ...options, statementTimeoutMs: limits.databaseConnectTimeoutMs }, { text });
      return client;
    } catch (error) {
      const isLost = isConnectionLost(error);
      client.release(isLost || !await rolledBack(client, options));
      if (!isLost || attempt > 1) throw error;
    }
  }
}

/** Sets the claims by the statements that open the transaction. Hexadecimal digits can neither end a literal nor begin anything else. */
function claimsSql(options: TransactionOptions): string {
  if (options.role !== "authenticated") return "";
  const hex = toHex(new TextEncoder().encode(JSON.stringify(options.claims)));
  return `; select set_config('request.jwt.claims', convert_from(decode('${hex}', 'hex'), 'UTF8'), true)`;
}

function transactionOf(client: PoolClient, options: TransactionOptions): Transaction {
  return {
    rows: async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
      (await call<Row>(client, options, { text, values: [...values] })).rows,
    texts: async (text, values = []) => (await call(client, options, { text, values: [...values], ...asTexts })).rows as unknown as (string | null)[][],
    copied: (text, take) => copied(client, options, text, take),
    run: async (text) => void await call(client, options, { text }),
  };
}

const asTexts = { rowMode: "array", types: { getTypeParser: () => (value: unknown) => value } as unknown as CustomTypesConfig } as const;

type Statement = { readonly text: string; readonly values?: unknown[]; readonly rowMode?: "array"; readonly types?: CustomTypesConfig };

/** One call of the driver. It gives up shortly after the server should have: a half-open connection would never answer. */
async function call<Row extends QueryResultRow>(client: PoolClient, options: TransactionOptions, statement: Statement): Promise<QueryResult<Row>> {
  try {
    return await driverQuery<Row>(client, statement, options.statementTimeoutMs + limits.databaseAnswerGraceMs);
  } catch (error) {
    throw faultOf(options.action, error);
  }
}

async function copied(client: PoolClient, options: TransactionOptions, text: string, take: TakeRow): Promise<void> {
  const thrown = await copyOut(client, text, take, options.statementTimeoutMs + limits.databaseAnswerGraceMs).catch((error: unknown) => {
    throw faultOf(options.action, error);
  });
  if (thrown !== undefined) throw thrown.error;
}

async function rolledBack(client: PoolClient, options: TransactionOptions): Promise<boolean> {
  return await call(client, { ...options, statementTimeoutMs: 0 }, { text: "rollback" }).then(() => true, () => false);
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof AuditError && error.cause instanceof DatabaseFault && error.cause.isConnectionLost;
}

/** `error`, after a line in the log when it is a fault of the database: the caller is told less than the operator. */
function logged(error: unknown, { action, log }: TransactionOptions): unknown {
  if (error instanceof AuditError && error.cause instanceof DatabaseFault) {
    const { message, sqlstate, networkCode } = error.cause;
    log({ level: error.code === "internal" ? "error" : "warn", event: "database.fault", action, message, sqlstate, network_code: networkCode });
  }
  return error;
}

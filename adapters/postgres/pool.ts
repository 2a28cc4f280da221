import pg from "pg";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../core/ports.ts";
import { columnTypes } from "./column-types.ts";

/** What a pool is made of. */
export type PoolSettings = { readonly databaseUrl: string; readonly databasePoolSize: number };

/**
 * Connections to the database, made when they are needed: a process starts without a database and finds it when it is back. Made for a
 * transaction-mode pooler: nothing is set for a session, and no statement is named, so that every transaction may meet another server connection.
 */
export function createPool(settings: PoolSettings, log: Log): pg.Pool {
  const pool = new pg.Pool({
    connectionString: settings.databaseUrl,
    max: settings.databasePoolSize,
    connectionTimeoutMillis: limits.databaseConnectTimeoutMs,
    idleTimeoutMillis: limits.databaseIdleMs,
    // A process that is asked to stop ends when its work is done, and does not sit out its idle connections.
    allowExitOnIdle: true,
    application_name: "audit-events",
    types: columnTypes,
  });
  // The pool has taken the connection out already; without a listener the process would end.
  pool.on("error", () => log({ level: "warn", event: "database.connection_lost" }));
  // A connection that breaks between two statements of a transaction says so here; the next statement fails, and that is where it is handled.
  pool.on("connect", (client) => void client.on("error", () => {}));
  return pool;
}

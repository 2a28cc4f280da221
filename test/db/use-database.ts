import pg from "pg";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import type { Claims } from "../../core/caller.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

export type TestConnections = {
  readonly url: () => string;
  /** The superuser. */
  readonly admin: () => Promise<pg.Client>;
  /** The login `postgres`, with the role of no other. */
  readonly login: () => Promise<pg.Client>;
  /** The login `postgres` after `set role`, with what PostgREST would set from a token; a text stands as it is. */
  readonly as: (role: string, claims?: Claims | string) => Promise<pg.Client>;
};

/** A migrated database for the tests of one `describe`. Connections end with the test that opened them, whatever became of it. */
export function useDatabase(major: PostgresMajor): TestConnections {
  let database: TestDatabase | undefined;
  const open: pg.Client[] = [];
  const current = () => {
    if (database === undefined) throw new Error("use a test database: there is none outside of tests");
    return database;
  };
  beforeAll(async () => {
    database = await createDatabase({ major });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end()));
  });
  afterAll(() => database?.drop());

  const connect = async (url: string) => {
    const client = new pg.Client({ connectionString: url, statement_timeout: 45_000 });
    client.on("error", () => {});
    await client.connect();
    open.push(client);
    return client;
  };
  return {
    url: () => current().url,
    admin: () => connect(current().adminUrl),
    login: () => connect(current().url),
    as: async (role, claims) => {
      const client = await connect(current().url);
      await client.query(`set role ${client.escapeIdentifier(role)}`);
      if (claims !== undefined) {
        await client.query("select set_config('request.jwt.claims', $1, false)", [typeof claims === "string" ? claims : JSON.stringify(claims)]);
      }
      return client;
    },
  };
}

/** The one value of the one row that `text` gives. */
export async function valueOf<T = unknown>(client: pg.Client, text: string, values: readonly unknown[] = []): Promise<T> {
  const { rows } = await client.query<{ readonly [column: string]: T }>(text, [...values]);
  const [value] = Object.values(rows[0] ?? {});
  if (rows.length !== 1 || value === undefined) throw new Error(`read one value: ${rows.length} rows came back`);
  return value;
}

/** The SQLSTATE that `text` fails with, or how many rows it gave or met. */
export async function outcomeOf(client: pg.Client, text: string): Promise<string> {
  try {
    return `${(await client.query(text)).rowCount ?? 0} rows`;
  } catch (error) {
    return error instanceof pg.DatabaseError && error.code !== undefined ? error.code : String(error);
  }
}

/** Resolves when `waiting` waits for a lock, so that the order of two sessions is no matter of luck. */
export async function untilBlocked(observer: pg.Client, waiting: pg.Client): Promise<void> {
  const pid = (waiting as pg.Client & { readonly processID: number }).processID;
  for (const deadline = performance.now() + 30_000; performance.now() < deadline;) {
    if (await valueOf(observer, "select wait_event_type is not distinct from 'Lock' from pg_stat_activity where pid = $1", [pid])) return;
  }
  throw new Error("wait until a session is blocked: it is not");
}

import pg from "pg";

/** What pg_cron does inside the database of a hosted project: runs a job there, and keeps a record of how each one fares. */
export type DatabaseJobs = {
  /** Runs `partitions` or `clean-up`; the database records how it went. */
  run(name: string): Promise<void>;
  /** Records how a call to a function went; undefined is success. The same success again within ten seconds is no news. */
  record(name: string, fault: string | undefined): Promise<void>;
};

const newsAfterMs = 10_000;

/** Jobs of the database at `url`, as the login `postgres`. A database that is down says so elsewhere: nothing is thrown. */
export function databaseJobs(url: string): DatabaseJobs {
  const recorded = new Map<string, { readonly fault: string | undefined; readonly atMs: number }>();
  return {
    run: (name) => query(url, "select audit_log.run_job($1)", [name]),
    record: async (name, fault) => {
      const last = recorded.get(name);
      if (fault === undefined && last?.fault === undefined && last !== undefined && performance.now() - last.atMs < newsAfterMs) return;
      recorded.set(name, { fault, atMs: performance.now() });
      await query(url, "select audit_log.job_ended($1, $2)", [name, fault ?? null]);
    },
  };
}

async function query(connectionString: string, text: string, values: readonly unknown[]): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5_000, query_timeout: 60_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query(text, [...values]);
  } catch {
    // The stack's own checks tell that the database is down; a job that cannot run shows by its last success.
  } finally {
    await client.end().catch(() => {});
  }
}

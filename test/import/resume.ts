import pg from "pg";
import { startCommand } from "../command/run-command.ts";
import type { TestLog } from "../support/sealed-log.ts";
import { firstMs } from "./old-logs.ts";

/** Events of imports, without the records of the imports themselves. */
export async function importedCount(log: TestLog): Promise<number> {
  const { rows: [row] } = await log.admin.query(
    "select count(*)::int as n from audit_log.events where principal like 'import:%' and event_type <> 'audit.events.imported'",
  );
  return row.n;
}

/**
 * Runs `work` while the sixth of the ten days is locked, which an import comes to when half of its events are committed: `stuck` resolves when one waits
 * there, in the middle of a transaction.
 */
export async function whileHalfWay<T>(log: TestLog, work: (stuck: () => Promise<void>, release: () => Promise<void>) => Promise<T>): Promise<T> {
  const keeper = new pg.Client({ connectionString: log.database.adminUrl });
  await keeper.connect();
  try {
    const day = new Date(firstMs + 5 * 86_400_000).toISOString().slice(0, 10);
    await keeper.query("begin");
    await keeper.query("select pg_advisory_xact_lock(1635083369, $1::date - date '2000-01-01')", [day]);
    const stuck = async () => {
      while (!await isWaiting(log)) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    return await work(stuck, async () => void await keeper.query("rollback"));
  } finally {
    await keeper.end();
  }
}

/** Kills an import with SIGKILL half-way, while a batch is under way. Returns how many imported events there are then. */
export function killHalfWay(log: TestLog, args: readonly string[]): Promise<number> {
  return whileHalfWay(log, async (stuck, release) => {
    const run = startCommand(args);
    await Promise.race([stuck(), run.ended]);
    run.kill("SIGKILL");
    const { signal, out, err } = await run.ended;
    if (signal !== "SIGKILL") throw new Error(`kill import: it had ended already: ${out}${err}`);
    await release();
    // The server finds out that nobody is there any more when it has done what it was asked for.
    while (await isWaiting(log) || await isBusy(log)) await new Promise((resolve) => setTimeout(resolve, 10));
    return await importedCount(log);
  });
}

async function isWaiting(log: TestLog): Promise<boolean> {
  const text =
    "select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())";
  return (await log.admin.query(text)).rowCount !== 0;
}

async function isBusy(log: TestLog): Promise<boolean> {
  const text = "select 1 from pg_stat_activity where datname = current_database() and application_name = 'audit-events' and xact_start is not null";
  return (await log.admin.query(text)).rowCount !== 0;
}

/** Processes that wait for another one's import. */
export async function waitingForImport(log: TestLog): Promise<number> {
  const text = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'transactionid'";
  return (await log.admin.query(text)).rowCount ?? 0;
}

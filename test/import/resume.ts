import pg from "pg";
import { type CommandRun, startCommand } from "../command/run-command.ts";
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
      while (await waitingAtLocks(log) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
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
    while (await waitingAtLocks(log) > 0 || await isBusy(log)) await new Promise((resolve) => setTimeout(resolve, 10));
    return await importedCount(log);
  });
}

/**
 * Runs imports of one source that have all read where it is before any of them stores its first batch: one that begins while another's batch is under way
 * would wait for it, and go on from there or find it finished, as it happens.
 */
export async function meetingAtTheFirstBatch(log: TestLog, start: () => readonly ReturnType<typeof startCommand>[]): Promise<CommandRun[]> {
  const keeper = new pg.Client({ connectionString: log.database.adminUrl });
  await keeper.connect();
  await keeper.query(`
    alter function audit_log.lock_import(uuid, text) rename to lock_import_at_once;
    create function audit_log.lock_import(p_import_id uuid, p_from text) returns uuid language plpgsql security definer set search_path = '' as $$
    begin
      perform pg_advisory_xact_lock_shared(1);
      return audit_log.lock_import_at_once(p_import_id, p_from);
    end
    $$;
    alter function audit_log.lock_import(uuid, text) owner to audit_owner`);
  try {
    await keeper.query("select pg_advisory_lock(1)");
    const runs = start();
    const ended = Promise.race(runs.map((run) => run.ended)).then(() => true);
    while (await waitingAtLocks(log) < runs.length) {
      if (await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10))])) throw new Error("meet at the first batch: one did not get there");
    }
    await keeper.query("select pg_advisory_unlock(1)");
    return await Promise.all(runs.map((run) => run.ended));
  } finally {
    await keeper.query("drop function audit_log.lock_import(uuid, text); alter function audit_log.lock_import_at_once(uuid, text) rename to lock_import");
    await keeper.end();
  }
}

async function waitingAtLocks(log: TestLog): Promise<number> {
  const text =
    "select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())";
  return (await log.admin.query(text)).rowCount ?? 0;
}

async function isBusy(log: TestLog): Promise<boolean> {
  const text = "select 1 from pg_stat_activity where datname = current_database() and application_name = 'audit-events' and xact_start is not null";
  return (await log.admin.query(text)).rowCount !== 0;
}

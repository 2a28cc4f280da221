import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";
import { archiveAll, archiverOf, eventsOf, oldDay, tenantIds } from "./archived-log.ts";
import { audit } from "./run-audit.ts";

const [tenantId] = tenantIds;
const nextDay = "2026-03-02";

describe("an archive that comes back into an empty database in parts", () => {
  let log: TestLog;
  let empty: TestLog;
  let folder: string;
  const from = () => ["--database", empty.database.adminUrl, "--archive", `file:${folder}`, "--key", firstKey.verifierKey];
  const restore = (first: string, last: string) => audit("archive", "restore", ...from(), "--tenant", tenantId, "--from", first, "--to", last);
  beforeAll(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-parts-"));
    // Each day has a checkpoint of its own, so the first alone would give a tree.
    for (const [day, count] of [[oldDay, 300], [nextDay, 200]] as const) {
      await log.ingest(eventsOf(day, count, count, [tenantId]));
      await log.seal();
      await archiveAll(archiverOf(log, folder));
    }
  });
  afterAll(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has no tree while a day is missing, which would contradict what was signed, and all of it once the day can be read", async () => {
    empty = await openLog();
    const day = join(folder, `tenant_id=${tenantId}`, `date=${nextDay}`);
    const [file = ""] = readdirSync(day).filter((name) => name.endsWith(".parquet"));
    renameSync(join(day, file), join(day, `${file}.away`));
    const first = await restore(oldDay, nextDay).finally(() => renameSync(join(day, `${file}.away`), join(day, file)));
    expect(first).toMatchObject({
      code: 1,
      answer: { tree_size: null, tree_problem: "incomplete", days: [{ outcome: "restored" }, { outcome: "unreadable" }] },
    });
    expect(await restore(oldDay, nextDay)).toMatchObject({
      code: 0,
      answer: { tree_size: 500, days: [{ outcome: "restored" }, { outcome: "restored" }] },
    });
    expect(await audit("verify", ...from())).toMatchObject({ code: 0, answer: { status: "sound", events: 500 } });
    await empty.close();
  });

  it("comes back by one run at a time: a second one for the same tenant is told so, and changes nothing", async () => {
    empty = await openLog();
    const keeper = await empty.pool.connect();
    try {
      // The first run waits here, at its first day.
      await keeper.query(`begin; select pg_advisory_xact_lock(1635083369, date '${oldDay}' - date '2000-01-01')`);
      const first = restore(oldDay, nextDay);
      const waiting = "select count(*)::int as count from pg_locks where locktype = 'advisory' and classid = 1635083369 and not granted" +
        " and database = (select oid from pg_database where datname = current_database())";
      await expect.poll(async () => (await empty.admin.query(waiting)).rows[0].count, { timeout: 60_000 }).toBe(1);
      // Neither the keeper nor the lock of the run keeps vacuum from anything, however long the restore takes.
      const idle = "select backend_xmin from pg_stat_activity where datname = current_database() and state = 'idle in transaction'";
      expect((await empty.admin.query(idle)).rows).toEqual([{ backend_xmin: null }, { backend_xmin: null }]);
      expect(await restore(oldDay, oldDay)).toMatchObject({ code: 2, answer: { code: "restore_runs", hint: expect.stringContaining("run this again") } });
      await keeper.query("commit");
      expect(await first).toMatchObject({ code: 0, answer: { tree_size: 500 } });
      expect(await restore(oldDay, nextDay)).toMatchObject({ code: 0, answer: { tree_size: null, days: [{ outcome: "restored" }, { outcome: "restored" }] } });
    } finally {
      keeper.release(true);
      await empty.close();
    }
  });

  it("is not done without its tree, though every day that was asked for is there: no checkpoint signs the later day alone", async () => {
    empty = await openLog();
    expect(await restore(nextDay, nextDay)).toMatchObject({
      code: 1,
      answer: { tree_size: null, tree_problem: "no_checkpoint", days: [{ day: nextDay, outcome: "restored" }] },
    });
    expect(await restore(oldDay, nextDay)).toMatchObject({ code: 0, answer: { tree_size: 500 } });
    expect(await restore("2026-04-01", "2026-04-02")).toMatchObject({ code: 0, answer: { days: [] } });
    await empty.close();
  });

  it("takes no day that its tree does not have, however the range is cut", async () => {
    empty = await openLog();
    expect(await restore(oldDay, oldDay)).toMatchObject({ code: 0, answer: { tree_size: 300 } });
    expect(await restore(nextDay, nextDay)).toMatchObject({ code: 1, answer: { days: [{ day: nextDay, outcome: "not_in_catalogue" }] } });
    expect(await audit("verify", ...from())).toMatchObject({ code: 0, answer: { status: "sound", events: 300 } });
    await empty.close();
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { archiveFolder } from "../../core/archive-key.ts";
import type { ArchiverDependencies } from "../../core/archive.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { archiveAll, archiverOf, eventsOf, oldDay, tenantIds } from "./archived-log.ts";

const [tenantId] = tenantIds;

describe("an archive whose time is over", () => {
  let log: TestLog;
  let folder: string;
  let dependencies: ArchiverDependencies;
  beforeEach(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    dependencies = archiverOf(log, folder);
    await log.ingest(eventsOf(oldDay, 20, 1, [tenantId]));
    await log.seal();
    await archiveAll(dependencies);
    await log.admin.query("update audit_log.archives set expires_at = now() - interval '1 day'");
  });
  afterEach(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const state = async () => (await log.admin.query("select state from audit_log.archives")).rows[0]?.state;
  const records = async () =>
    (await log.admin.query("select (occurred_at at time zone 'UTC')::text as at, principal, object_id from audit_log.events order by 1")).rows;
  const parquet = async () => (await dependencies.archive.list(archiveFolder(tenantId, oldDay))).filter((key) => key.endsWith(".parquet"));
  /** The worker claims it and is killed before it has recorded anything. */
  const claimAndDie = async () => {
    await dependencies.books.claimExpiry(60);
    await log.admin.query("update audit_log.archives set leased_until = now()");
  };

  it("is recorded as of today when the day on which its deletion began was closed meanwhile", async () => {
    await claimAndDie();
    await log.admin.query("update audit_log.archives set expiring_at = '2026-03-10T08:00:00Z'; insert into audit_log.closed_days (day) values ('2026-03-10')");
    await archiveAll(dependencies);
    expect(await records()).toEqual([{ at: "2026-06-15 00:00:00", principal: "job:audit-retention", object_id: oldDay }]);
    expect([await state(), await parquet()]).toEqual(["deleted", []]);
  });

  it("stays while its deletion cannot be recorded at all", async () => {
    // Tomorrow too: it may begin while the test runs.
    await log.admin.query(
      "insert into audit_log.closed_days (day) select '2026-06-15' union select (now() at time zone 'UTC')::date + n from generate_series(0, 1) as n",
    );
    await archiveAll(dependencies, { budgetMs: 500 }, 2);
    expect([await state(), (await parquet()).length, await records()]).toEqual(["expiring", 1, []]);
  });

  it("is recorded even if somebody stored an event under the id of the record", async () => {
    await claimAndDie();
    // The id can be computed by whoever may see when the deletion began.
    let foreseen: Parameters<ArchiverDependencies["events"]["insert"]>[0] = [];
    const spy = { insert: (rows: typeof foreseen) => (foreseen = rows, Promise.reject(new Error("away"))) };
    for (let turn = 0; turn < 50 && foreseen.length === 0; turn++) await archiveAll({ ...dependencies, events: spy }, { budgetMs: 500 }, 1);
    expect(foreseen.map(({ event }) => event.object_id)).toEqual([oldDay]);
    await log.ingest(foreseen.map(({ event: { context: _, ...event } }) => ({ ...event, principal: "key:thief", event_type: "nothing.happened" })));
    await archiveAll(dependencies);
    expect((await records()).map(({ principal }) => principal).sort()).toEqual(["job:audit-retention", "key:thief"]);
    expect(await state()).toBe("deleted");
  });

  it("takes files with it that interrupted work left in its folder, and no other tenant's or day's", async () => {
    const kept = [`${archiveFolder(tenantId, "2026-03-02")}00000-0.parquet`, `${archiveFolder(tenantIds[1], oldDay)}00000-0.parquet`];
    for (const key of [`${archiveFolder(tenantId, oldDay)}00000-left.parquet`, ...kept]) await dependencies.archive.put(key, new Uint8Array(3));
    await archiveAll(dependencies);
    expect([await state(), await parquet()]).toEqual(["deleted", []]);
    for (const key of kept) expect(await dependencies.archive.size(key)).toBe(3);
  });

  it("is not called deleted while the store only says so", async () => {
    const { archive } = dependencies;
    await archiveAll({ ...dependencies, archive: { ...archive, remove: () => Promise.resolve() } }, { budgetMs: 500 }, 2);
    expect([await state(), (await parquet()).length]).toEqual(["expiring", 1]);
    await archiveAll(dependencies);
    expect([await state(), (await parquet()).length, (await records()).length]).toEqual(["deleted", 0, 1]);
  });
});

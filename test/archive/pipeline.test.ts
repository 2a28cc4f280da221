import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { archive } from "../../core/archive.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { archiverOf, bounds, eventsOf, oldDay } from "./archived-log.ts";

describe("archive()", () => {
  let log: TestLog;
  let folder: string;
  beforeEach(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
  });
  afterEach(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("moves a day that is no longer hot, and leaves the others", async () => {
    await log.ingest(eventsOf(oldDay, 900));
    await log.ingest(eventsOf("2026-06-14", 100, 2));
    await log.seal();
    const summary = await archive(archiverOf(log, folder), bounds);
    expect(summary).toMatchObject({ status: "done", closed: [oldDay], planned: [oldDay], written: 2, checked: 2, signed: 2, dropped: [oldDay], failed: 0 });
    const { rows } = await log.admin.query(
      "select tenant_id, state, rows, files, archived_at is not null as dropped from audit_log.archives order by tenant_id",
    );
    expect(rows.map((row) => row.state)).toEqual(["archived", "archived"]);
    expect(rows.reduce((sum, row) => sum + Number(row.rows), 0)).toBe(900);
    expect((await log.admin.query("select count(*)::int as left from audit_log.events")).rows[0].left).toBe(100);
    expect(await archive(archiverOf(log, folder), bounds)).toMatchObject({ closed: [], written: 0, dropped: [] });
  });
});

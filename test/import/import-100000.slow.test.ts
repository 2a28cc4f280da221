import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";
import { runCommand } from "../command/run-command.ts";
import { cloudTrailLog, csvLog, jnetLog, ndjsonLog, type OldLog, omsLog, supaAuditLog } from "./old-logs.ts";
import { importedCount, killHalfWay } from "./resume.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const rows = 100_000;

const cases: Readonly<Record<string, (folder: string, database: TestDatabase) => OldLog | Promise<OldLog>>> = {
  "NDJSON": (folder) => ndjsonLog(folder, rows),
  "CSV": (folder) => csvLog(folder, rows),
  "CloudTrail": (folder) => cloudTrailLog(folder, rows),
  "the first seed's audit_events": (_, database) => jnetLog(database, rows),
  "the second seed's audit_events": (_, database) => omsLog(database, rows, tenantId),
  "supa_audit's record_version": (_, database) => supaAuditLog(database, rows),
};

describe("import of 100,000 rows", () => {
  let log: TestLog;
  let source: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), "audit-import-"));

  beforeAll(async () => {
    log = await openLog();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.close();
  });

  it.each(Object.entries(cases))("%s: killed half-way and resumed, counts equal and nothing doubled", async (name, make) => {
    source = await createDatabase();
    const before = await importedCount(log);
    const old = await make(folder, source);
    const args = ["import", old.source, ...old.args, "--tenant", tenantId, "--database", log.database.url, "--json"];
    const killed = await killHalfWay(log, args) - before;
    expect(killed).toBeGreaterThan(rows / 3);
    expect(killed).toBeLessThan(rows * 2 / 3);
    const startedMs = performance.now();
    const ran = await runCommand(args);
    const seconds = (performance.now() - startedMs) / 1000;
    expect(ran).toMatchObject({ status: 0 });
    expect(JSON.parse(ran.out).counts).toMatchObject({ created: rows, duplicate: 0, refused: 0 });
    expect(await importedCount(log) - before).toBe(rows);
    const again = await runCommand([...args, "--again"]);
    expect(JSON.parse(again.out).counts).toMatchObject({ created: 0, duplicate: rows, refused: 0 });
    expect(await importedCount(log) - before).toBe(rows);
    console.info(`${name}: killed at ${killed}, the other ${rows - killed} in ${seconds.toFixed(1)} s; ${again.err.trim().split("\n").at(-1)} found again`);
    await source.drop();
  });

  it("leaves a log that verifies", async () => {
    for (let left = true; left;) left = (await log.seal()).status !== "done";
    const ran = await runCommand(["verify", "--database", log.database.adminUrl, "--key", firstKey.verifierKey, "--json"]);
    expect(JSON.parse(ran.out)).toMatchObject({ status: "sound", finding_count: 0 });
    expect(JSON.parse(ran.out).events).toBe(Object.keys(cases).length * (rows + 1));
  });
});

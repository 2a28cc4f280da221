import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";
import { runCommand, startCommand } from "../command/run-command.ts";
import { cloudTrailLog, csvLog, jnetLog, ndjsonLog, type OldLog, omsLog, supaAuditLog } from "./old-logs.ts";
import { importedCount, killHalfWay, meetingAtTheFirstBatch, whileHalfWay } from "./resume.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const otherTenantId = "00000000-0000-4000-8000-0000000000aa";
const rows = 3000;
const stoppedRows = 2500;

/** `derived`: the source has no ids that we could keep, so that only what they are derived from keeps a second run from doubling everything. */
type Case = {
  readonly name: string;
  readonly derived?: boolean;
  readonly make: (folder: string, database: () => Promise<TestDatabase>) => OldLog | Promise<OldLog>;
};

const cases: readonly Case[] = [
  { name: "NDJSON", derived: true, make: (folder) => ndjsonLog(folder, rows) },
  { name: "CSV", derived: true, make: (folder) => csvLog(folder, rows) },
  { name: "CloudTrail", make: (folder) => cloudTrailLog(folder, rows) },
  { name: "the first seed's audit_events", make: async (_, database) => jnetLog(await database(), rows) },
  { name: "the second seed's audit_events", make: async (_, database) => omsLog(await database(), rows, tenantId) },
  { name: "supa_audit's record_version", derived: true, make: async (_, database) => supaAuditLog(await database(), rows) },
];

describe("npm run audit -- import", () => {
  let log: TestLog;
  const folder = mkdtempSync(join(tmpdir(), "audit-import-"));
  const databases: TestDatabase[] = [];
  const database = async () => {
    databases.push(await createDatabase());
    return databases.at(-1) as TestDatabase;
  };

  beforeAll(async () => {
    log = await openLog();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.close();
    for (const each of databases) await each.drop();
  });

  it.each(cases)("$name: killed half-way and run again, all of it is there once", async ({ derived, make }) => {
    const before = await importedCount(log);
    const old = await make(folder, database);
    const args = ["import", old.source, ...old.args, "--tenant", tenantId, "--database", log.database.url, "--json"];
    const killed = await killHalfWay(log, args);
    expect(killed - before).toBeGreaterThan(0);
    expect(killed - before).toBeLessThan(old.rows);
    const ran = await runCommand(args);
    expect(ran).toMatchObject({ status: 0 });
    expect(JSON.parse(ran.out)).toMatchObject({ status: "imported", counts: { created: old.rows, duplicate: 0, refused: 0 } });
    expect(await importedCount(log) - before).toBe(old.rows);
    if (!derived) return;
    const again = JSON.parse((await runCommand([...args, "--again"])).out);
    expect(again).toMatchObject({ status: "imported", counts: { created: 0, duplicate: old.rows, refused: 0 } });
    expect(await importedCount(log) - before).toBe(old.rows);
  });

  it("ends after its batch on Ctrl-C, says so, and goes on when it is run again", async () => {
    const args = ["import", csvLog(folder, stoppedRows).source, "--tenant", otherTenantId, "--database", log.database.url];
    const stopped = await whileHalfWay(log, async (stuck, release) => {
      const run = startCommand(args);
      await Promise.race([stuck(), run.ended]);
      run.kill("SIGINT");
      await release();
      return await run.ended;
    });
    expect(stopped).toMatchObject({ status: 130, out: expect.stringContaining("Stopped; the same command goes on") });
    const ran = await runCommand(args);
    expect(ran.err).toMatch(/^Going on after [12],\d00 records\.\n/);
    expect(ran).toMatchObject({ status: 0, out: expect.stringContaining("2,500 imported, 0 there already, 0 refused") });
    expect(await runCommand(args)).toMatchObject({ status: 0, out: expect.stringContaining("Imported before") });
  });

  it("lets one process at a time go on with an import", async () => {
    const args = ["import", ndjsonLog(folder, stoppedRows).source, "--tenant", otherTenantId, "--database", log.database.url, "--json"];
    const both = await meetingAtTheFirstBatch(log, () => [startCommand(args), startCommand(args)]);
    // Which of them gets there first is nobody's to say.
    const [first, second] = both.sort((a, b) => Number(a.status) - Number(b.status));
    expect(first).toMatchObject({ status: 0 });
    expect(JSON.parse(first?.out ?? "").counts).toMatchObject({ created: stoppedRows, duplicate: 0 });
    expect(second).toMatchObject({ status: 2, err: expect.stringContaining("another process has gone on with this import") });
  });

  it("leaves a log that verifies, and says in it what was imported", async () => {
    await log.seal();
    const ran = await runCommand(["verify", "--database", log.database.adminUrl, "--key", firstKey.verifierKey, "--json"]);
    expect(ran).toMatchObject({ status: 0 });
    const { rows: records } = await log.admin.query(
      "select principal, result, context from audit_log.events where event_type = 'audit.events.imported' order by received_at",
    );
    expect(records).toHaveLength(cases.length + 2);
    expect(records[0]).toMatchObject({
      principal: expect.stringMatching(/^import:[0-9a-f-]{36}$/),
      result: "success",
      context: { format: "ndjson", created: rows },
    });
    expect(JSON.parse(ran.out)).toMatchObject({ status: "sound", events: cases.length * (rows + 1) + 2 * (stoppedRows + 1) });
  });
});

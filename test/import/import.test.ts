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
const rows = 3000;

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

  it.each(cases)("$name: killed half-way and run again, all of it is there once", { timeout: 60_000 }, async ({ derived, make }) => {
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

  it("leaves a log that verifies, and says in it what was imported", { timeout: 60_000 }, async () => {
    await log.seal();
    const ran = await runCommand(["verify", "--database", log.database.adminUrl, "--key", firstKey.verifierKey, "--json"]);
    expect(ran).toMatchObject({ status: 0 });
    const { rows: records } = await log.admin.query(
      "select principal, result, context from audit_log.events where event_type = 'audit.events.imported' order by received_at",
    );
    expect(records).toHaveLength(cases.length);
    expect(records[0]).toMatchObject({
      principal: expect.stringMatching(/^import:[0-9a-f-]{36}$/),
      result: "success",
      context: { format: "ndjson", created: rows },
    });
    expect(JSON.parse(ran.out)).toMatchObject({ status: "sound", events: cases.length * rows + cases.length });
  });
});

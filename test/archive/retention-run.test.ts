import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Service, startService, tokenOf } from "../api/service.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { eventsOf, oldDay, tenantIds } from "./archived-log.ts";

const [tenantId, other] = tenantIds;

type Answer = {
  readonly dry_run: boolean;
  readonly archive: { readonly days: readonly unknown[]; readonly rows: number; readonly bytes: number };
  readonly delete: { readonly days: readonly unknown[]; readonly rows: number };
  readonly done: unknown;
};

describe("POST /retention/run", () => {
  let log: TestLog;
  let service: Service;
  let folder: string;
  let admin: string;
  const ask = async (body: unknown, as = admin) => await service.ask("/retention/run", { method: "POST", as, body });
  beforeAll(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    await log.ingest(eventsOf(oldDay, 40, 1, [tenantId]));
    await log.ingest(eventsOf(oldDay, 30, 2, [other]));
    await log.ingest(eventsOf(new Date().toISOString().slice(0, 10), 5, 3, [tenantId]));
    await log.seal();
    const env = { AUDIT_SIGNING_KEY: firstKey.signingKey, AUDIT_LOG_ORIGIN: logOrigin, AUDIT_ARCHIVE_URL: `file:${folder}` };
    service = await startService({ database: log.database, env });
    admin = await tokenOf("admin", [tenantId]);
  });
  afterAll(async () => {
    await service.stop();
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("says what would move, of the caller's tenant alone, and moves nothing", async () => {
    const { status, json } = await ask({});
    expect(status).toBe(200);
    const { archive, ...rest } = json as Answer;
    expect(rest).toMatchObject({ dry_run: true, delete: { days: [], rows: 0 }, done: null });
    expect(archive).toMatchObject({ days: [{ date: oldDay, rows: 40 }], rows: 40 });
    expect(archive.bytes).toBeGreaterThan(40 * 450);
    expect((await log.admin.query("select from audit_log.closed_days")).rowCount).toBe(0);
  });

  it("is for admins, and takes nothing that it does not know", async () => {
    expect((await ask({}, await tokenOf("auditor", [tenantId]))).status).toBe(403);
    expect((await ask({ tenant_id: other })).status).toBe(403);
    expect((await ask({ dryrun: false })).status).toBe(400);
    expect((await ask({ dry_run: "no" })).status).toBe(400);
    expect((await log.admin.query("select from audit_log.closed_days")).rowCount).toBe(0);
  });

  it("does what it said, and then has nothing to do", async () => {
    let answer = (await ask({ dry_run: false })).json as Answer;
    for (let turn = 0; turn < 20 && (answer.done as { status: string }).status !== "done"; turn++) answer = (await ask({ dry_run: false })).json as Answer;
    expect(answer.done).toMatchObject({ status: "done", failed: 0 });
    expect((await ask({})).json).toMatchObject({ archive: { days: [], rows: 0 } });
    expect((await log.admin.query("select state, sum(rows)::int as rows from audit_log.archives group by state")).rows).toEqual([{
      state: "archived",
      rows: 70,
    }]);
  });

  it("lists archives whose time is over, and says which are held", async () => {
    await log.admin.query("update audit_log.archives set expires_at = now() - interval '1 second'");
    await log.admin.query("insert into audit_log.holds (id, tenant_id, reason, placed_by) values (gen_random_uuid(), $1, 'a lawsuit', 'user:ann')", [tenantId]);
    expect((await ask({})).json).toMatchObject({ delete: { days: [{ date: oldDay, rows: 40, is_held: true }], rows: 0 } });
    expect((await ask({}, await tokenOf("admin", [other]))).json).toMatchObject({ delete: { days: [{ date: oldDay, rows: 30, is_held: false }], rows: 30 } });
  });
});

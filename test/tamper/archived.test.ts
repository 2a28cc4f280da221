import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { archiveAll, archiverOf, eventsOf, oldDay, tenantIds } from "../archive/archived-log.ts";
import { withArchivedDays } from "../../scripts/audit/archived-log.ts";
import { openDatabaseLog } from "../../scripts/audit/database-source.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";

const [tenantId] = tenantIds;

describe("verify, on a log whose old days are in the archive", () => {
  let log: TestLog;
  let folder: string;
  let changed: string;
  const verify = async (...args: readonly string[]) => {
    const fixed = ["scripts/audit.ts", "verify", "--database", log.database.adminUrl, "--key", firstKey.verifierKey, "--json"];
    const run = promisify(execFile)(process.execPath, [...fixed, ...args], { env: { PATH: process.env["PATH"] ?? "" } });
    const { code, stdout } = await run.then(({ stdout }) => ({ code: 0, stdout }), (fault: { code: number; stdout: string }) => fault);
    return { exit: code, ...JSON.parse(stdout) };
  };
  /** Name of the tenant's Parquet file of the old day, in its folder. */
  const dayFolder = join(`tenant_id=${tenantId}`, `date=${oldDay}`);
  const parquet = () => readdirSync(join(folder, dayFolder)).find((name) => name.endsWith(".parquet")) as string;
  const damage = async (path: string, to: (bytes: Uint8Array) => Uint8Array) => {
    rmSync(changed, { recursive: true, force: true });
    cpSync(folder, changed, { recursive: true });
    writeFileSync(join(changed, path), to(Uint8Array.from(readFileSync(join(changed, path)))));
    return await verify("--archive", `file:${changed}`);
  };

  beforeAll(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    changed = mkdtempSync(join(tmpdir(), "audit-archive-"));
    await log.ingest(eventsOf(oldDay, 650));
    await log.ingest(eventsOf("2026-06-14", 50, 7));
    await log.seal();
    await archiveAll(archiverOf(log, folder));
    expect((await log.admin.query("select count(*)::int as hot from audit_log.events")).rows).toEqual([{ hot: 50 }]);
  });
  afterAll(async () => {
    await log.close();
    for (const made of [folder, changed]) rmSync(made, { recursive: true, force: true });
  });

  it("finds it sound, every archived event counted", async () => {
    expect(await verify("--archive", `file:${folder}`)).toMatchObject({ exit: 0, status: "sound", events: 700, unsealed: 0, finding_count: 0 });
  });

  it("finds one flipped byte of a Parquet file, wherever it is, and names tenant, day and file", async () => {
    const path = join(dayFolder, parquet());
    const { length } = readFileSync(join(folder, path));
    for (const at of [5, Math.floor(length / 2), length - 6]) {
      const found = await damage(path, (bytes) => bytes.with(at, (bytes[at] as number) ^ 1));
      expect(found, `byte ${at}`).toMatchObject({ exit: 1, status: "tampered" });
      expect(found.message).toContain(path);
    }
  });

  it("finds a file that is gone from an archive whose others are there, and names it", async () => {
    const path = join(dayFolder, parquet());
    rmSync(changed, { recursive: true, force: true });
    cpSync(folder, changed, { recursive: true });
    rmSync(join(changed, path));
    const found = await verify("--archive", `file:${changed}`);
    expect(found).toMatchObject({ exit: 1, status: "tampered" });
    expect(found.message).toContain(path);
  });

  it("finds a changed byte of a tile that moved, and names the tenant", async () => {
    const found = await damage(join("tiles", tenantId, "tile", "0", "000"), (bytes) => bytes.with(40, (bytes[40] as number) ^ 1));
    expect(found).toMatchObject({ exit: 1, status: "tampered" });
    expect(JSON.stringify(found)).toContain(tenantId);
  });

  it("could not check without the archive: neither named, nor with anything in it", async () => {
    expect(await verify()).toMatchObject({ exit: 2, status: "unchecked" });
    const nowhere = await verify("--archive", `file:${join(changed, "nowhere")}`);
    expect(nowhere).toMatchObject({ exit: 2, status: "unchecked" });
    expect(nowhere.message).toContain("none of the 2 archived days");
  });

  it("keeps a day from leaving Postgres between its look at the catalogue and at the events", async () => {
    const source = await openDatabaseLog(log.database.adminUrl);
    const { rows: [{ name }] } = await log.admin.query(
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_log.events'::regclass limit 1",
    );
    const drop = () =>
      log.admin.query(`begin; set local lock_timeout = '200ms'; drop table ${name}; rollback`).catch(async (fault: unknown) => {
        await log.admin.query("rollback");
        throw fault;
      });
    await expect(drop()).rejects.toThrow("lock timeout");
    await source.close();
    await drop();
  });

  it("finds it sound when a day expired, and says how many events are gone; one event more that is gone is found", async () => {
    await log.admin.query("update audit_log.archives set expires_at = now() - interval '1 day' where tenant_id = $1", [tenantId]);
    await archiveAll(archiverOf(log, folder));
    await log.seal();
    expect((await log.admin.query("select state from audit_log.archives where tenant_id = $1", [tenantId])).rows).toEqual([{ state: "deleted" }]);
    expect(readdirSync(join(folder, dayFolder)).filter((name) => name.endsWith(".parquet"))).toEqual([]);
    const { rows: [{ gone }] } = await log.admin.query("select rows::int as gone from audit_log.archives where state = 'deleted'");
    const sound = await verify("--archive", `file:${folder}`);
    expect(sound).toMatchObject({ exit: 0, status: "sound", expired: gone, finding_count: 0 });
    // The expiry of each day is an event of its own.
    expect(sound.events).toBe(700 - gone + 1);

    const { rows: [victim] } = await log.admin.query(
      "select tableoid::regclass::text as name, id from audit_log.events where tenant_id = $1 order by seq limit 1",
      [
        tenantId,
      ],
    );
    await log.admin.query(`alter table ${victim.name} disable trigger all`);
    await log.admin.query(`delete from ${victim.name} where id = $1`, [victim.id]);
    expect(await verify("--archive", `file:${folder}`)).toMatchObject({ exit: 1, first_bad_event: { kind: "event_missing", id: victim.id } });
  });

  it("finds a day that was declared expired, its files there or not, when no event tells of its deletion", async () => {
    const other = tenantIds[1];
    for (const state of ["expiring", "deleted"]) {
      await log.admin.query("update audit_log.archives set state = $2, expiring_at = '2026-06-14T01:00:00Z', deleted_at = now() where tenant_id = $1", [
        other,
        state,
      ]);
      const found = await verify("--archive", `file:${folder}`, "--tenant", other);
      // While it is being deleted, nothing may be removed before it is recorded: the files are read, and are as they should be.
      if (state === "expiring") expect(found).toMatchObject({ exit: 0, status: "sound", expired: 0 });
      else {
        expect(found).toMatchObject({ exit: 1, status: "tampered", findings: [{ kind: "event_missing", tenant_id: other }] });
        expect(found.findings[0].message).toContain(`of ${oldDay} are said to have expired`);
      }
    }
    await log.admin.query("update audit_log.archives set state = 'archived', expiring_at = null, deleted_at = null where tenant_id = $1", [other]);
  });

  it("does not call a log changed whose archive expires while it is read", async () => {
    const other = tenantIds[1];
    const source = await openDatabaseLog(log.database.adminUrl, other);
    const { log: whole, close } = await withArchivedDays(source, { database: log.database.adminUrl, archive: `file:${folder}`, key: [firstKey.verifierKey] });
    try {
      await log.admin.query("update audit_log.archives set expires_at = now() - interval '1 day' where tenant_id = $1", [other]);
      await archiveAll(archiverOf(log, folder));
      const read = verifyLog(whole, { ring: await followRotations([firstKey.verifierKey], []) });
      await expect(read).rejects.toMatchObject({ code: "archive_expired" });
    } finally {
      await close();
      await source.close();
    }
    await log.seal();
    expect(await verify("--archive", `file:${folder}`, "--tenant", other)).toMatchObject({ exit: 0, status: "sound" });
  });
});

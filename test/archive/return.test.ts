import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRestoreTarget, readRestoredLeaves, returnRestoredDays } from "../../adapters/postgres/archive-restore.ts";
import { createSealStore } from "../../adapters/postgres/seal-store.ts";
import { archive, type ArchiverDependencies } from "../../core/archive.ts";
import { findManifest, type FoundManifest, readManifest, restoreArchive } from "../../core/archive-restore.ts";
import { restoreTree } from "../../core/restore-tree.ts";
import { readerOn } from "../archived/reading.ts";
import { runCommand } from "../command/run-command.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";
import { archiveAll, archiverOf, bounds, eventsOf, oldDay, tenantIds } from "./archived-log.ts";
import { everything } from "./everything.ts";

const [tenantId, otherTenantId] = tenantIds;
const nextDay = "2026-03-02";
const hotDay = "2026-06-14";
/** Of the two old days, the first alone is no longer hot. */
const onlyOldDay = { hotDays: 105 };

const claims = { sub: "reader", app_metadata: { tenant_ids: [tenantId], audit_role: "auditor" } } as const;

/** A log with an archive, and what an operator does with it. */
async function openArchivedLog() {
  const log = await openLog();
  const folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
  const archiver = archiverOf(log, folder);
  return {
    log,
    folder,
    archiver,
    verify: async () => {
      const where = ["--database", log.database.adminUrl, "--archive", `file:${folder}`, "--key", firstKey.verifierKey];
      const { out, status } = await runCommand(["verify", ...where, "--json"]);
      const { status: found, events, findings } = JSON.parse(out);
      return { exit: status, status: found, events, findings };
    },
    restore: async (day: string, tenant: string = tenantId, beforeRead: (key: string) => Promise<void> = () => Promise.resolve()) => {
      const { rows } = await log.admin.query("select manifest_key, manifest_sha256 from audit_log.archives where tenant_id = $1 and day = $2", [tenant, day]);
      const of = { tenantId: tenant, day, key: rows[0].manifest_key, sha256: rows[0].manifest_sha256 };
      const found = await readManifest({ ...archiver, verifiers: [firstKey.signer] }, of);
      const store = { ...archiver.archive, get: (key: string) => beforeRead(key).then(() => archiver.archive.get(key)) };
      const target = createRestoreTarget(log.pool, 10, () => {});
      return await restoreArchive({ ...archiver, archive: store, verifiers: [firstKey.signer], target }, found);
    },
    giveBack: (day: string) => returnRestoredDays(log.pool, day, day, () => {}),
    tilesHere: async () =>
      (await log.admin.query("select tile_index::int as index from audit_log.tiles where tenant_id = $1 and level = 0 order by 1", [tenantId])).rows.map((
        row,
      ) => row.index),
    /** Places of a day's events that are in Postgres, found one by one and found at once. */
    places: async (day: string) => {
      const { rows } = await log.admin.query(
        `select id, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at from audit_log.events
          where tenant_id = $1 and (occurred_at at time zone 'UTC')::date = $2 order by seq`,
        [tenantId, day],
      );
      return await readerOn(log, archiver.archive).leafIndexes(claims, tenantId, rows);
    },
    states: async (day: string) => {
      const of = await log.admin.query("select state from audit_log.archives where day = $1 order by tenant_id desc", [day]);
      const [{ state }] = (await log.admin.query("select state from audit_log.archive_days where day = $1", [day])).rows;
      return [state, ...of.rows.map((row) => row.state)];
    },
    close: async () => {
      await log.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const away = () => Promise.reject(new Error("away"));

type ArchivedLog = Awaited<ReturnType<typeof openArchivedLog>>;

async function sealed(log: TestLog, ...batches: readonly (readonly Parameters<TestLog["ingest"]>[0][number][])[]): Promise<void> {
  for (const events of batches) {
    await log.ingest(events);
    await log.seal();
  }
}

describe("a restored day", () => {
  let log: ArchivedLog;
  let all: string[];
  beforeAll(async () => {
    log = await openArchivedLog();
    // Tile 0 has a leaf of a hot day and stays; tile 1 has none but the old day's and moves; tile 2 has the old day's and the next one's; tile 3 is partial.
    await sealed(log.log, eventsOf(hotDay, 6, 1, [tenantId]), eventsOf(oldDay, 600, 2, [tenantId]), eventsOf(nextDay, 200, 3, [tenantId]));
    await sealed(log.log, eventsOf(oldDay, 20, 4, [otherTenantId]));
    all = await everything(log.log, log.archiver.archive);
    await archiveAll(log.archiver, onlyOldDay);
    expect(await log.tilesHere()).toEqual([0, 2, 3]);
    expect(await log.restore(oldDay)).toBe("restored");
  });
  afterAll(() => log?.close());

  it("is sound to verify, where its moved tiles lie behind one that stayed, and is found where it is changed", async () => {
    expect(await everything(log.log, log.archiver.archive)).toEqual(all);
    expect(await log.verify()).toEqual({ exit: 0, status: "sound", events: all.length, findings: [] });
    const change = async (text: string, back: string) => {
      await log.log.admin.query(`set session_replication_role = replica; alter table audit_log.events_20260301 disable trigger user; ${text}`);
      const found = await log.verify();
      await log.log.admin.query(`${back}; alter table audit_log.events_20260301 enable trigger user; set session_replication_role = origin`);
      return found;
    };
    const [first] = (await log.log.admin.query("select id from audit_log.events_20260301 where seq < 0 order by seq limit 1")).rows;
    const changed = await change(
      `update audit_log.events_20260301 set actor_type = coalesce(actor_type, '') || 'x' where id = '${first.id}'`,
      `update audit_log.events_20260301 set actor_type = nullif(left(actor_type, -1), '') where id = '${first.id}'`,
    );
    expect(changed).toMatchObject({ exit: 1, findings: [{ kind: "event_changed", id: first.id, index: 256 }] });
    // Whatever place a row claims that was slipped in, it is seen: one that another has, one beyond the tree, one before it.
    for (const seq of [`${-(2 ** 52) + 300}`, "-1", "-9223372036854775808"]) {
      const columns = "occurred_at, received_at, principal, event_type, result, leaf_hash";
      const slipped = await change(
        `insert into audit_log.events_20260301 (tenant_id, id, seq, ${columns}) select tenant_id, '01890000-0000-7000-8000-000000000000', ${seq}, ${columns}
          from audit_log.events_20260301 where id = '${first.id}'`,
        "delete from audit_log.events_20260301 where id = '01890000-0000-7000-8000-000000000000'",
      );
      expect(slipped).toMatchObject({ exit: 1, status: "tampered" });
      expect(slipped.findings).toContainEqual(expect.objectContaining({ kind: "event_added" }));
    }
    expect(await log.verify()).toMatchObject({ status: "sound" });
  });

  it("says the place of each event, whose tile stayed or moved", async () => {
    expect((await log.places(oldDay)).toSorted((a, b) => (a ?? -1) - (b ?? -1))).toEqual(Array.from({ length: 600 }, (_, at) => 6 + at));
    expect(await readerOn(log.log, log.archiver.archive).leafIndexes(claims, otherTenantId, [])).toEqual([]);
  });

  it("keeps the tiles that name its events, when the next day leaves", async () => {
    await archiveAll(log.archiver);
    expect(await log.states(nextDay)).toEqual(["dropped", "archived"]);
    expect(await log.tilesHere()).toEqual([0, 2, 3]);
    expect((await log.places(oldDay)).every((place) => place !== undefined)).toBe(true);
    expect(await log.verify()).toMatchObject({ status: "sound" });
    await expect(log.log.admin.query("set role audit_owner; delete from audit_log.tiles where tile_index = 2")).rejects.toThrow("append-only");
    await log.log.admin.query("reset role");
  });

  it("stays until it is given back, and leaves then, after its files were read again", async () => {
    expect(await archive(log.archiver, bounds)).toMatchObject({ dropped: [], checked: 0 });
    expect(await log.states(oldDay)).toEqual(["restored", "restored", "archived"]);
    const given = await runCommand(["archive", "return", "--database", log.log.database.adminUrl, "--from", oldDay, "--to", nextDay, "--json"]);
    expect([given.status, JSON.parse(given.out)]).toEqual([0, { days: [{ day: oldDay, events: 600 }] }]);
    expect(await log.verify()).toMatchObject({ status: "sound", events: all.length });
    expect(await log.giveBack(oldDay)).toEqual([]);
    // The store has another file now than was written once: nothing is dropped, whoever says that the day was archived before.
    const lying = { ...log.archiver.archive, get: async (key: string) => key.endsWith(".parquet") ? new Uint8Array(9) : await log.archiver.archive.get(key) };
    await archiveAll({ ...log.archiver, archive: lying }, { budgetMs: 300 }, 3);
    expect(await log.states(oldDay)).toEqual(["planned", "open", "archived"]);
    expect(await everything(log.log, log.archiver.archive)).toEqual(all);

    await archiveAll(log.archiver);
    expect(await log.states(oldDay)).toEqual(["dropped", "archived", "archived"]);
    expect(await everything(log.log, log.archiver.archive)).toEqual(all);
    expect(await log.tilesHere()).toEqual([0, 3]);
    expect((await log.log.admin.query("select to_regclass('audit_log.events_20260301') as left")).rows[0].left).toBeNull();
    expect(await log.verify()).toMatchObject({ status: "sound", events: all.length });
  });

  it("goes back and forth, for two tenants at once, and one that joins on the way out stops the day", async () => {
    expect(await log.restore(oldDay)).toBe("restored");
    await log.giveBack(oldDay);
    expect(await log.restore(oldDay)).toBe("open");
    expect(await log.restore(oldDay, otherTenantId)).toBe("restored");
    await archiveAll(log.archiver);
    expect(await log.states(oldDay)).toEqual(["restored", "ready", "restored"]);
    expect(await log.giveBack(oldDay)).toEqual([{ day: oldDay, events: 620 }]);
    await archiveAll(log.archiver);
    expect(await log.states(oldDay)).toEqual(["dropped", "archived", "archived"]);
    expect(await everything(log.log, log.archiver.archive)).toEqual(all);
  });

  it("is not dropped with an event more or fewer than its archive has", async () => {
    expect(await log.restore(oldDay)).toBe("restored");
    await log.giveBack(oldDay);
    await log.log.admin.query(`alter table audit_log.events_20260301 disable trigger user;
      delete from audit_log.events_20260301 where seq = (select min(seq) from audit_log.events_20260301);
      alter table audit_log.events_20260301 enable trigger user`);
    expect(await archive(log.archiver, bounds)).toMatchObject({ differing: [oldDay], dropped: [] });
    expect(await log.states(oldDay)).toEqual(["planned", "ready", "archived"]);
  });
});

describe("a restore that is under way", () => {
  it("keeps the tiles that it has read from moving, and they are looked at again", async () => {
    const log = await openArchivedLog();
    try {
      await sealed(log.log, eventsOf(oldDay, 300, 1, [tenantId]), eventsOf(nextDay, 300, 2, [tenantId]));
      const noTiles = {
        ...log.archiver.archive,
        put: (key: string, bytes: Uint8Array) => key.startsWith("tiles/") ? away() : log.archiver.archive.put(key, bytes),
      };
      const daysOut = async () => (await log.log.admin.query("select from audit_log.archive_days where state = 'dropped'")).rowCount;
      for (let turn = 0; turn < 50 && await daysOut() !== 2; turn++) await archiveAll({ ...log.archiver, archive: noTiles }, { budgetMs: 1000 }, 1);
      expect(await log.tilesHere()).toEqual([0, 1, 2]);
      const held = Promise.withResolvers<void>();
      const reading = Promise.withResolvers<void>();
      const restoring = log.restore(oldDay, tenantId, async (key) => {
        if (!key.endsWith(".parquet")) return;
        reading.resolve();
        await held.promise;
      });
      await reading.promise;
      // Tile 1 has leaves of both days; the next day's archive may take its tiles along.
      expect(await archive(log.archiver, bounds)).toMatchObject({ tiles_moved: 0, failed: 0 });
      held.resolve();
      expect(await restoring).toBe("restored");
      await log.log.admin.query("update audit_log.archives set leased_until = null, retry_at = null");
      await archiveAll(log.archiver);
      expect(await log.tilesHere()).toEqual([0, 1, 2]);
      expect((await log.places(oldDay)).toSorted((a, b) => (a ?? -1) - (b ?? -1))).toEqual(Array.from({ length: 300 }, (_, at) => at));
      await log.giveBack(oldDay);
      await archiveAll(log.archiver);
      expect(await log.tilesHere()).toEqual([2]);
    } finally {
      await log.close();
    }
  });
});

describe("a day that was restored into an empty database", () => {
  let origin: ArchivedLog;
  let log: ArchivedLog;
  beforeAll(async () => {
    [origin, log] = await Promise.all([openArchivedLog(), openArchivedLog()]);
    await sealed(origin.log, eventsOf(oldDay, 300, 1, [tenantId]), eventsOf(nextDay, 300, 2, [tenantId]));
    await archiveAll(origin.archiver);
    cpSync(origin.folder, log.folder, { recursive: true });
  });
  afterAll(async () => {
    await origin?.close();
    await log?.close();
  });

  it("leaves it as it left its own", async () => {
    const verifiers = [firstKey.signer];
    const manifests: FoundManifest[] = [];
    for (const day of [oldDay, nextDay]) {
      const found = await findManifest({ ...log.archiver, verifiers }, tenantId, day);
      if (found === undefined) throw new Error("no manifest");
      manifests.push(found);
      expect(await restoreArchive({ ...log.archiver, verifiers, target: createRestoreTarget(log.log.pool, 10, () => {}) }, found)).toBe("restored");
    }
    const leaves = await readRestoredLeaves(log.log.pool, tenantId, () => {});
    expect(await restoreTree(createSealStore(log.log.pool, () => {}), sha256, tenantId, leaves, manifests, logOrigin)).toBe(600);
    const all = await everything(log.log, log.archiver.archive);
    expect(all).toHaveLength(600);
    await log.giveBack(oldDay);
    const archiver: ArchiverDependencies = log.archiver;
    await archiveAll(archiver);
    expect(await log.states(oldDay)).toEqual(["dropped", "archived"]);
    expect(await log.states(nextDay)).toEqual(["restored", "restored"]);
    expect(await everything(log.log, archiver.archive)).toEqual(all);
    expect(await log.verify()).toMatchObject({ status: "sound", events: 600 });
  });
});

describe("a restored day on its way out, while the tree in Postgres is not what was signed", () => {
  it("keeps the files that its manifest names, and none of those that are made in vain", async () => {
    const log = await openArchivedLog();
    await sealed(log.log, eventsOf(oldDay, 20, 1, [tenantId]));
    await archiveAll(log.archiver);
    const files = async () => (await log.archiver.archive.list(`tenant_id=${tenantId}/`)).filter((key) => key.endsWith(".parquet"));
    const named = await files();
    expect(named).toHaveLength(1);
    expect(await log.restore(oldDay)).toBe("restored");
    await log.giveBack(oldDay);
    await log.log.admin.query(
      "alter table audit_log.tiles disable trigger all; update audit_log.tiles set hashes = set_byte(hashes, 3, get_byte(hashes, 3) # 1)",
    );
    const givenUp = async () => (await log.log.admin.query("select generation from audit_log.archive_files")).rows[0].generation;
    for (let turn = 0; turn < 50 && await givenUp() === 0; turn++) await archive(log.archiver, { ...bounds, budgetMs: 200 });
    expect(await givenUp()).toBeGreaterThan(0);
    expect((await files()).filter((key) => named.includes(key))).toEqual(named);
    // The newest may be waiting for its check.
    expect((await files()).length).toBeLessThanOrEqual(2);
    await log.close();
  });
});

describe("findManifest()", () => {
  it("finds the manifest of an archive with more files than a listing gives", async () => {
    const log = await openArchivedLog();
    await sealed(log.log, eventsOf(oldDay, 5, 1, [tenantId]));
    await archiveAll(log.archiver);
    const { archive: store } = log.archiver;
    const first = Array.from({ length: 1000 }, (_, part) => `tenant_id=${tenantId}/date=${oldDay}/${String(part).padStart(5, "0")}-x.parquet`);
    const list: typeof store.list = async (prefix, options = {}) =>
      [...first.filter((key) => key.startsWith(prefix)), ...await store.list(prefix, options)].slice(0, options.limit ?? 1000);
    const found = await findManifest({ ...log.archiver, archive: { ...store, list }, verifiers: [firstKey.signer] }, tenantId, oldDay);
    expect(found?.manifest.rows).toBe(5);
    await log.close();
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProofStore } from "../../adapters/postgres/proof-store.ts";
import { withArchivedTiles } from "../../core/archive-tiles.ts";
import { consistencyOf, type ProofStore, receiptOf } from "../../core/proofs.ts";
import { openArchiveFile } from "../../core/archive-file.ts";
import { archive, type ArchiverDependencies, type ArchiverSummary } from "../../core/archive.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyReceipt } from "../../verify/receipt.ts";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";
import { archiveAll, archiverOf, bounds, eventsOf, oldDay, tenantIds } from "./archived-log.ts";
import { everything } from "./everything.ts";

const [tenantId] = tenantIds;

describe("archives, once their day was dropped", () => {
  let log: TestLog;
  let folder: string;
  let dependencies: ArchiverDependencies;
  beforeEach(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    dependencies = archiverOf(log, folder);
  });
  afterEach(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Proofs as an operator reads them: tiles from Postgres, then from the archive. */
  const proofs = (): ProofStore => {
    const store = createProofStore(async <Row>(text: string, values: readonly unknown[]) => (await log.pool.query(text, [...values])).rows as Row[]);
    return { ...store, tiles: (id, wanted) => withArchivedTiles((more) => store.tiles(id, more), dependencies.archive, id)(wanted) };
  };
  const tilesLeft = async () =>
    (await log.admin.query("select tile_index::int as index from audit_log.tiles where tenant_id = $1 and level = 0 order by 1", [tenantId])).rows.map((row) =>
      row.index
    );

  it("move their full tiles out, and receipts and consistency proofs are made of them there", async () => {
    // Places 0 to 599 are of the old day, 600 to 799 of one that stays hot.
    await log.ingest(eventsOf(oldDay, 600, 1, [tenantId]));
    await log.seal();
    await log.ingest(eventsOf("2026-06-14", 200, 2, [tenantId]));
    await log.seal();
    const before = await consistencyOf(proofs(), sha256, tenantId, 300);
    await archiveAll(dependencies);
    expect(await tilesLeft()).toEqual([2, 3]);
    expect(await dependencies.archive.list(`tiles/${tenantId}/`)).toEqual([`tiles/${tenantId}/tile/0/000`, `tiles/${tenantId}/tile/0/001`]);
    expect(await consistencyOf(proofs(), sha256, tenantId, 300)).toEqual(before);

    const ring = await followRotations([firstKey.verifierKey], []);
    const [key = ""] = (await dependencies.archive.list(`tenant_id=${tenantId}/`)).filter((name) => name.endsWith(".parquet"));
    const file = await openArchiveFile((await dependencies.archive.get(key))?.slice() ?? new Uint8Array(0));
    const rows = (await Promise.all(file.groups.map((group) => file.readGroup(group)))).flat();
    for (const { logIndex, event } of rows.filter((_, at) => at % 50 === 0)) {
      const proven = await verifyReceipt(await receiptOf(proofs(), sha256, { logIndex, event }), ring);
      expect(proven).toMatchObject({ index: logIndex, event: { id: event.id } });
    }
  });

  describe("two days whose leaves meet in a tile", () => {
    beforeEach(async () => {
      for (const [seed, day] of [oldDay, "2026-03-02"].entries()) {
        await log.ingest(eventsOf(day, 300, seed + 1, [tenantId]));
        await log.seal();
      }
    });

    /** A worker to whom something happens after it has looked for the first time which tiles it may move. */
    const interrupted = (meanwhile: () => Promise<unknown>): ArchiverDependencies => {
      const { books } = dependencies;
      let looks = 0;
      const movableTiles: typeof books.movableTiles = async (work, limit) => {
        const indexes = await books.movableTiles(work, limit);
        if (++looks === 1) await meanwhile();
        return indexes;
      };
      return { ...dependencies, books: { ...books, movableTiles } };
    };

    it("let the worker of one move it while that of the other is at work", async () => {
      const summaries: ArchiverSummary[] = [];
      const other = async () => summaries.push(await archive(dependencies, bounds));
      summaries.push(await archive(interrupted(other), bounds));
      expect(summaries.map(({ failed, tiles_moved }) => ({ failed, tiles_moved }))).toEqual([{ failed: 0, tiles_moved: 1 }, { failed: 0, tiles_moved: 1 }]);
      expect(await tilesLeft()).toEqual([2]);
    });

    it("say so when it is in neither place", async () => {
      const lost = () => log.admin.query("set session_replication_role = replica; delete from audit_log.tiles where level = 0 and tile_index = 1");
      expect((await archive(interrupted(lost), { ...bounds, retrySeconds: 600 })).failed).toBe(1);
      expect((await log.admin.query("select problem from audit_log.archives where problem is not null")).rows).toEqual([
        { problem: expect.stringContaining("tile 1 of level 0: is missing") },
      ]);
    });
  });

  it("keep tiles in Postgres that hold a leaf of a hot day, and any tile that the store does not give back", async () => {
    for (const events of [eventsOf(oldDay, 300, 1, [tenantId]), eventsOf("2026-06-14", 1, 2, [tenantId]), eventsOf(oldDay, 300, 3, [tenantId])]) {
      await log.ingest(events);
      await log.seal();
    }
    const honest = dependencies.archive;
    const lying = { ...honest, get: async (name: string) => name.startsWith("tiles/") ? new Uint8Array(8192) : await honest.get(name) };
    await archiveAll({ ...dependencies, archive: lying }, { budgetMs: 500 }, 3);
    expect(await tilesLeft()).toEqual([0, 1, 2]);
    await archiveAll(dependencies);
    // Place 300 is of the hot day.
    expect(await tilesLeft()).toEqual([1, 2]);
    await expect(log.admin.query("set role audit_owner; delete from audit_log.tiles")).rejects.toThrow("append-only");
  });

  it("are deleted when their time is over, unless held, and the log says so once; manifest, roots and checkpoints stay", async () => {
    await log.ingest(eventsOf(oldDay, 90));
    await log.seal();
    await archiveAll(dependencies);
    const all = await everything(log, dependencies.archive);
    await log.admin.query("update audit_log.archives set expires_at = now() - interval '1 day'");
    await log.admin.query(
      "create or replace function audit_log.is_held(p_tenant_id uuid, p_day date) returns boolean language sql volatile as $$ select true $$",
    );
    await archiveAll(dependencies);
    expect(await everything(log, dependencies.archive)).toEqual(all);

    await log.admin.query(`create or replace function audit_log.is_held(p_tenant_id uuid, p_day date) returns boolean language sql volatile
      as $$ select p_tenant_id <> '${tenantId}' $$; update audit_log.archives set retry_at = null`);
    // The store is away after the event was recorded and one file is gone.
    let removals = 0;
    const breaking = {
      ...dependencies.archive,
      remove: (key: string) => ++removals > 0 ? Promise.reject(new Error("away")) : dependencies.archive.remove(key),
    };
    for (let turn = 0; turn < 50 && removals === 0; turn++) await archiveAll({ ...dependencies, archive: breaking }, { budgetMs: 500 }, 1);
    const states = async () => (await log.admin.query("select tenant_id, state from audit_log.archives order by tenant_id")).rows;
    expect(await states()).toMatchObject([{ state: "archived" }, { tenant_id: tenantId, state: "expiring" }]);
    await archiveAll(dependencies);
    expect(await states()).toMatchObject([{ state: "archived" }, { tenant_id: tenantId, state: "deleted" }]);

    const { rows } = await log.admin.query("select tenant_id, event_type, object_id, principal from audit_log.events");
    expect(rows).toEqual([{ tenant_id: tenantId, event_type: "audit.archive.expired", object_id: oldDay, principal: "job:audit-retention" }]);
    const left = await dependencies.archive.list(`tenant_id=${tenantId}/`);
    expect(left.map((key) => key.split("/").at(-1)?.split("-")[0])).toEqual(["manifest"]);
    expect((await log.admin.query("select from audit_log.checkpoints where tenant_id = $1", [tenantId])).rowCount).toBe(1);
    expect((await everything(log, dependencies.archive)).filter((line) => line.startsWith(tenantId))).toHaveLength(1);
  });
});

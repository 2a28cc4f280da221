import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createBundleSource } from "../../adapters/postgres/bundle-source.ts";
import { createFolderStore } from "../../adapters/storage/folder-store.ts";
import { type BundleDependencies, dueBundles, writeBundles } from "../../core/checkpoint-bundle.ts";
import { parseNote, verifyNote } from "../../core/format/signed-note.ts";
import { openDatabaseLog } from "../../scripts/audit/database-source.ts";
import { findKept, openKept } from "../../scripts/audit/kept-checkpoints.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"];

describe("dueBundles()", () => {
  it("is every full hour of a day, and the day at its close", () => {
    const due = dueBundles(new Date("2026-11-22T00:05:00Z"));
    expect(due.map(({ name }) => name).slice(-3)).toEqual([
      "checkpoints/2026-11-21/22.checkpoints",
      "checkpoints/2026-11-21/23.checkpoints",
      "checkpoints/2026-11-21/day.checkpoints",
    ]);
    expect(due).toHaveLength(25);
    expect(due.at(-1)?.until.toISOString()).toBe("2026-11-22T00:00:00.000Z");
  });

  it("does not hold the hour that is running", () => {
    expect(dueBundles(new Date("2026-11-22T02:59:59Z")).at(-1)?.name).toBe("checkpoints/2026-11-22/01.checkpoints");
  });
});

describe("writeBundles()", () => {
  let log: TestLog;
  const folder = mkdtempSync(join(tmpdir(), "audit-bundles-"));
  beforeAll(async () => void (log = await openLog()));
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.close();
  });

  const dependencies = (now: Date): BundleDependencies => ({
    source: createBundleSource(log.pool, () => {}),
    archive: createFolderStore(folder),
    signer: firstKey.signer,
    logOrigin,
    sha256,
    now: () => now,
    log: () => {},
    verifierOf: () => Promise.resolve(undefined),
  });

  /** Stores and seals `count` events as if the sealer's clock said `at`. */
  async function sealAt(at: string, count: number): Promise<void> {
    await log.ingest(randomEvents(randomFrom(count), count, { tenantIds, receivedAt: new Date() }));
    await log.seal({ now: () => new Date(at) });
  }

  async function verdict(): Promise<readonly string[]> {
    const source = await openDatabaseLog(log.database.adminUrl);
    const ring = await followRotations([firstKey.verifierKey], []);
    const report = await verifyLog(source, { ring, ...await openKept(findKept([], folder), ring) });
    await source.close();
    return report.findings.map((finding) => finding.kind);
  }

  it("puts each hour's newest checkpoints into the archive, once", async () => {
    await sealAt("2026-11-22T01:10:00Z", 30);
    await sealAt("2026-11-22T01:50:00Z", 40);
    await sealAt("2026-11-22T02:20:00Z", 50);
    const done = await writeBundles(dependencies(new Date("2026-11-22T03:00:01Z")), 100);
    // Hours before the first checkpoint have nothing to keep and are not asked for again.
    expect(done.contradicted).toEqual([]);
    expect(await createFolderStore(folder).list("checkpoints/")).toEqual(["checkpoints/2026-11-22/01.checkpoints", "checkpoints/2026-11-22/02.checkpoints"]);
    expect((await writeBundles(dependencies(new Date("2026-11-22T03:30:00Z")), 100)).written).toEqual([]);

    const text = new TextDecoder().decode(await createFolderStore(folder).get("checkpoints/2026-11-22/01.checkpoints"));
    const [first, ...rest] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    expect(await verifyNote(parseNote(first.bundle), firstKey.signer)).toBe(true);
    expect(first.bundle.split("\n").slice(0, 4)).toEqual([
      "audit-events/checkpoint-bundle/v1",
      logOrigin,
      String(Date.parse("2026-11-22T02:00:00Z") / 1000),
      "2",
    ]);
    expect(rest.map((line) => Number(line.checkpoint.split("\n")[1])).reduce((sum, size) => sum + size)).toBe(70);
    expect(await verdict()).toEqual([]);
  });

  it("shows a database that was put back to an earlier state together with its checkpoints", async () => {
    // What a restore to 01:30 leaves, bundles' record and all: the rest of the log was never there.
    const past = await openLog();
    await past.ingest(randomEvents(randomFrom(30), 30, { tenantIds, receivedAt: new Date() }));
    await past.seal({ now: () => new Date("2026-11-22T01:10:00Z") });
    const present = log;
    log = past;
    try {
      expect(await verdict()).toContain("rolled_back");
      // The sealer notices as well, as soon as it comes to write what is there already.
      const again = await writeBundles(dependencies(new Date("2026-11-22T03:00:01Z")), 100);
      expect([...again.contradicted].sort()).toEqual([...tenantIds].sort());
    } finally {
      log = present;
      await past.close();
    }
  });
});

describe("writeBundles(), where something is under a bundle's name already", () => {
  let log: TestLog;
  let folder: string;
  const now = new Date("2026-11-22T03:00:01Z");
  const [hourBefore, hour] = ["checkpoints/2026-11-22/01.checkpoints", "checkpoints/2026-11-22/02.checkpoints"];
  beforeEach(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-bundles-"));
    await log.ingest(randomEvents(randomFrom(1), 600, { tenantIds: tenantIds.slice(0, 1), receivedAt: new Date() }));
    await log.seal({ now: () => new Date("2026-11-22T01:10:00Z") });
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await log.close();
  });
  const dependencies = (events: unknown[] = []): BundleDependencies => ({
    source: createBundleSource(log.pool, () => {}),
    archive: createFolderStore(folder),
    signer: firstKey.signer,
    logOrigin,
    sha256,
    now: () => now,
    log: ({ event }) => void events.push(event),
    verifierOf: () => Promise.resolve(undefined),
  });
  /** As after a crash that came before the bundles were recorded. */
  const forget = async () => {
    await log.admin.query("alter table audit_log.checkpoint_bundles disable trigger all; truncate audit_log.checkpoint_bundles");
  };

  it("writes a bundle that is only recorded, by somebody who wants none, and says so", async () => {
    await log.admin.query("insert into audit_log.checkpoint_bundles (name) select unnest($1::text[])", [dueBundles(now).map(({ name }) => name)]);
    const events: unknown[] = [];
    expect(await writeBundles(dependencies(events), 100)).toMatchObject({ contradicted: [], foreign: [], missing: [hourBefore, hour] });
    expect(events).toEqual(["checkpoint_bundle.missing"]);
    expect(await createFolderStore(folder).list("checkpoints/")).toEqual([hourBefore, hour]);
    expect(await writeBundles(dependencies(events), 100)).toMatchObject({ written: [], missing: [] });
    // A log without a checkpoint has no bundle to miss.
    const beforeAny = { ...dependencies(events), now: () => new Date("2026-11-22T00:59:59Z") };
    await log.admin.query("insert into audit_log.checkpoint_bundles (name) select unnest($1::text[]) on conflict do nothing", [
      dueBundles(beforeAny.now()).map(({ name }) => name),
    ]);
    expect(await writeBundles(beforeAny, 100)).toMatchObject({ written: [], missing: [] });
    expect(events).toEqual(["checkpoint_bundle.missing"]);
  });

  it("compares with it a log whose tiles have moved to the archive, and finds no contradiction", async () => {
    await writeBundles(dependencies(), 100);
    await forget();
    const archive = createFolderStore(folder);
    const { rows } = await log.admin.query("select tile_index, hashes from audit_log.tiles where level = 0 and octet_length(hashes) = 8192 order by 1");
    expect(rows).toHaveLength(2);
    for (const { tile_index, hashes } of rows) await archive.put(`tiles/${tenantIds[0]}/tile/0/00${tile_index}`, hashes);
    await log.admin.query("alter table audit_log.tiles disable trigger all; delete from audit_log.tiles where level = 0 and octet_length(hashes) = 8192");
    const again = await writeBundles(dependencies(), 100);
    expect(again).toMatchObject({ contradicted: [], foreign: [] });
    expect(again.written).toContain(hour);
  });

  it.each<[string, (bundle: string, older: string) => string]>([
    ["garbage", () => "{"],
    ["nothing", () => ""],
    ["another hour's bundle", (_, older) => older],
    ["the bundle without its checkpoints", (bundle) => bundle.split("\n").slice(0, 1).join("\n")],
    ["the bundle with another signature", (bundle) => bundle.replace(/(\u2014 \S+ .{40})./, (_, start) => `${start}!`)],
  ])("puts the bundle beside %s, and says so", async (_, forge) => {
    await writeBundles(dependencies(), 100);
    const archive = createFolderStore(folder);
    const read = async (key: string) => new TextDecoder().decode(await archive.get(key));
    const [bundle, older] = [await read(hour), await read(hourBefore)];
    await archive.remove(hour);
    await archive.put(hour, new TextEncoder().encode(forge(bundle, older)));
    await forget();
    const events: unknown[] = [];
    expect(await writeBundles(dependencies(events), 100)).toMatchObject({ contradicted: [], foreign: [hour] });
    expect(events).toEqual(["checkpoint_bundle.foreign"]);
    const beside = (await archive.list("checkpoints/")).filter((key) => key.includes("/02-"));
    expect(await Promise.all(beside.map(read))).toEqual([bundle]);
    // And once only.
    await forget();
    await writeBundles(dependencies(), 100);
    expect((await archive.list("checkpoints/")).filter((key) => key.includes("/02-"))).toEqual(beside);
  });
});

describe("openKept()", () => {
  let log: TestLog;
  const folder = mkdtempSync(join(tmpdir(), "audit-bundles-"));
  const hours = ["01", "02"].map((hour) => join(folder, "checkpoints", "2026-11-22", `${hour}.checkpoints`)) as [string, string];
  const bundles: string[] = [];
  beforeAll(async () => {
    log = await openLog();
    for (const [at, hour] of [["2026-11-22T01:10:00Z", "02"], ["2026-11-22T02:10:00Z", "03"]] as const) {
      await log.ingest(randomEvents(randomFrom(Number(hour)), 40, { tenantIds, receivedAt: new Date() }));
      await log.seal({ now: () => new Date(at) });
      const writing = { source: createBundleSource(log.pool, () => {}), archive: createFolderStore(folder), signer: firstKey.signer, logOrigin, sha256 };
      await writeBundles({ ...writing, now: () => new Date(`2026-11-22T${hour}:00:01Z`), log: () => {}, verifierOf: () => Promise.resolve(undefined) }, 100);
    }
    for (const file of hours) bundles.push(readFileSync(file, "utf8"));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.close();
  });
  const opened = async () => await openKept(findKept([], folder), await followRotations([firstKey.verifierKey], []));

  it("gives each checkpoint once", async () => {
    const { expected, faults } = await opened();
    expect([expected.length, new Set(expected).size, faults]).toEqual([4, 4, []]);
  });

  it.each<[string, string, (newest: string, older: string) => string]>([
    ["lacks one", "are not the 2 that were signed", (newest) => newest.trimEnd().split("\n").slice(0, -1).join("\n")],
    ["is another hour's", "its name says 2026-11-22T03:00:00.000Z", (_, older) => older],
    ["has another's signature", "not by a trusted key", (newest, older) => newest.replace(/\\n\u2014.*?"/, older.match(/\\n\u2014.*?"/)?.[0] ?? "")],
    ["is no bundle", "are not JSON", () => "garbage"],
    ["says nothing of itself", "is not a signed note", (newest) => newest.split("\n").slice(1).join("\n")],
  ])("says which bundle %s, and keeps the checkpoints that are good", async (_, fault, change) => {
    const [older = "", newest = ""] = bundles;
    writeFileSync(hours[1], change(newest, older));
    const { expected, faults } = await opened();
    writeFileSync(hours[1], newest);
    expect(faults).toEqual([expect.stringContaining(`bundle ${hours[1]}: `)]);
    expect(faults[0]).toContain(fault);
    expect(expected.length).toBeGreaterThanOrEqual(2);
    expect(await opened()).toMatchObject({ faults: [] });
  });
});

describe("thin()", () => {
  it("keeps one checkpoint an hour after 48 hours, and every younger one", async () => {
    const log = await openLog();
    const hoursAgo = (hours: number, minutes: number) => new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - hours * 3_600_000 + minutes * 60_000);
    const times = [hoursAgo(60, 5), hoursAgo(60, 20), hoursAgo(60, 50), hoursAgo(59, 10), hoursAgo(50, 1), hoursAgo(50, 2), hoursAgo(20, 1), hoursAgo(20, 2)];
    for (const [i, at] of times.entries()) {
      await log.ingest(randomEvents(randomFrom(i + 1), 3, { tenantIds: tenantIds.slice(0, 1), receivedAt: new Date() }));
      await log.seal({ now: () => at });
    }
    const source = createBundleSource(log.pool, () => {});
    expect(await source.thin(hoursAgo(96, 0), 1)).toBe(1);
    expect(await source.thin(hoursAgo(96, 0), 100)).toBe(2);
    expect(await source.thin(hoursAgo(96, 0), 100)).toBe(0);
    const { rows } = await log.admin.query("select size from audit_log.checkpoints order by size");
    expect(rows.map((row) => Number(row.size))).toEqual([9, 12, 18, 21, 24]);

    // Whoever asks, and with every privilege: nothing younger, and not the last of an hour.
    await log.admin.query("grant delete on audit_log.checkpoints to audit_job; set role audit_owner");
    await expect(log.admin.query("delete from audit_log.checkpoints where size = 9")).rejects.toThrow("append-only");
    await expect(log.admin.query("delete from audit_log.checkpoints where size = 21")).rejects.toThrow("append-only");
    await log.admin.query("reset role");
    await log.close();
  });
});

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFolderStore } from "../../adapters/storage/folder-store.ts";
import { archive } from "../../core/archive.ts";
import { archiveFolder } from "../../core/archive-key.ts";
import { openManifest, signManifest } from "../../core/archive-manifest.ts";
import { inclusionProofFromTiles } from "../../core/format/tiles.ts";
import { verifyInclusion } from "../../core/format/merkle-proof.ts";
import { openCheckpoint } from "../../core/format/checkpoint.ts";
import { createProofStore } from "../../adapters/postgres/proof-store.ts";
import { checkDatabase } from "../support/check-log.ts";
import { firstKey, logOrigin, openLog, secondKey, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";
import { archiveAll, archiverOf, bounds, eventsOf, oldDay, tenantIds } from "./archived-log.ts";
import { audit as runAudit } from "./run-audit.ts";

const [tenantId] = tenantIds;
const otherDay = "2026-03-02";

const audit = (...args: readonly string[]) => runAudit("archive", ...args);

/** Every column but seq, which a restored event may have another of. */
const rowsSql = "select to_jsonb(e) - 'seq' as row from audit_log.events as e where tenant_id = $1 order by occurred_at, id";

/** A manifest of `oldDay` as it might have been signed an hour before the one in `folder`: valid, and of fewer events. */
async function olderManifest(folder: string): Promise<Uint8Array> {
  const store = createFolderStore(folder);
  const [key = ""] = (await store.list(archiveFolder(tenantId, oldDay))).filter((name) => name.endsWith(".note"));
  const bytes = await store.get(key) ?? new Uint8Array();
  const { manifest, signedAt } = await openManifest(bytes, { logOrigin, tenantId, day: oldDay, verifiers: [firstKey.signer] });
  const before = new Date(signedAt.getTime() - 3_600_000);
  const files = manifest.files.map((file) => ({ ...file, rows: file.rows - 1 }));
  return await signManifest({ ...manifest, files, rows: manifest.rows - files.length, created_at: before.toISOString() }, logOrigin, firstKey.signer, before);
}

describe("audit archive", () => {
  let log: TestLog;
  let folder: string;
  let rows: unknown[];
  let checkpoint: string;
  const target = () => ["--database", log.database.adminUrl, "--archive", `file:${folder}`, "--key", firstKey.verifierKey];
  const check = async (archive: string) => {
    const args = ["scripts/audit.ts", "verify", "--database", log.database.adminUrl, "--archive", `file:${archive}`, "--key", firstKey.verifierKey, "--json"];
    const run = promisify(execFile)(process.execPath, args, { env: { PATH: process.env["PATH"] ?? "" } });
    return await run.then(
      ({ stdout }) => ({ code: 0, ...JSON.parse(stdout) }),
      (fault: { code: number; stdout: string }) => ({ code: fault.code, ...JSON.parse(fault.stdout) }),
    );
  };
  beforeAll(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    await log.ingest(eventsOf(oldDay, 700));
    await log.ingest(eventsOf(otherDay, 300, 2));
    await log.seal();
    rows = (await log.admin.query(rowsSql, [tenantId])).rows;
    checkpoint = (await log.admin.query("select note from audit_log.checkpoints where tenant_id = $1", [tenantId])).rows[0].note;
    await archiveAll(archiverOf(log, folder));
  });
  afterAll(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("lists what is archived", async () => {
    const { code, answer } = await audit("list", "--database", log.database.adminUrl, "--tenant", tenantId);
    expect(code).toBe(0);
    expect(answer["archives"]).toMatchObject([{ day: oldDay, state: "archived", problem: null }, { day: otherDay, state: "archived" }]);
  });

  it("verifies every archive, and finds each kind of change", async () => {
    expect(await audit("verify", ...target())).toMatchObject({ code: 0, answer: { status: "sound", archives: 4, events: 1000, faults: [] } });
    expect(await audit("verify", ...target().slice(0, -1), secondKey.verifierKey)).toMatchObject({ code: 1, answer: { status: "tampered" } });
    const older = await olderManifest(folder);
    const changed = mkdtempSync(join(tmpdir(), "audit-archive-"));
    const partOf = (day: string, tenant: string = tenantId) => join(changed, `tenant_id=${tenant}`, `date=${day}`);
    const named = (folder: string, ending: string) => join(folder, readdirSync(folder).find((name) => name.endsWith(ending)) ?? "");
    const change = (path: string, to: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array) => writeFileSync(path, to(Uint8Array.from(readFileSync(path))));
    const kinds: readonly (readonly [string, () => void])[] = [
      ["bit flipped", () => change(named(partOf(oldDay), ".parquet"), (bytes) => bytes.with(500, (bytes[500] as number) ^ 4))],
      ["file cut", () => change(named(partOf(oldDay), ".parquet"), (bytes) => bytes.slice(0, -20))],
      ["file removed", () => rmSync(named(partOf(oldDay), ".parquet"))],
      ["files swapped", () => cpSync(named(partOf(otherDay), ".parquet"), named(partOf(oldDay), ".parquet"))],
      ["another tenant's manifest", () => cpSync(named(partOf(oldDay, tenantIds[1]), ".note"), named(partOf(oldDay), ".note"))],
      ["another day's manifest", () => cpSync(named(partOf(otherDay), ".note"), named(partOf(oldDay), ".note"))],
      ["an older manifest of the same day", () => writeFileSync(named(partOf(oldDay), ".note"), older)],
      ["manifest cut", () => change(named(partOf(oldDay), ".note"), (bytes) => bytes.slice(0, -40))],
    ];
    for (const [kind, damage] of kinds) {
      rmSync(changed, { recursive: true, force: true });
      cpSync(folder, changed, { recursive: true });
      damage();
      const options = target().map((value) => value === `file:${folder}` ? `file:${changed}` : value);
      const { code, answer } = await audit("verify", ...options, "--tenant", tenantId);
      expect({ kind, code, status: answer["status"], days: (answer["faults"] as { day: string }[]).map(({ day }) => day) })
        .toEqual({ kind, code: 1, status: "tampered", days: [oldDay] });
    }
    rmSync(changed, { recursive: true, force: true });
  });

  it("is no gap to verify: it reads archived days and moved tiles there, and finds what was changed", async () => {
    await log.ingest(eventsOf("2026-06-14", 50, 7));
    await log.seal();
    expect((await log.admin.query("select min(tile_index)::int as first from audit_log.tiles where tenant_id = $1 and level = 0", [tenantId])).rows[0].first)
      .toBe(1);
    expect(await check(folder)).toMatchObject({ code: 0, status: "sound", events: 1050, unsealed: 0 });
    const changed = mkdtempSync(join(tmpdir(), "audit-archive-"));
    try {
      cpSync(folder, changed, { recursive: true });
      const tile = join(changed, "tiles", tenantId, "tile", "0", "000");
      writeFileSync(tile, Uint8Array.from(readFileSync(tile)).with(40, 1));
      expect(await check(changed)).toMatchObject({ code: 1, status: "tampered" });
      expect(await check(join(changed, "nowhere"))).toMatchObject({ code: "archive_not_found", status: "unchecked" });
    } finally {
      rmSync(changed, { recursive: true, force: true });
    }
  });

  it("restores into an empty database: the same rows, and a tree whose proofs are valid against the old checkpoint", async () => {
    const empty = await openLog();
    try {
      const where = ["--database", empty.database.adminUrl, ...target().slice(2)];
      // Of two that are signed the newer one counts: this one knows of fewer events.
      writeFileSync(join(folder, `tenant_id=${tenantId}`, `date=${oldDay}`, "manifest-0000000000000000.note"), await olderManifest(folder));
      const { code, answer } = await audit("restore", ...where, "--tenant", tenantId, "--from", "2026-02-27", "--to", "2026-03-03");
      expect({ code, ...answer }).toMatchObject({ code: 0, days: [{ day: oldDay, outcome: "restored" }, { day: otherDay, outcome: "restored" }] });
      expect((await empty.admin.query(rowsSql, [tenantId])).rows).toEqual(rows);
      expect(answer["tree_size"]).toBe(rows.length);
      const { size, root } = await openCheckpoint(checkpoint, firstKey.signer);
      const store = createProofStore(async <Row>(text: string, values: readonly unknown[]) => (await empty.pool.query(text, [...values])).rows as Row[]);
      const { rows: leaves } = await empty.pool.query("select seq, leaf_hash from audit_log.events where tenant_id = $1 order by seq", [tenantId]);
      for (const index of [0, 1, 255, 256, size - 1]) {
        const proof = await inclusionProofFromTiles(sha256, (wanted) => store.tiles(tenantId, wanted), index, size);
        expect(verifyInclusion(sha256, { leafHash: leaves[index].leaf_hash, index, size, root }, proof)).toBe(true);
      }
      // What was restored is closed, and stays as it was when the sealer and the archiver run there.
      await empty.ingest(eventsOf("2026-06-14", 10, 9, [tenantId]));
      await empty.seal();
      await archive(archiverOf(empty, folder), bounds);
      expect((await empty.admin.query(`${rowsSql} limit 700`, [tenantId])).rows.slice(0, rows.length)).toEqual(rows);
      expect(await checkDatabase(empty.database.adminUrl)).toMatchObject({ sound: true });
    } finally {
      await empty.close();
    }
  });

  it("says of which days there are files and no signed manifest, instead of passing over them", async () => {
    const empty = await openLog();
    const changed = mkdtempSync(join(tmpdir(), "audit-archive-"));
    try {
      cpSync(folder, changed, { recursive: true });
      const day = join(changed, `tenant_id=${tenantId}`, `date=${oldDay}`);
      for (const name of readdirSync(day)) if (name.endsWith(".note")) rmSync(join(day, name));
      const where = ["--database", empty.database.adminUrl, "--archive", `file:${changed}`, "--key", firstKey.verifierKey];
      const { code, answer } = await audit("restore", ...where, "--tenant", tenantId, "--from", "2026-02-27", "--to", "2026-03-03");
      expect({ code, ...answer }).toMatchObject({ code: 1, days: [{ day: oldDay, outcome: "no_manifest" }, { day: otherDay, outcome: "restored" }] });
    } finally {
      rmSync(changed, { recursive: true, force: true });
      await empty.close();
    }
  });

  it("restores into the database that it left, once", async () => {
    const options = [...target(), "--tenant", tenantId, "--from", oldDay, "--to", oldDay];
    const { code, answer } = await audit("restore", ...options);
    expect({ code, answer }).toMatchObject({ code: 0, answer: { days: [{ day: oldDay, outcome: "restored" }] } });
    const ofOldDay = (row: unknown) => (row as { row: { occurred_at: string } }).row.occurred_at.startsWith(oldDay);
    const back = (await log.admin.query(rowsSql, [tenantId])).rows.filter(ofOldDay);
    expect(back).toEqual(rows.filter(ofOldDay));
    expect((await log.admin.query("select state from audit_log.archives where tenant_id = $1 order by day", [tenantId])).rows)
      .toEqual([{ state: "restored" }, { state: "archived" }]);
    // Again: it is there, and stays as it is.
    expect(await audit("restore", ...options)).toMatchObject({ code: 0, answer: { days: [{ outcome: "restored" }] } });
    expect((await log.admin.query(rowsSql, [tenantId])).rows.filter(ofOldDay)).toEqual(back);
    expect(await check(folder)).toMatchObject({ code: 0, status: "sound", events: 1050 });
  });
});

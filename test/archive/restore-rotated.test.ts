import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBundleSource } from "../../adapters/postgres/bundle-source.ts";
import { createFolderStore } from "../../adapters/storage/folder-store.ts";
import { writeBundles } from "../../core/checkpoint-bundle.ts";
import { makeSigningKey } from "../../core/format/signed-note.ts";
import { announceRotation } from "../../scripts/audit/keys.ts";
import { firstKey, logOrigin, openLog, secondKey, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";
import { archiveAll, archiverOf, eventsOf, oldDay, tenantIds } from "./archived-log.ts";
import { audit } from "./run-audit.ts";

const [tenantId] = tenantIds;
const nextDay = "2026-03-02";

describe("the archive of a log that has handed over to another key", () => {
  let log: TestLog;
  let folder: string;
  let statement: string;
  const from = (database: TestLog, archive = folder) => ["--database", database.database.adminUrl, "--archive", `file:${archive}`];
  const range = ["--tenant", tenantId, "--from", oldDay, "--to", nextDay];
  beforeAll(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-rotated-"));
    await log.ingest(eventsOf(oldDay, 300, 1, [tenantId]));
    await log.ingest(eventsOf(nextDay, 200, 2, [tenantId]));
    await log.seal({ now: () => new Date(Date.now() - 60_000) });
    await archiveAll(archiverOf(log, folder));
    statement = join(folder, "..", `rotation-${process.pid}.txt`);
    const rotation = await announceRotation(log.database.url, logOrigin, firstKey.signer, secondKey.signer, new Date(Date.now() - 1000));
    writeFileSync(statement, rotation.statement);
  });
  afterAll(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(statement, { force: true });
  });

  const restored = async (keys: readonly string[], work: (empty: TestLog, outcome: Awaited<ReturnType<typeof audit>>) => Promise<void>) => {
    const empty = await openLog();
    try {
      await work(empty, await audit("archive", "restore", ...from(empty), ...keys, ...range));
    } finally {
      await empty.close();
    }
  };

  /** The new key seals on, and the log is sound to whoever trusts it. */
  const goesOn = async (empty: TestLog) => {
    await empty.ingest(eventsOf("2026-06-14", 10, 3, [tenantId]));
    expect(await empty.seal({ signer: secondKey.signer })).toMatchObject({ sealed: 10, tree_problems: 0 });
    expect(await audit("verify", ...from(empty), "--key", secondKey.verifierKey)).toMatchObject({ code: 0, answer: { status: "sound", events: 510 } });
  };

  it("is restored into an empty database: the old key is trusted by the statement of both, its checkpoint stays its own, and the new key goes on", async () => {
    await restored(["--key", secondKey.verifierKey, "--rotation", statement], async (empty, { code, answer }) => {
      expect({ code, ...answer }).toMatchObject({ code: 0, tree_size: 500, days: [{ outcome: "restored" }, { outcome: "restored" }] });
      const { rows } = await empty.admin.query("select verifier_key, size::int from audit_log.checkpoints");
      expect(rows).toEqual([{ verifier_key: firstKey.verifierKey, size: 500 }]);
      await goesOn(empty);
    });
  });

  it("takes the statements out of a bundle of checkpoints", async () => {
    await log.seal({ signer: secondKey.signer });
    const bundles = mkdtempSync(join(tmpdir(), "audit-bundles-"));
    try {
      const now = () => new Date(Date.now() + 3_600_000);
      const source = createBundleSource(log.pool, () => {});
      const dependencies = { source, archive: createFolderStore(bundles), signer: secondKey.signer, logOrigin, sha256, now, log: () => {} };
      const { written } = await writeBundles({ ...dependencies, verifierOf: () => Promise.resolve(undefined) }, 100);
      const bundle = join(bundles, written.at(-1) ?? "");
      await restored(["--key", secondKey.verifierKey, "--rotation", bundle], async (empty, { code, answer }) => {
        expect({ code, ...answer }).toMatchObject({ code: 0, tree_size: 500 });
        await goesOn(empty);
      });
    } finally {
      rmSync(bundles, { recursive: true, force: true });
    }
  });

  it("believes no manifest of the old key without the statement", async () => {
    await restored(["--key", secondKey.verifierKey], async (empty, { code, answer }) => {
      expect({ code, ...answer }).toMatchObject({ code: 1, tree_size: null, days: [{ outcome: "no_manifest" }, { outcome: "no_manifest" }] });
      expect((await empty.admin.query("select from audit_log.events")).rows).toEqual([]);
    });
  });

  it("refuses a file that is no statement, and says which", async () => {
    writeFileSync(`${statement}.bad`, secondKey.verifierKey);
    try {
      await restored(["--key", secondKey.verifierKey, "--rotation", `${statement}.bad`], (_, { code, answer }) => {
        expect({ code, answer }).toMatchObject({ code: 2, answer: { code: "bad_rotation", message: expect.stringContaining(`${statement}.bad`) } });
        return Promise.resolve();
      });
    } finally {
      rmSync(`${statement}.bad`);
    }
  });

  it("rebuilds no tree in a database of another key, says so, and the events are there", async () => {
    const other = await openLog();
    try {
      await other.ingest(eventsOf("2026-06-14", 10, 4, [tenantIds[1]]));
      await other.seal({ signer: secondKey.signer });
      const { code, answer } = await audit("archive", "restore", ...from(other), "--key", firstKey.verifierKey, ...range);
      expect({ code, ...answer }).toMatchObject({
        code: 1,
        tree_size: null,
        tree_problem: "unknown_key",
        days: [{ outcome: "restored" }, { outcome: "restored" }],
      });
    } finally {
      await other.close();
    }
  });

  it("is no gap to verify, from whichever key: archives stand under the key of their time", async () => {
    await log.ingest(eventsOf("2026-03-03", 100, 5, [tenantId]));
    await log.seal({ signer: secondKey.signer });
    await archiveAll(archiverOf(log, folder, { signer: secondKey.signer }));
    for (const { verifierKey } of [firstKey, secondKey]) {
      expect(await audit("verify", ...from(log), "--key", verifierKey)).toMatchObject({ code: 0, answer: { status: "sound", events: 600 } });
    }
    const stranger = (await makeSigningKey(logOrigin, new Uint8Array(32).fill(3))).verifierKey;
    expect(await audit("verify", ...from(log), "--key", stranger)).toMatchObject({ code: 1, answer: { status: "tampered" } });
  });

  it("rebuilds no tree where the database would not learn of every key, and takes the statements afterwards", async () => {
    const throughBoth = ["--tenant", tenantId, "--from", oldDay, "--to", "2026-03-03"];
    const keys = ["--key", firstKey.verifierKey, "--key", secondKey.verifierKey];
    const unknown = { code: 1, answer: { tree_size: null, tree_problem: "unknown_key" } };
    const empty = await openLog();
    try {
      expect(await audit("archive", "restore", ...from(empty), ...keys, ...throughBoth)).toMatchObject(unknown);
      expect(await audit("archive", "restore", ...from(empty), ...keys, "--rotation", statement, ...throughBoth)).toMatchObject({
        code: 0,
        answer: { tree_size: 600 },
      });
    } finally {
      await empty.close();
    }
    const sealed = await openLog();
    try {
      await sealed.seal({ signer: secondKey.signer });
      expect(await audit("archive", "restore", ...from(sealed), ...keys, "--rotation", statement, ...throughBoth)).toMatchObject(unknown);
    } finally {
      await sealed.close();
    }
  });

  it("restores what it can: a day whose object is gone or whose time was over keeps no other back", async () => {
    const day = join(folder, `tenant_id=${tenantId}`, `date=${oldDay}`);
    const [file = ""] = readdirSync(day).filter((name) => name.endsWith(".parquet"));
    renameSync(join(day, file), join(day, `${file}.away`));
    const keys = ["--key", firstKey.verifierKey, "--rotation", statement];
    try {
      await restored(keys, (_, { code, answer }) => {
        const problem = expect.stringContaining("it is not there");
        expect({ code, ...answer }).toMatchObject({
          code: 1,
          tree_problem: "incomplete",
          days: [{ outcome: "unreadable", problem }, { outcome: "restored" }],
        });
        return Promise.resolve();
      });
    } finally {
      renameSync(join(day, `${file}.away`), join(day, file));
    }
    await log.admin.query("update audit_log.archives set state = 'deleted' where day = $1", [oldDay]);
    const { code, answer } = await audit("archive", "restore", ...from(log), ...keys, ...range);
    expect({ code, ...answer }).toMatchObject({ code: 1, days: [{ day: oldDay, outcome: "deleted" }, { day: nextDay, outcome: "restored" }] });
    await log.admin.query("delete from audit_log.archive_files where day = $1", [oldDay]);
    await log.admin.query("delete from audit_log.archives where day = $1", [oldDay]);
    const again = await audit("archive", "restore", ...from(log), ...keys, ...range);
    expect(again).toMatchObject({ code: 1, answer: { days: [{ day: oldDay, outcome: "not_in_catalogue" }, { day: nextDay, outcome: "restored" }] } });
  });
});

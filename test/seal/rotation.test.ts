import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { originOf, signCheckpoint } from "../../core/format/checkpoint.ts";
import { makeSigningKey, parseSigningKey } from "../../core/format/signed-note.ts";
import { signKeyRotation } from "../../core/format/key-rotation.ts";
import { openDatabaseLog } from "../../scripts/audit/database-source.ts";
import { announceRotation } from "../../scripts/audit/keys.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import type { LogReport } from "../../verify/report.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, openLog, secondKey, type TestLog } from "../support/sealed-log.ts";

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"] as const;
const thirdKey = await makeSigningKey(logOrigin, new Uint8Array(32).fill(3));
const thirdSigner = await parseSigningKey(thirdKey.signingKey);

describe("rotation of the signing key", () => {
  let log: TestLog;
  /** Before the first key retires, a second ago. */
  const earlier = () => new Date(Date.now() - 60_000);
  const ingest = (seed: number, tenants: readonly string[]) => log.ingest(randomEvents(randomFrom(seed), 20, { tenantIds: tenants, receivedAt: new Date() }));
  const check = async (key: string, statements: readonly string[] = []): Promise<LogReport> => {
    const source = await openDatabaseLog(log.database.adminUrl);
    const ring = await followRotations([key], [...source.rotations, ...statements]);
    return await verifyLog(source, { ring }).finally(() => source.close());
  };
  beforeAll(async () => {
    log = await openLog();
    await ingest(1, tenantIds);
    await log.seal({ now: earlier });
  });
  afterAll(() => log.close());

  it("is needed: a key that nobody announced may not sign", async () => {
    await ingest(2, [tenantIds[0]]);
    await expect(log.seal({ signer: secondKey.signer })).rejects.toThrow("not announced here");
    expect(await log.seal({ now: earlier })).toMatchObject({ sealed: 20 });
  });

  it("lets the new key go on from the old one's trees, and signs those again that had no new event", async () => {
    await expect(announceRotation(log.database.url, logOrigin, firstKey.signer, secondKey.signer, new Date(Date.now() - 120_000))).rejects.toThrow(
      "signed since",
    );
    await announceRotation(log.database.url, logOrigin, firstKey.signer, secondKey.signer, new Date(Date.now() - 1000));
    await expect(log.seal()).rejects.toThrow("retired");
    await ingest(3, [tenantIds[0]]);
    const next = await log.seal({ signer: secondKey.signer });
    expect(next).toMatchObject({ sealed: 20, tree_problems: 0 });
    // Three when another transaction in the cluster keeps the new events shut for a moment: both trees are signed again first, and then one grows.
    expect([2, 3]).toContain(next.checkpoints);
    expect(await log.seal({ signer: secondKey.signer })).toMatchObject({ sealed: 0, checkpoints: 0 });
  });

  it("is followed from either key, and from no other", async () => {
    expect(await check(firstKey.verifierKey)).toMatchObject({ sound: true });
    expect(await check(secondKey.verifierKey)).toMatchObject({ sound: true });
    const stranger = await check(thirdKey.verifierKey);
    expect(stranger.findings.every((finding) => finding.kind === "checkpoint_invalid" || finding.kind === "tree_changed")).toBe(true);
    expect(stranger.sound).toBe(false);
  });

  it("refuses what the retired key signs after its retirement, and what it dates back", async () => {
    const { rows: [tree] } = await log.admin.query("select size, root from audit_log.tree_state where tenant_id = $1", [tenantIds[0]]);
    const origin = originOf(logOrigin, tenantIds[0]);
    const add = (note: string, size: number) =>
      log.admin.query(
        "insert into audit_log.checkpoints (tenant_id, size, signed_at, verifier_key, root, note) values ($1, $2, now(), $3, $4, $5)",
        [tenantIds[0], size, firstKey.verifierKey, tree.root, note],
      );
    const remove = (size: number) =>
      log.admin.query(
        `alter table audit_log.checkpoints disable trigger all; delete from audit_log.checkpoints where size = ${size} and verifier_key = '${firstKey.verifierKey}'`,
      );
    const size = Number(tree.size);
    await add(await signCheckpoint({ origin, size, root: tree.root }, firstKey.signer, new Date(Date.now() + 5000)), size);
    const late = await check(secondKey.verifierKey);
    expect(late.findings).toMatchObject([{ kind: "checkpoint_invalid", tenant_id: tenantIds[0] }]);
    expect(late.findings[0]?.message).toContain("retired at");
    await remove(size);
    await add(await signCheckpoint({ origin, size, root: tree.root }, firstKey.signer, new Date(Date.now() - 3_600_000)), size);
    expect((await check(secondKey.verifierKey)).findings.map((finding) => finding.message).join()).toContain("before the smaller one");
    await remove(size);
    expect(await check(secondKey.verifierKey)).toMatchObject({ sound: true });
  });

  it("counts neither successor of a key that hands over twice", async () => {
    const forked = await signKeyRotation(logOrigin, firstKey.signer, thirdSigner, new Date());
    const report = await check(firstKey.verifierKey, [forked]);
    expect(report.sound).toBe(false);
    expect(report.findings.map((finding) => finding.kind)).toContain("key_invalid");
    await expect(announceRotation(log.database.url, logOrigin, firstKey.signer, thirdSigner, new Date())).rejects.toThrow("not in use");
  });

  it("leaves a tree alone whose last checkpoint is by a key that did not hand over", async () => {
    // As a superuser who wants his own key to be taken for the log's.
    await log.admin.query("insert into audit_log.signing_keys (verifier_key, log_origin) values ($1, $2)", [thirdKey.verifierKey, logOrigin]);
    await ingest(4, tenantIds);
    const report = await log.seal({ signer: thirdSigner });
    expect(report).toMatchObject({ sealed: 0, tree_problems: 2 });
  });
});

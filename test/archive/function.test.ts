import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ArchiverSummary } from "../../core/archive.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { startStorageDouble, type StorageDouble, storageSecretKey } from "../support/storage-double.ts";
import { publishableKey, secretKey, signToken, testEnvironment } from "../support/tokens.ts";
import { archiverOf, eventsOf, tenantIds } from "./archived-log.ts";
import { everything } from "./everything.ts";
import { createSupabaseStore } from "../../adapters/storage/supabase-store.ts";

const days = ["2026-01-01", "2026-01-02", "2026-01-03"];
const bucket = "audit-archive";
/** Far more calls than the work has pieces: one may have no time for more than one piece where other programs have the processors. */
const roundsMax = 300;

describe("audit-retention", () => {
  let log: TestLog;
  let folder: string;
  let all: string[];
  const running: TestFunction[] = [];
  const start = async (change: Record<string, string> = {}, denoVersion: "2.9" | "2.1.4" = "2.9") => {
    const env = { ...testEnvironment(log.database), AUDIT_SIGNING_KEY: firstKey.signingKey, AUDIT_LOG_ORIGIN: logOrigin, AUDIT_ARCHIVE_URL: `file:${folder}` };
    const started = await startFunction("audit-retention", { env: { ...env, ...change }, denoVersion, writableFolders: [folder] });
    running.push(started);
    return started;
  };
  const call = async (of: TestFunction, key = secretKey): Promise<ArchiverSummary | undefined> =>
    await fetch(of.url, { method: "POST", headers: { apikey: key } }).then((answer) => answer.json() as Promise<ArchiverSummary>, () => undefined);
  const daysLeft = async () => (await log.admin.query("select count(*)::int as left from audit_log.archive_days where state <> 'dropped'")).rows[0].left;
  beforeEach(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    for (const [at, day] of days.entries()) await log.ingest(eventsOf(day, 400, at + 1));
    await log.seal();
    all = await everything(log, archiverOf(log, folder).archive);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.stop()));
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("refuses everybody without a secret key, and closes no day for them", async () => {
    const { url } = await start();
    const token = await signToken({ app_metadata: { tenant_ids: tenantIds, audit_role: "admin" } });
    const answers = await Promise.all([
      fetch(url, { method: "POST" }),
      fetch(url, { method: "POST", headers: { apikey: publishableKey } }),
      fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` } }),
      fetch(url, { headers: { apikey: secretKey } }),
    ]);
    expect(answers.map((answer) => answer.status)).toEqual([401, 401, 403, 405]);
    expect((await log.admin.query("select from audit_log.closed_days")).rowCount).toBe(0);
  });

  it("lets twenty at once share the work, each file being written once", async () => {
    // A connection for each call: who waits too long for one is told to come again, and what that call had written is in no summary.
    const [one, other] = await Promise.all([start({ AUDIT_DATABASE_POOL_SIZE: "10" }), start({ AUDIT_DATABASE_POOL_SIZE: "10" })]);
    let written = 0;
    for (let round = 0; round < roundsMax && (round === 0 || await daysLeft() > 0); round++) {
      const summaries = await Promise.all(Array.from({ length: 20 }, (_, at) => call(at % 2 === 0 ? one : other)));
      for (const summary of summaries) {
        expect(summary, one.stderr() + other.stderr()).toMatchObject({ failed: 0, differing: [] });
        written += summary?.written ?? 0;
      }
      expect(await everything(log, archiverOf(log, folder).archive)).toEqual(all);
    }
    expect({ left: await daysLeft(), written }).toEqual({ left: 0, written: days.length * tenantIds.length });
  });

  it("loses and doubles nothing when it is killed at any moment", async () => {
    const random = randomFrom(11);
    for (let kills = 0; kills < 5; kills++) {
      const victim = await start();
      const answer = call(victim);
      await new Promise((resolve) => setTimeout(resolve, random() * 250));
      victim.kill("SIGKILL");
      await answer;
      // Nobody waits five minutes for the leases of the dead.
      await log.admin.query(
        "update audit_log.archive_files set leased_until = now(); update audit_log.archives set leased_until = now() where lease is not null",
      );
      expect(await everything(log, archiverOf(log, folder).archive)).toEqual(all);
    }
    const survivor = await start();
    for (let round = 0; round < roundsMax && (round === 0 || await daysLeft() > 0); round++) await call(survivor);
    expect(await daysLeft()).toBe(0);
    expect(await everything(log, archiverOf(log, folder).archive)).toEqual(all);
  });

  it.each(["2.9", "2.1.4"] as const)("archives into a bucket of Supabase Storage, on Deno %s, and drops nothing while it refuses", async (version) => {
    const storage: StorageDouble = await startStorageDouble(bucket);
    try {
      const worker = await start(
        { SUPABASE_URL: storage.url, SUPABASE_SECRET_KEYS: JSON.stringify({ default: storageSecretKey }), AUDIT_ARCHIVE_URL: `supabase:${bucket}` },
        version,
      );
      storage.faults.upload.push("refuse", "break");
      const first = await call(worker, storageSecretKey);
      expect(first?.failed).toBeGreaterThanOrEqual(1);
      for (let round = 0; round < roundsMax && (round === 0 || await daysLeft() > 0); round++) {
        await log.admin.query("update audit_log.archive_files set retry_at = null");
        await call(worker, storageSecretKey);
      }
      expect(await daysLeft()).toBe(0);
      expect(await everything(log, createSupabaseStore({ url: storage.url, secretKey: storageSecretKey, bucket }))).toEqual(all);
    } finally {
      await storage.stop();
    }
  });
});

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkDatabase } from "../support/check-log.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { publishableKey, secretKey, signToken, testEnvironment } from "../support/tokens.ts";

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"];

describe("audit-sealer", () => {
  let log: TestLog;
  let sealer: TestFunction;
  const start = (denoVersion: "2.9" | "2.1.4" = "2.9") => {
    const env = { ...testEnvironment(log.database), AUDIT_SIGNING_KEY: firstKey.signingKey, AUDIT_LOG_ORIGIN: logOrigin };
    return startFunction("audit-sealer", { env, denoVersion });
  };
  const call = (headers: Record<string, string> = { apikey: secretKey }, method = "POST") => fetch(sealer.url, { method, headers });
  beforeEach(async () => void (log = await openLog()));
  afterEach(async () => {
    await sealer.stop();
    await log.close();
  });

  it.each(["2.9", "2.1.4"] as const)("seals for a POST with a secret key and says what it did, on Deno %s", async (version) => {
    sealer = await start(version);
    await log.ingest(randomEvents(randomFrom(1), 700, { tenantIds }));
    // Transactions that other tests have open in the same cluster keep the gate shut for a while.
    let answer = { status: "waiting", sealed: 0 };
    while (answer.status === "waiting" && answer.sealed === 0) {
      const response = await call();
      expect(response.status).toBe(200);
      answer = await response.json();
    }
    expect(answer).toMatchObject({ sealed: 700, checkpoints: 2, problems: 0, tree_problems: 0 });
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 700, unsealed: 0 });
  });

  it("refuses everybody else", async () => {
    sealer = await start();
    const token = await signToken({ app_metadata: { tenant_ids: tenantIds, audit_role: "admin" } });
    const answers = [
      await call({}),
      await call({ apikey: publishableKey }),
      await call({ apikey: `${secretKey}x` }),
      await call({ authorization: `Bearer ${token}`, apikey: secretKey }),
      await call({ apikey: secretKey }, "GET"),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401, 403, 405]);
    expect((await log.admin.query("select from audit_log.signing_keys")).rowCount).toBe(0);
  });

  it("loses nothing and doubles nothing when it is killed at any moment, with two of them at work", async () => {
    await log.ingest(randomEvents(randomFrom(2), 12_000, { tenantIds }), 1000);
    const random = randomFrom(7);
    let kills = 0;
    for (let isDone = false; !isDone;) {
      const [one, other] = await Promise.all([start(), start()]);
      sealer = one;
      const answers = [one, other].map((process) =>
        fetch(process.url, { method: "POST", headers: { apikey: secretKey } }).then((answer) => answer.json(), () => undefined)
      );
      if (kills < 4) {
        await new Promise((resolve) => setTimeout(resolve, 20 + random() * 250));
        one.kill("SIGKILL");
        kills++;
      }
      const summaries = await Promise.all(answers);
      isDone = kills >= 4 && summaries.some((summary) => summary?.status === "done");
      await Promise.all([one.stop(), other.stop()]);
    }
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 12_000, unsealed: 0 });
  });
});

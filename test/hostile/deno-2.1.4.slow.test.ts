import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costlyBodies } from "../support/nasties-costly.ts";
import { seedFor } from "../support/payloads-seed.ts";
import { type Door, openDoor, tenantA } from "./door.ts";
import { fuzz, judgeRows } from "./fuzz.ts";
import { modelRuns } from "./model.ts";
import { describeNasties } from "./nasties.suite.ts";

describeNasties("2.1.4");

describe("audit-logger on Deno 2.1.4, which hosted Edge Functions are compatible with", () => {
  let door: Door;
  beforeAll(async () => {
    door = await openDoor({ denoVersion: "2.1.4" });
  });
  afterAll(() => door.close());

  it("answers 20,000 payloads as the format's page says, and stores what was sent", { timeout: 300_000 }, async () => {
    const report = await fuzz(door, seedFor("payloads on Deno 2.1.4"), 15_000, 5_000);
    expect(await judgeRows(door.database.adminUrl, report.contents)).toBe(report.accepted);
    expect(await door.prototypesUnchanged()).toBe(true);
    console.info(`payloads on Deno 2.1.4: ${report.accepted} stored, memory ${door.memory().peakMiB.toFixed(0)} MiB at most`);
    expect(door.memory().peakMiB).toBeLessThan(256);
  });

  it("does not diverge from the model in 500 runs", { timeout: 300_000 }, async () => {
    expect(await modelRuns(door, seedFor("model on Deno 2.1.4"), 500)).toBeGreaterThan(1_000);
  });

  it("answers the costliest bodies", { timeout: 300_000 }, async () => {
    for (const [name, body] of costlyBodies(tenantA)) expect([201, 207, 413, 422], name).toContain((await door.post(body)).status);
  });
});

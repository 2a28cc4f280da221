import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { type Door, openDoor } from "./door.ts";
import { fuzz, judgeRows } from "./fuzz.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe("audit-logger under generated payloads", () => {
  it("answers 20,000 of them without a 5xx, stores what is valid and refuses what is not", { timeout: 600_000 }, async () => {
    const report = await fuzz(door, seedFor("payloads"), 15_000, 5_000);
    console.info(`payloads: ${report.events} events, ${report.bodies} bodies, ${report.accepted} stored, statuses ${JSON.stringify([...report.statuses])}`);
    expect(await judgeRows(door.database.adminUrl, report.contents)).toBe(report.accepted);
    expect(report.accepted).toBeGreaterThan(5_000);
    expect(await door.prototypesUnchanged()).toBe(true);
    const memory = door.memory();
    console.info(`payloads: memory ${memory.nowMiB.toFixed(0)} MiB now, ${memory.peakMiB.toFixed(0)} MiB at most`);
    expect(memory.peakMiB).toBeLessThan(256);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { type Door, openDoor } from "./door.ts";
import { fuzz, judgeRows } from "./fuzz.ts";
import { poisonAt } from "./poison.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe("audit-logger under generated payloads, all of them", () => {
  it("answers 200,000 without a 5xx, stores what is valid and refuses what is not", { timeout: 1_800_000 }, async () => {
    const report = await fuzz(door, seedFor("200,000 payloads"), 150_000, 50_000);
    const memory = door.memory();
    console.info(`payloads: ${report.events} events, ${report.bodies} bodies, ${report.accepted} stored, statuses ${JSON.stringify([...report.statuses])}`);
    console.info(`payloads: memory ${memory.nowMiB.toFixed(0)} MiB now, ${memory.peakMiB.toFixed(0)} MiB at most`);
    expect(await judgeRows(door.database.adminUrl, report.contents)).toBe(report.accepted);
    expect(await door.prototypesUnchanged()).toBe(true);
    expect(memory.peakMiB).toBeLessThan(256);
  });

  it("lets one poisoned event cost only itself at each of the 1000 positions of a batch", { timeout: 1_800_000 }, async () => {
    for (let position = 0; position < 1000; position++) await poisonAt(door, position);
  });
});

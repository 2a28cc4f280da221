import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedFor } from "../support/payloads-seed.ts";
import { type Door, openDoor } from "./door.ts";
import { modelRuns } from "./model.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe("audit-logger and a model of it", () => {
  it("do not diverge in 500 runs of send, retry, alter, replay, race and midnight", { timeout: 600_000 }, async () => {
    const batches = await modelRuns(door, seedFor("model"), 500);
    console.info(`model: 500 runs, ${batches} batches that were stored or refused as predicted`);
    expect(batches).toBeGreaterThan(1_000);
  });

  it.each<[string, (body: string) => string]>([
    ["gives every event a new id", (body) => body.replaceAll(/"id":"[^"]+","occurred_at"/g, '"occurred_at"')],
    ["changes what it stores", (body) => body.replace('"model.sent"', '"model.lost"')],
    ["takes another time for the event's", (body) => body.replaceAll('.000Z"', '.001Z"')],
  ])("diverge when a door %s", async (_fault, spoil) => {
    const spoiled: Door = { ...door, post: (body, headers) => door.post(spoil(String(body)), headers) };
    await expect(modelRuns(spoiled, 1, 20, 6)).rejects.toThrow();
  });
});

import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStoredRows } from "../support/history-rows.ts";
import { randomOf, seedFor } from "../support/payloads-seed.ts";
import { type Door, openDoor } from "./door.ts";
import { emptyModel, type Model, modelCommands } from "./model.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe("audit-logger and a model of it", () => {
  it("do not diverge in 500 runs of send, retry, alter, replay, race and midnight", { timeout: 180_000 }, async () => {
    const seed = seedFor("model");
    let [runs, commands] = [0, 0];
    const property = fc.asyncProperty(modelCommands(12), async (sequence) => {
      const model = emptyModel();
      const midnightMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
      const real = { door, tenantId: randomUUID(), random: randomOf(seed + runs), midnightMs };
      await fc.asyncModelRun(() => ({ model, real }), sequence);
      await compareRows(model, real.tenantId);
      runs++;
      commands += model.sent.length + model.keys.size;
    });
    await fc.assert(property, { seed, numRuns: 500, endOnFailure: false });
    console.info(`model: ${runs} runs, ${commands} batches that were stored or refused as predicted`);
    expect(runs).toBe(500);
  });

  it("diverge when a door gives every event a new id, and when it answers without storing", async () => {
    const doors: Door["post"][] = [
      (body, headers) => door.post(String(body).replaceAll(/"id":"[^"]+","occurred_at"/g, '"occurred_at"'), headers),
      (body, headers) => door.post(String(body).replace('"model.sent"', '"model.lost"'), headers),
    ];
    for (const post of doors) {
      const real = { door: { ...door, post }, tenantId: randomUUID(), random: randomOf(1), midnightMs: Math.floor(Date.now() / 86_400_000) * 86_400_000 };
      const property = fc.asyncProperty(modelCommands(6), async (sequence) => {
        const model = emptyModel();
        real.tenantId = randomUUID();
        await fc.asyncModelRun(() => ({ model, real }), sequence);
        await compareRows(model, real.tenantId);
      });
      await expect(fc.assert(property, { seed: 1, numRuns: 20, endOnFailure: true })).rejects.toThrow();
    }
  });
});

/** Exactly the model's events are in the tenant, with the content that came first. */
async function compareRows(model: Model, tenantId: string): Promise<void> {
  const rows = await readStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`);
  const keyed = rows.filter((row) => row["event_type"] === "model.keyed");
  const sent = rows.filter((row) => row["event_type"] === "model.sent").map((row) => `${row["id"]} ${Date.parse(`${row["occurred_at"]}`)} ${row["message"]}`);
  const expected = [...model.stored.values()].map((event) => `${event.id} ${Date.parse(event.occurred_at)} ${event.message}`);
  expect(sent.sort()).toEqual(expected.sort());
  expect(keyed).toHaveLength(model.anonymous);
}

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countStoredRows } from "../support/history-rows.ts";
import { makeId } from "../support/load-client.ts";
import { type Door, openDoor } from "./door.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

/** A batch of 1000 events, nearly as large as a body may be. */
function largeBatch(tenantId: string): string {
  const nowMs = Date.now();
  const events = Array.from({ length: 1000 }, (_, n) => ({
    id: makeId(nowMs - n, Math.random),
    tenant_id: tenantId,
    event_type: "storm.sent",
    message: "x".repeat(3_500),
  }));
  return JSON.stringify({ events });
}

describe("60 clients with batches of 3.6 MB at once", () => {
  it("are told 503 where there is no room, all get in by trying again, and memory does not grow with their number", async () => {
    const tenantId = randomUUID();
    const statuses = new Map<number, number>();
    await Promise.all(Array.from({ length: 60 }, async (_, client) => {
      const body = client < 12 ? largeBatch(tenantId) : largeBatch(tenantId).replaceAll("storm.sent", "storm sent");
      for (;;) {
        const answer = await door.post(body);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status !== 503) return;
        expect(answer.headers.get("retry-after")).toBe("1");
        await new Promise((resolve) => setTimeout(resolve, 200 + 50 * client));
      }
    }));
    const { peakMiB } = door.memory();
    console.info(`storm: statuses ${JSON.stringify([...statuses])}, memory ${peakMiB.toFixed(0)} MiB at most`);
    expect([...statuses.keys()].sort()).toEqual([201, 422, 503]);
    expect([statuses.get(201), statuses.get(422)]).toEqual([12, 48]);
    expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(12_000);
    expect(peakMiB).toBeLessThan(350);
  });
});

describe("300 clients with small batches at once", () => {
  it("all get in", async () => {
    const tenantId = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => door.post(JSON.stringify({ events: [{ tenant_id: tenantId, event_type: "storm.small" }] }))),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
    expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(300);
  });
});

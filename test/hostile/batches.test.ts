import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countStoredRows, readStoredRows } from "../support/history-rows.ts";
import { makeId } from "../support/load-client.ts";
import { randomOf, seedFor } from "../support/payloads-seed.ts";
import { type Door, openDoor } from "./door.ts";
import { poisonAt, poisons } from "./poison.ts";

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const bodyOf = (events: readonly unknown[]) => JSON.stringify({ events });

function eventsOf(tenantId: string, count: number) {
  const nowMs = Date.now();
  return Array.from({ length: count }, (_, n) => ({ id: makeId(nowMs - n, Math.random), tenant_id: tenantId, event_type: "batch.sent", object_id: String(n) }));
}

describe("one poisoned event among 1000", () => {
  it("costs only itself, at the edges and at 60 positions between, whatever the poison", { timeout: 120_000 }, async () => {
    const random = randomOf(seedFor("poison"));
    const positions = new Set([0, 1, 499, 500, 998, 999, ...poisons.map((_, n) => 20 * n + n)]);
    while (positions.size < 66) positions.add(Math.floor(random() * 1000));
    for (const position of positions) await poisonAt(door, position);
  });
});

describe("duplicates inside a batch", () => {
  it("are stored once and told as duplicates of the first, wherever they stand", async () => {
    const tenantId = randomUUID();
    const events = eventsOf(tenantId, 10);
    const [first = {}] = events;
    const answer = await door.post(bodyOf([...events, ...events.toReversed(), { ...first, message: "other" }, first]));
    const statuses = (answer.body.results ?? []).map((result) => result.status);
    expect(statuses).toEqual([...Array(10).fill("created"), ...Array(10).fill("duplicate"), "conflict", "duplicate"]);
    expect(answer.status).toBe(207);
    expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(10);
  });

  it("of 1000 equal events leave one row", async () => {
    const tenantId = randomUUID();
    const answer = await door.post(bodyOf(Array(1000).fill(eventsOf(tenantId, 1)[0])));
    expect([answer.status, answer.body.created_count, answer.body.duplicate_count]).toEqual([201, 1, 999]);
    expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(1);
  });

  it("are found whatever the spelling of id, time and address", async () => {
    const tenantId = randomUUID();
    const base = { tenant_id: tenantId, event_type: "Batch.Sent", actor_id: "a" };
    const id = makeId(Date.now(), Math.random);
    const iso = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
    const spelled = [
      { ...base, id, occurred_at: iso, ip_address: "::ffff:192.0.2.1", context: { b: 1, a: 1.0 } },
      {
        ...base,
        tenant_id: tenantId.toUpperCase(),
        id: id.toUpperCase(),
        timestamp: iso.replace(".000Z", "z"),
        ip_address: "192.0.2.1",
        context: { a: 1, b: 1 },
      },
      {
        tenant_id: tenantId,
        operation_type: "batch.sent",
        operator: "a",
        id,
        occurred_at: iso.replace(".000Z", ".0009+00:00"),
        ip_address: "::FFFF:c000:201",
        extra_info: { a: 1, b: 1 },
      },
    ];
    const answer = await door.post(bodyOf(spelled));
    expect((answer.body.results ?? []).map((result) => result.status), answer.text).toEqual(["created", "duplicate", "duplicate"]);
    const again = await Promise.all(spelled.map((event) => door.post(bodyOf([event]))));
    expect(again.map((other) => other.status)).toEqual([200, 200, 200]);
    expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(1);
  });
});

describe("the same events in several requests at once", () => {
  it("in any order are created once over all, and no request is left to a deadlock", { timeout: 60_000 }, async () => {
    const random = randomOf(seedFor("orders"));
    for (let round = 0; round < 5; round++) {
      const tenantId = randomUUID();
      const events = eventsOf(tenantId, 400);
      const orders = [events, events.toReversed(), events.toSorted(() => random() - 0.5), events.toSorted(() => random() - 0.5)];
      const answers = await Promise.all(orders.map((order) => door.post(bodyOf(order))));
      const retried = await Promise.all(answers.map((answer, n) => answer.status === 503 ? door.post(bodyOf(orders[n] ?? [])) : answer));
      expect(answers.map((answer) => answer.status).filter((status) => ![200, 201, 503].includes(status))).toEqual([]);
      expect(retried.reduce((sum, answer) => sum + (answer.body.created_count ?? 0), 0)).toBe(400);
      expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(400);
    }
  });

  it("with different content: one wins whole, every other is told of a conflict, and the row is the winner's", { timeout: 60_000 }, async () => {
    for (let round = 0; round < 10; round++) {
      const tenantId = randomUUID();
      const [event = {}] = eventsOf(tenantId, 1);
      const answers = await Promise.all(["a", "b", "c", "d"].map(async (message) => ({ message, answer: await door.post(bodyOf([{ ...event, message }])) })));
      const winners = answers.filter(({ answer }) => answer.status === 201);
      expect(answers.map(({ answer }) => answer.status).sort()).toEqual([201, 422, 422, 422]);
      const rows = await readStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`);
      expect(rows.map((row) => row["message"])).toEqual(winners.map(({ message }) => message));
    }
  });

  it("under one Idempotency-Key and without ids are stored once, and all answers agree", { timeout: 60_000 }, async () => {
    for (let round = 0; round < 10; round++) {
      const tenantId = randomUUID();
      const body = bodyOf(Array.from({ length: 3 }, (_, n) => ({ tenant_id: tenantId, event_type: "batch.keyed", object_id: String(n) })));
      const answers = await Promise.all(Array.from({ length: 4 }, () => door.post(body, { "idempotency-key": tenantId })));
      expect(answers.map((answer) => answer.status), answers.map((answer) => answer.text.slice(0, 200)).join("\n")).toEqual([201, 201, 201, 201]);
      for (const answer of answers) expect(answer.body.results).toEqual(answers[0]?.body.results);
      expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(3);
    }
  });

  it("by two tenants do not meet: an id taken by one is free for the other", async () => {
    const [mine, theirs] = [randomUUID(), randomUUID()];
    const events = eventsOf(mine, 50);
    expect((await door.post(bodyOf(events))).body.created_count).toBe(50);
    expect((await door.post(bodyOf(events.map((event) => ({ ...event, tenant_id: theirs, message: "other" }))))).body.created_count).toBe(50);
  });
});

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonical, recomputeLeafHash } from "../support/history-leaf.ts";
import { countStoredRows, readStoredRows } from "../support/history-rows.ts";
import { makeId } from "../support/load-client.ts";
import { randomOf, seedFor } from "../support/payloads-seed.ts";
import { runSql } from "../support/postgres-process.ts";
import { parseJson } from "../../verify/json.ts";
import { type Door, openDoor } from "./door.ts";
import { until } from "./load.ts";
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
  it("costs only itself, at the edges and at 60 positions between, whatever the poison", async () => {
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

/** Resolves when so many inserts of the door wait for another transaction. */
async function untilWaiting(count: number): Promise<void> {
  const sql = "select 1 from pg_stat_activity where datname = current_database() and query like '%audit_log.ingest%' and wait_event = 'transactionid'";
  await until(`${count} inserts wait`, async () => (await runSql(door.database.adminUrl, sql)).length === count);
}

describe("the same events in several requests at once", () => {
  it("in any order are created once over all, and no request is refused", async () => {
    const random = randomOf(seedFor("orders"));
    for (let round = 0; round < 5; round++) {
      const tenantId = randomUUID();
      const events = eventsOf(tenantId, 400);
      const orders = [events, events.toReversed(), events.toSorted(() => random() - 0.5), events.toSorted(() => random() - 0.5)];
      const answers = await Promise.all(orders.map((order) => door.post(bodyOf(order))));
      expect(answers.map((answer) => answer.status).filter((status) => ![200, 201].includes(status))).toEqual([]);
      expect(answers.reduce((sum, answer) => sum + (answer.body.created_count ?? 0), 0)).toBe(400);
      expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(400);
    }
  });

  it("in orders that lock each other are stored once, and neither waits for a deadlock to be found", async () => {
    const tenantId = randomUUID();
    const [known, first, second, third] = eventsOf(tenantId, 4);
    // A new tenant's first batch would make the second request wait before it holds anything.
    expect((await door.post(bodyOf([known]))).status).toBe(201);
    const blocker = new pg.Client({ connectionString: door.database.adminUrl });
    await blocker.connect();
    // An insert of our own makes the first request wait between its first and its last event until the second one holds that last event.
    await blocker.query("begin");
    await blocker.query(
      `insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, event_type, result, leaf_hash)
       values ($1, $2, $3, 0, now(), 'test', 'blocker', 'success', decode(repeat('00', 32), 'hex'))`,
      [tenantId, new Date(parseInt((second?.id ?? "").replace("-", "").slice(0, 12), 16)), second?.id],
    );
    const one = door.post(bodyOf([first, second, third]));
    await untilWaiting(1);
    const two = door.post(bodyOf([third, first]));
    await untilWaiting(2);
    await blocker.query("rollback");
    await blocker.end();
    const answers = await Promise.all([one, two]);
    const refused = answers.filter((answer) => ![200, 201].includes(answer.status));
    expect(refused.map((answer) => answer.text.slice(0, 200))).toEqual([]);
    expect(answers.reduce((sum, answer) => sum + (answer.body.created_count ?? 0), 0)).toBe(3);
    expect(await countStoredRows(door.database.adminUrl, `tenant_id = '${tenantId}'`)).toBe(4);
    expect(door.function.stderr().includes("40P01"), "a deadlock was met").toBe(false);
  });

  it("with different content: one wins whole, every other is told of a conflict, and the row is the winner's", async () => {
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

  it("under one Idempotency-Key and without ids are stored once, and all answers agree", async () => {
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

describe("keys that look alike to the runtime's own parser", () => {
  it("are stored as each event has them, whatever another tenant's event had before", async () => {
    const [mine, theirs] = [randomUUID(), randomUUID()];
    const body = (tenantId: string, key: string) => `{"events":[{"event_type":"keys.sent","tenant_id":"${tenantId}","context":{"h":1,${key}:1}}]}`;
    const keys = [['"\\""', '"'], ['"\\n"', "\n"], ['"\\u0041"', "A"], ['"\\/"', "/"], ['"\\u00e9"', "é"], ['"\\\\"', "\\"]] as const;
    for (const [written] of keys) {
      expect((await door.post(body(mine, '"\\\\"'))).status).toBe(201);
      expect((await door.post(body(theirs, written))).status).toBe(201);
    }
    const rows = await readStoredRows(door.database.adminUrl, `tenant_id = '${theirs}'`);
    expect(rows.map((row) => canonical(parseJson(row["context"] ?? "")))).toEqual(keys.map(([, key]) => canonical({ h: 1, [key]: 1 })));
    expect(rows.map((row) => `\\x${recomputeLeafHash(row)}`)).toEqual(rows.map((row) => row["leaf_hash"]));
  });
});

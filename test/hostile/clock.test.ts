import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { readStoredRows } from "../support/history-rows.ts";
import { makeId } from "../support/load-client.ts";
import { runSql } from "../support/postgres-process.ts";
import { type Door, openDoor } from "./door.ts";
import { judgeRows } from "./fuzz.ts";

const hour = 3_600_000;
const offsets = { "an hour slow": -hour, "an hour fast": hour, "a day slow": -24 * hour, "a day fast": 24 * hour } as const;

let database: TestDatabase;
let right: Door;
const wrong = new Map<string, Door>();
beforeAll(async () => {
  database = await createDatabase();
  right = await openDoor({ database });
  for (const [name, offset] of Object.entries(offsets)) wrong.set(name, await openDoor({ database, env: { AUDIT_TEST_CLOCK_OFFSET_MS: String(offset) } }));
});
afterAll(async () => {
  for (const door of [right, ...wrong.values()]) await door.close();
  await database.drop();
});

const bodyOf = (events: readonly unknown[]) => JSON.stringify({ events });

/** Events of the last two days, each with its id and time. */
function eventsOf(tenantId: string, agesMs: readonly number[]) {
  return agesMs.map((ageMs, n) => {
    const atMs = Date.now() - ageMs;
    return { id: makeId(atMs, Math.random), occurred_at: new Date(atMs).toISOString(), tenant_id: tenantId, event_type: "clock.sent", object_id: String(n) };
  });
}

describe.each(Object.entries(offsets))("a function whose clock is %s", (name, offset) => {
  const door = () => wrong.get(name) ?? right;
  // As old as both clocks accept: a clock that is slow takes the present for the future.
  const ages = [Math.max(0, -offset) + 1_000, Math.max(0, -offset) + 2 * hour, 30 * hour, 5 * 24 * hour];

  it("has the clock that the test says it has", async () => {
    const askedMs = Date.now();
    const { now } = await (await fetch(`${door().url}/test-state`)).json();
    expect(Date.parse(now) - offset).toBeGreaterThanOrEqual(askedMs);
    expect(Date.parse(now) - offset).toBeLessThanOrEqual(Date.now());
  });

  it("finds what another function stored, and its own events are found there: stored once, in the day they name", async () => {
    const tenantId = randomUUID();
    const [mine, theirs] = [eventsOf(tenantId, ages), eventsOf(tenantId, ages)];
    expect([(await right.post(bodyOf(mine))).body.created_count, (await door().post(bodyOf(mine))).body.duplicate_count]).toEqual([4, 4]);
    expect([(await door().post(bodyOf(theirs))).body.created_count, (await right.post(bodyOf(theirs))).body.duplicate_count]).toEqual([4, 4]);
    const days = await runSql<{ table: string; day: string }>(
      database.adminUrl,
      `select tableoid::regclass::text as table, to_char(occurred_at at time zone 'utc', 'YYYYMMDD') as day from audit_log.events where tenant_id = $1`,
      [tenantId],
    );
    expect(days).toHaveLength(8);
    for (const { table, day } of days) expect(table).toBe(`audit_log.events_${day}`);
  });

  it("stores an event without id and time once under an Idempotency-Key, also when the retry meets the right clock", async () => {
    const tenantId = randomUUID();
    const body = bodyOf([{ tenant_id: tenantId, event_type: "clock.sent" }]);
    const answers = [await door().post(body, { "idempotency-key": tenantId }), await right.post(body, { "idempotency-key": tenantId })];
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    expect(answers[1]?.body.results).toEqual(answers[0]?.body.results);
    expect(await readStoredRows(database.adminUrl, `tenant_id = '${tenantId}'`)).toHaveLength(1);
  });

  it("makes only the partitions of events that it accepts", async () => {
    const partitions = await runSql<{ day: string }>(
      database.adminUrl,
      "select substr(relname, 8) as day from pg_class where relname ~ '^events_[0-9]{8}$' and relkind = 'r'",
    );
    for (const { day } of partitions) {
      const ageDays = (Date.now() - Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T00:00:00Z`)) / (24 * hour);
      expect(ageDays).toBeGreaterThan(-3);
      expect(ageDays).toBeLessThan(10);
    }
  });
});

describe("after all of them", () => {
  it("every row has the leaf hash that a second implementation computes", async () => {
    expect(await judgeRows(database.adminUrl)).toBeGreaterThan(30);
  });
});

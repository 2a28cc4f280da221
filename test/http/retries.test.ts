import { fileURLToPath } from "node:url";
import { v7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChaosProxy, startChaosProxy } from "../support/chaos-proxy.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { publishableKey } from "../support/tokens.ts";
import { type Answer, type Door, event, openDoor, post, summary, tenantA } from "./door.ts";

/** An answer without what differs from request to request. */
function settled({ status, body: { timing: _timing, request_id: _id, ...body } }: Answer): unknown {
  return { status, body };
}

const bare = (index: number) => ({ tenant_id: tenantA, event_type: "retried.event", object_id: String(index), context: { n: index } });

describe("the same batch sent twice to audit-logger", () => {
  let door: Door;
  beforeAll(async () => void (door = await openDoor()));
  afterAll(() => door.close());
  const count = async (type: string) => (await door.stored(`event_type = '${type}'`)).length;

  it("is stored once when events have ids and times, in whatever order they come again", async () => {
    const batch = Array.from({ length: 100 }, () => event({ event_type: "twice.timed" }));
    expect(summary(await door.post(batch))).toEqual([201, 100, 0, 0]);
    expect(summary(await door.post(batch))).toEqual([200, 0, 100, 0]);
    expect(summary(await door.post(batch.toReversed()))).toEqual([200, 0, 100, 0]);
    expect(await count("twice.timed")).toBe(100);
  });

  it("is stored once when events have version-7 ids alone", async () => {
    const batch = Array.from({ length: 10 }, () => ({ id: v7(), tenant_id: tenantA, event_type: "twice.id" }));
    expect(summary(await door.post(batch))).toEqual([201, 10, 0, 0]);
    expect(summary(await door.post(batch))).toEqual([200, 0, 10, 0]);
    expect(await count("twice.id")).toBe(10);
  });

  it("is stored twice when nothing in it says that it is the same, and once under an Idempotency-Key", async () => {
    const batch = Array.from({ length: 10 }, () => ({ tenant_id: tenantA, event_type: "twice.bare" }));
    await door.post(batch);
    await door.post(batch);
    expect(await count("twice.bare")).toBe(20);
    const keyed = batch.map((item) => ({ ...item, event_type: "twice.keyed" }));
    const first = await door.post(keyed, { "idempotency-key": "batch-1" });
    const second = await door.post(keyed, { "idempotency-key": "batch-1" });
    expect(summary(first)).toEqual([201, 10, 0, 0]);
    expect(settled(second)).toEqual(settled(first));
    expect(await count("twice.keyed")).toBe(10);
  });

  it("gets the same answer under an Idempotency-Key also when part of it was refused or there before", async () => {
    const old = event();
    await door.post([old]);
    const batch = [bare(0), old, { ...bare(1), result: "fine" }, { ...old, message: "changed" }];
    const first = await door.post(batch, { "idempotency-key": "batch-mixed" });
    expect(summary(first)).toEqual([207, 1, 1, 2]);
    expect(settled(await door.post(batch, { "idempotency-key": "batch-mixed" }))).toEqual(settled(first));
  });

  it("is refused when the Idempotency-Key came with another body, and stores nothing", async () => {
    await door.post([event()], { "idempotency-key": "batch-2" });
    const other = await door.post([event({ event_type: "other.body" })], { "idempotency-key": "batch-2" });
    expect([other.status, other.body.code]).toEqual([422, "idempotency_key_reused"]);
    expect(await count("other.body")).toBe(0);
  });

  it("means another batch under the same key when another caller sends it", async () => {
    const keys = [await door.makeKey(tenantA, ["ingest"]), await door.makeKey(tenantA, ["ingest"])];
    for (const { text } of keys) {
      const answer = await door.post([{ event_type: "two.callers" }], { apikey: text, "idempotency-key": "same" });
      expect(summary(answer)).toEqual([201, 1, 0, 0]);
    }
    expect(await count("two.callers")).toBe(2);
  });

  it("may be claimed anew after 24 hours", async () => {
    const batch = [{ tenant_id: tenantA, event_type: "day.old" }];
    await door.post(batch, { "idempotency-key": "batch-old" });
    await door.admin("update audit_log.batches set claimed_at = claimed_at - interval '24 hours 1 second'");
    expect(summary(await door.post([...batch, ...batch], { "idempotency-key": "batch-old" }))).toEqual([201, 2, 0, 0]);
  });

  it("is stored once when both arrive at the same time", async () => {
    const batch = Array.from({ length: 200 }, () => event({ event_type: "at.once" }));
    const answers = await Promise.all([batch, batch.toReversed(), batch, batch.toReversed()].map((events) => door.post(events)));
    const created = answers.map(({ body }) => body.created_count ?? NaN).reduce((sum, one) => sum + one);
    const duplicates = answers.map(({ body }) => body.duplicate_count ?? NaN).reduce((sum, one) => sum + one);
    expect([created, duplicates]).toEqual([200, 600]);
    expect(await count("at.once")).toBe(200);
    const keyed = await Promise.all([1, 2, 3].map(() => door.post([bare(7)], { "idempotency-key": "at-once" })));
    expect(new Set(keyed.map((answer) => JSON.stringify(settled(answer)))).size).toBe(1);
  });

  it("is stored once by an end user too, whose address has changed in between", async () => {
    const anonymous = await openDoor({ database: door.database, env: { AUDIT_ANON_TENANT_ID: tenantA } });
    const batch = [{ id: v7(), event_type: "moved.user" }];
    const first = await anonymous.post(batch, { apikey: publishableKey, "x-forwarded-for": "203.0.113.7" });
    const second = await anonymous.post(batch, { apikey: publishableKey, "x-forwarded-for": "203.0.113.8" });
    await anonymous.close();
    expect([summary(first), summary(second)]).toEqual([[201, 1, 0, 0], [200, 0, 1, 0]]);
    expect(second.body.results[0]?.leaf_hash).toBe(first.body.results[0]?.leaf_hash);
  });
});

describe("the same batch on both sides of midnight", () => {
  let database: TestDatabase;
  let before: Door;
  let after: Door;
  beforeAll(async () => {
    database = await createDatabase();
    const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000;
    const openAt = (time: number) =>
      openDoor({
        database,
        entry: fileURLToPath(new URL("shifted-clock.ts", import.meta.url)),
        env: { TEST_CLOCK_SHIFT_MS: String(time - Date.now()) },
      });
    // Wide enough for a slow machine: whatever happens to the first happens in the last ten minutes of its day.
    before = await openAt(midnight - 600_000);
    after = await openAt(midnight + 60_000);
  });
  afterAll(async () => {
    await before.close();
    await after.close();
    await database.drop();
  });

  it.each<[string, Record<string, unknown>, Record<string, string>]>([
    ["by its id and time", { id: crypto.randomUUID(), occurred_at: new Date().toISOString() }, {}],
    ["by its version-7 id", { id: v7() }, {}],
    ["by its Idempotency-Key", {}, { "idempotency-key": "midnight" }],
  ])("is stored once %s", async (name, fields, headers) => {
    const batch = [{ ...fields, tenant_id: tenantA, event_type: "midnight.event", message: name }];
    const first = await post(before.url, batch, headers);
    const second = await post(after.url, batch, headers);
    expect(summary(first)).toEqual([201, 1, 0, 0]);
    expect(second.body.results[0]?.leaf_hash).toBe(first.body.results[0]?.leaf_hash);
    expect(second.body.results[0]?.occurred_at).toBe(first.body.results[0]?.occurred_at);
    expect(await before.stored(`message = '${name}'`)).toHaveLength(1);
  });

  it("is two days: what comes without any of these is stamped before and after it", async () => {
    const batch = [{ tenant_id: tenantA, event_type: "midnight.bare" }];
    const days = [await post(before.url, batch), await post(after.url, batch)].map(({ body }) => body.results[0]?.occurred_at?.slice(0, 10));
    expect(days[0]).not.toBe(days[1]);
  });
});

describe("an answer that was lost after COMMIT", () => {
  let database: TestDatabase;
  let proxy: ChaosProxy;
  let door: Door;
  beforeAll(async () => {
    database = await createDatabase();
    const { hostname, port } = new URL(database.url);
    proxy = await startChaosProxy({ host: hostname, port: Number(port), protocol: "postgres" }, 1);
    door = await openDoor({ database, env: { AUDIT_DATABASE_URL: proxy.through(database.url) } });
  });
  afterAll(async () => {
    await door.close();
    await proxy.close();
    await database.drop();
  });

  it.each<[string, () => unknown[], Record<string, string>, number[]]>([
    ["with ids", () => Array.from({ length: 20 }, () => event()), {}, [200, 0, 20, 0]],
    ["under an Idempotency-Key", () => Array.from({ length: 20 }, (_, index) => bare(index)), { "idempotency-key": "lost" }, [201, 20, 0, 0]],
  ])("between database and function is a 503, and the retry finds the events stored: %s", async (_, makeBatch, headers, expected) => {
    const batch = makeBatch();
    const rows = (await door.stored()).length;
    proxy.set({ swallow: { answer: "commit", probability: 1, then: "reset" } });
    const lost = await door.post(batch, headers);
    expect([lost.status, lost.body.code]).toEqual([503, "unavailable"]);
    expect(Number(lost.headers.get("retry-after"))).toBeGreaterThan(0);
    proxy.heal();
    expect(summary(await door.post(batch, headers))).toEqual(expected);
    expect(await door.stored()).toHaveLength(rows + 20);
  });

  it("between function and client is the client's to retry, which stores nothing twice", async () => {
    const { hostname, port } = new URL(door.url);
    const client = await startChaosProxy({ host: hostname, port: Number(port) }, 1);
    const batch = Array.from({ length: 20 }, () => event({ event_type: "http.lost" }));
    client.set({ swallow: { answer: "http", probability: 1, then: "reset" } });
    await expect(post(client.through(door.url), batch)).rejects.toThrow();
    client.heal();
    expect(summary(await post(client.through(door.url), batch))).toEqual([200, 0, 20, 0]);
    expect(await door.stored("event_type = 'http.lost'")).toHaveLength(20);
    await client.close();
  });
});

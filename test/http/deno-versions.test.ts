import { gzipSync } from "node:zlib";
import { v7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChaosProxy, startChaosProxy } from "../support/chaos-proxy.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { publishableKey, secretKey, signToken } from "../support/tokens.ts";
import { type Door, event, openDoor, summary, tenantA, tenantB, until } from "./door.ts";

// Hosted functions run on a runtime that is compatible with Deno 2.1.4, the local stack on a current one: what one of them stores, the other must
// take for the same. One event has every field and every kind of value.
const everything = (id: string) => ({
  id,
  tenant_id: tenantA,
  event_type: "Versions.Compared",
  source: "versions",
  actor_id: "actor é 😀",
  actor_type: "user",
  object_type: "order",
  object_id: "o-1",
  result: "warning",
  message: 'line\nline\t"quoted" \\ \u2028 \u0001',
  duration_ms: 1.5,
  context: { z: [1, 2.5, 0.1 + 0.2, 9e15, 1e-7, true, null, {}], "10": 1, "9": 2, ä: { "\u20ac": "€", "\r": 1, "1": "one" }, "😀": "last" },
  ip_address: "2001:DB8:0:0:0:0:0:1",
  user_agent: "agent/1",
  device_fingerprint: "f",
  request_id: "r",
  producer_id: "p",
  producer_seq: 9007199254740991,
});

describe.each(["2.9", "2.1.4"] as const)("audit-logger on Deno %s", (denoVersion) => {
  let database: TestDatabase;
  let proxy: ChaosProxy;
  let door: Door;
  beforeAll(async () => {
    database = await createDatabase();
    const { hostname, port } = new URL(database.url);
    proxy = await startChaosProxy({ host: hostname, port: Number(port), protocol: "postgres" }, 1);
    door = await openDoor({ database, denoVersion, env: { AUDIT_DATABASE_URL: proxy.through(database.url), AUDIT_ANON_TENANT_ID: tenantB } });
  });
  afterAll(async () => {
    await door.close();
    await proxy.close();
    await database.drop();
  });

  it("gives every verdict", async () => {
    const old = event();
    expect(summary(await door.post([old, event()]))).toEqual([201, 2, 0, 0]);
    expect(summary(await door.post([old]))).toEqual([200, 0, 1, 0]);
    const mixed = await door.post([event(), old, { ...old, message: "other" }, event({ message: "\0" })]);
    expect(summary(mixed)).toEqual([207, 1, 1, 2]);
    expect(mixed.body.results.map(({ status }) => status)).toEqual(["created", "duplicate", "conflict", "rejected"]);
    expect(summary(await door.post([event({ result: 1 })]))).toEqual([422, 0, 0, 1]);
    expect(summary(await door.post([event(), event({ id: 1 })], { prefer: "handling=strict" }))).toEqual([422, 0, 0, 2]);
  });

  it("stores an event with the very leaf that the other version makes of it", async () => {
    const id = v7();
    const other = await openDoor({ database, denoVersion: denoVersion === "2.9" ? "2.1.4" : "2.9" });
    const first = await door.post([everything(id)]);
    const second = await other.post([everything(id)]);
    await other.close();
    expect([summary(first), summary(second)]).toEqual([[201, 1, 0, 0], [200, 0, 1, 0]]);
    expect(second.body.results[0]?.leaf_hash).toBe(first.body.results[0]?.leaf_hash);
    const [stored] = await door.stored(`id = '${id}'`);
    expect(stored?.event).toMatchObject({ ip_address: "2001:db8::1", duration_ms: 2, producer_seq: 9007199254740991, message: everything(id).message });
  });

  it("tells every credential from a forged one", async () => {
    const token = await signToken({ app_metadata: { tenant_id: tenantA } });
    const key = (await door.makeKey(tenantA, ["ingest"])).text;
    const principals = [];
    for (const credential of [secretKey, key, token, publishableKey]) {
      const { body } = await door.post([{ event_type: "a.b", tenant_id: credential === publishableKey ? tenantB : tenantA }], {
        authorization: `Bearer ${credential}`,
      });
      principals.push(body.principal?.split(":")[0]);
    }
    expect(principals).toEqual(["secret", "key", "user", "anon"]);
    for (const credential of [`${secretKey}x`, key.replace(/.$/, "!"), `${token.slice(0, -8)}AAAAAAAA`, "nonsense"]) {
      expect((await door.post([event()], { authorization: `Bearer ${credential}` })).status).toBe(401);
    }
  });

  it("answers again under an Idempotency-Key, and after its 202", async () => {
    const batch = [{ tenant_id: tenantA, event_type: "a.b" }];
    const first = await door.post(batch, { "idempotency-key": "k" });
    const again = await door.post(batch, { "idempotency-key": "k" });
    expect(again.body.results).toEqual(first.body.results);
    expect((await door.post([event()], { "idempotency-key": "k" })).status).toBe(422);
    const pending = await door.post([event({ event_type: "after.answer" })], { prefer: "respond-async" });
    expect(pending.status).toBe(202);
    await until(async () => (await door.stored("event_type = 'after.answer'")).length === 1);
  });

  it("reads gzip, and refuses a bomb, a wrong type and a body too deep", async () => {
    // 2.1.4 closes a connection whose body it has not read to the end, and does not say so; nothing may be sent after that body.
    const alone = { connection: "close" };
    const coding = { "content-encoding": "gzip" };
    expect((await door.post(gzipSync(JSON.stringify({ events: [event()] })), coding)).status).toBe(201);
    expect((await door.post(gzipSync(" ".repeat(64 * 1024 * 1024)), { ...coding, ...alone })).status).toBe(413);
    expect((await door.post("{}", { "content-type": "text/csv", ...alone })).status).toBe(415);
    expect((await door.post("[".repeat(100_000), alone)).status).toBe(400);
    expect((await fetch(door.url, { method: "OPTIONS", headers: { origin: "https://a.example" } })).status).toBe(204);
  });

  it("answers 503 while the database is away, and recovers", async () => {
    const batch = [event()];
    proxy.set({ refuse: true });
    proxy.cut();
    const away = await door.post(batch);
    expect([away.status, Number(away.headers.get("retry-after")) > 0]).toEqual([503, true]);
    proxy.heal();
    expect(summary(await door.post(batch))).toEqual([201, 1, 0, 0]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChaosProxy, startChaosProxy } from "../support/chaos-proxy.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type Door, event, openDoor, summary, tenantA, until } from "./door.ts";

describe("audit-logger while its database is away", () => {
  let database: TestDatabase;
  let proxy: ChaosProxy;
  let door: Door;
  beforeAll(async () => {
    database = await createDatabase();
    const { hostname, port } = new URL(database.url);
    proxy = await startChaosProxy({ host: hostname, port: Number(port), protocol: "postgres" }, 1);
    proxy.set({ refuse: true });
    door = await openDoor({ database, env: { AUDIT_DATABASE_URL: proxy.through(database.url) } });
  });
  afterAll(async () => {
    await door.close();
    await proxy.close();
    await database.drop();
  });

  it("starts, answers 503 with Retry-After, and works once it is there, without a restart", async () => {
    const batch = Array.from({ length: 10 }, () => event());
    const away = await door.post(batch);
    expect([away.status, away.body.code]).toEqual([503, "unavailable"]);
    expect(away.headers.get("content-type")).toBe("application/problem+json");
    expect(Number(away.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(away.text).not.toMatch(/ECONN|127\.0\.0\.1|postgres|select|SQLSTATE/i);
    // The fault's line stands before that of its request; both may come after the answer.
    await until(() => door.log().some(({ event: name }) => name === "ingest"));
    // Quotas are settled behind the request, which has a line of its own.
    const faults = door.log().filter(({ event: name, action }) => name === "database.fault" && action !== "lease tokens");
    expect(faults).toHaveLength(1);
    proxy.heal();
    expect(summary(await door.post(batch))).toEqual([201, 10, 0, 0]);
  });

  it("says the same for an API key it cannot look up, and does not remember that", async () => {
    const { text } = await door.makeKey(tenantA, ["ingest"]);
    proxy.set({ refuse: true });
    proxy.cut();
    expect((await door.post([event()], { apikey: text })).status).toBe(503);
    proxy.heal();
    expect(summary(await door.post([event()], { apikey: text }))).toEqual([201, 1, 0, 0]);
  });

  it("stores nothing of a batch whose connection broke on the way", async () => {
    const batch = Array.from({ length: 500 }, () => event({ event_type: "broken.batch", message: "x".repeat(500) }));
    await door.post([event()]);
    proxy.set({ closeAfterBytes: { "to-server": 100_000 } });
    expect((await door.post(batch)).status).toBe(503);
    proxy.heal();
    expect(await door.stored("event_type = 'broken.batch'")).toEqual([]);
    expect(summary(await door.post(batch))).toEqual([201, 500, 0, 0]);
  });

  it("survives that every session is ended again and again, and tells nobody a wrong thing", async () => {
    // So often and no more: on a slow machine no batch would ever come through between two of them.
    let isEnding = true;
    const ending = (async () => {
      for (let round = 0; round < 40; round++) {
        await door.admin("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'postgres'");
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    })().finally(() => isEnding = false);
    const statuses: number[] = [];
    let events = 0;
    while (isEnding) {
      const batch = Array.from({ length: 5 }, () => event({ event_type: "ended.session" }));
      events += batch.length;
      await until(async () => {
        const { status } = await door.post(batch);
        statuses.push(status);
        return status !== 503;
      }, 15_000);
    }
    await ending;
    expect([...new Set(statuses)].filter((status) => ![200, 201, 503].includes(status))).toEqual([]);
    expect(await door.stored("event_type = 'ended.session'")).toHaveLength(events);
  });

  it("counts and logs a batch that was lost after its 202", async () => {
    await door.post([event()]);
    proxy.set({ refuse: true });
    proxy.cut();
    const answer = await door.post([event({ event_type: "lost.later" })], { prefer: "respond-async" });
    expect([answer.status, answer.headers.get("preference-applied")]).toEqual([202, "respond-async"]);
    const lost = await until(() => door.log().find(({ event: name }) => name === "ingest.async.failed"));
    expect(lost).toMatchObject({ level: "error", request_id: answer.body.request_id, events: 1, failed_total: 1, code: "unavailable" });
    proxy.heal();
    expect(await door.stored("event_type = 'lost.later'")).toEqual([]);
  });

  it("waits for no lock longer than it may, and stores the batch afterwards", async () => {
    await door.admin("begin");
    await door.admin("lock table audit_log.tenants in access exclusive mode");
    const pending = door.post([event({ event_type: "waited.event" })]);
    await until(async () => {
      const waiting = await door.admin(
        "select 1 from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())",
      );
      return waiting.length > 0;
    });
    await door.admin("rollback");
    expect(summary(await pending)).toEqual([201, 1, 0, 0]);
  });
});

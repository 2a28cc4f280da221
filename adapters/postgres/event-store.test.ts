import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../core/event.ts";
import type { EventRow, EventStore, Log } from "../../core/ports.ts";
import { describeEventStore, type StoreUnderTest } from "../../test/contract/event-store.ts";
import { createDatabase, type TestDatabase } from "../../test/support/database.ts";
import { eventRow, randomEvents, randomFrom } from "../../test/support/random-events.ts";
import { columnTypes } from "./column-types.ts";
import { eventColumns, rowToEvent } from "./event-row.ts";
import { createEventStore } from "./event-store.ts";
import { createKeyStore } from "./key-store.ts";
import { createPool } from "./pool.ts";

let database: TestDatabase;
let pool: pg.Pool;
let admin: pg.Pool;
let store: EventStore;
const records: Parameters<Log>[0][] = [];
const log: Log = (record) => records.push(record);

beforeAll(async () => {
  database = await createDatabase();
  pool = createPool({ databaseUrl: database.url, databasePoolSize: 4 }, log);
  admin = new pg.Pool({ connectionString: database.adminUrl, types: columnTypes });
  // The database is dropped with force while the last of its connections may still be closing.
  admin.on("connect", (client) => client.on("error", () => {}));
  store = createEventStore(pool, log);
});
afterAll(async () => {
  await pool.end();
  await admin.end();
  await database.drop();
});

const rowsOf: StoreUnderTest["rowsOf"] = async (tenantId) => {
  const text = `select ${eventColumns.join(", ")}, leaf_hash from audit_log.events where tenant_id = $1 order by seq`;
  return (await admin.query(text, [tenantId])).rows.map((row) => ({ event: rowToEvent(row), leafHash: row.leaf_hash.toString("hex") }));
};

describeEventStore("createEventStore() on Postgres", () => ({
  store,
  rowsOf,
  closeDay: async (day) => void await admin.query("insert into audit_log.closed_days (day) values ($1)", [day]),
  ageClaims: async (ms) => void await admin.query("update audit_log.batches set claimed_at = claimed_at - $1 * interval '1 millisecond'", [ms]),
}));

describe("createEventStore()", () => {
  const rowsFor = (tenantId: string, count: number): readonly EventRow[] => randomEvents(randomFrom(count), count, { tenantIds: [tenantId] }).map(eventRow);

  it("stores the rows of a batch in its order", async () => {
    const tenantId = randomUUID();
    const rows = rowsFor(tenantId, 300);
    await store.insert(rows);
    const expected: readonly AuditEvent[] = rows.map(({ event }) => event);
    expect((await rowsOf(tenantId)).map(({ event }) => event)).toEqual(expected);
  });

  it("stores the new rows of a batch in its order, beside rows that are there", async () => {
    const tenantId = randomUUID();
    const rows = rowsFor(tenantId, 300);
    await store.insert(rows.slice(100, 200));
    await store.insert(rows);
    const expected: readonly AuditEvent[] = [...rows.slice(100, 200), ...rows.slice(0, 100), ...rows.slice(200)].map(({ event }) => event);
    expect((await rowsOf(tenantId)).map(({ event }) => event)).toEqual(expected);
  });

  it("stores each once of batches that hold the same events in different orders, and refuses none of them", async () => {
    const own = createPool({ databaseUrl: database.url, databasePoolSize: 8 }, log);
    let attempts = 0;
    own.on("connect", (client) => {
      const query = client.query.bind(client) as (...parts: unknown[]) => unknown;
      client.query = ((...parts: unknown[]) => {
        if ((parts[0] as { text?: string }).text?.startsWith("begin")) attempts++;
        return query(...parts);
      }) as typeof client.query;
    });
    const tenantId = randomUUID();
    const rows = rowsFor(tenantId, 4_000);
    for (let round = 0; round < 4; round++) {
      const part = rows.slice(round * 1_000, round * 1_000 + 1_000);
      const halves = [...part.slice(500), ...part.slice(0, 500)];
      const batches = [part, part.toReversed(), halves, halves.toReversed(), part, part.toReversed(), halves, halves.toReversed()];
      const outcomes = await Promise.all(batches.map((batch) => createEventStore(own, log).insert(batch)));
      expect(outcomes.map(({ existing }) => existing.length).reduce((sum, one) => sum + one)).toBe(7_000);
    }
    // A deadlock is left to happen only where one waits 0.8 s for a batch that then waits for it.
    expect(attempts).toBeLessThan(48);
    expect(await rowsOf(tenantId)).toHaveLength(4_000);
    await own.end();
  });

  it("tries again after a deadlock, and gives up after a few", async () => {
    const tenantId = randomUUID();
    const rows = rowsFor(tenantId, 1);
    await admin.query(
      `create table public.deadlocks (left_over int); insert into public.deadlocks values (2); grant select, update on public.deadlocks to public;
      create function public.deadlock() returns trigger language plpgsql as $$ begin
        if (select nextval('public.attempts')) <= (select left_over from public.deadlocks) then raise exception using errcode = '40P01'; end if; return new;
      end $$; create sequence public.attempts; grant usage on sequence public.attempts to public;
      create trigger deadlock before insert on audit_log.tenants for each row execute function public.deadlock()`,
    );
    await store.insert(rows);
    expect((await admin.query("select last_value from public.attempts")).rows).toEqual([{ last_value: 3 }]);
    await admin.query("update public.deadlocks set left_over = 1000");
    await expect(store.insert(rowsFor(randomUUID(), 1))).rejects.toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
    expect((await admin.query("select last_value from public.attempts")).rows).toEqual([{ last_value: 7 }]);
    await admin.query("drop trigger deadlock on audit_log.tenants");
  });

  it("tries again when a day's table is there and not yet a partition, as a session sees it whose caches lag behind another's COMMIT", async () => {
    const day = new Date(Date.now() - 40 * 86_400_000).toISOString();
    const table = `audit_log.events_${day.slice(0, 10).replaceAll("-", "")}`;
    const rows = rowsFor(randomUUID(), 1).map(({ event }) => eventRow({ ...event, occurred_at: day }));
    await admin.query(`create table ${table} ()`);
    await expect(store.insert(rows)).rejects.toMatchObject({ code: "internal", cause: { sqlstate: "23514", constraint: undefined } });

    const own = createPool({ databaseUrl: database.url, databasePoolSize: 1 }, log);
    let attempts = 0;
    own.on("connect", (client) => {
      const query = client.query.bind(client) as (...parts: unknown[]) => Promise<pg.QueryResult>;
      client.query = (async (...parts: unknown[]) => {
        if ((parts[0] as { text?: string }).text?.startsWith("begin") && ++attempts === 3) await admin.query(`drop table ${table}`);
        return query(...parts);
      }) as typeof client.query;
    });
    expect(await createEventStore(own, log).insert(rows)).toEqual({ existing: [], closedDays: [] });
    expect(attempts).toBe(3);
    await own.end();
  });

  it("commits with synchronous_commit on, whatever the database was set to", async () => {
    await admin.query(`alter database ${database.name} set synchronous_commit = off`);
    const own = createPool({ databaseUrl: database.url, databasePoolSize: 1 }, log);
    const seen: unknown[] = [];
    own.on("connect", (client) => {
      const query = client.query.bind(client) as (...parts: unknown[]) => Promise<pg.QueryResult>;
      client.query = (async (...parts: unknown[]) => {
        const isCommit = (parts[0] as { text?: string }).text === "commit";
        if (isCommit) seen.push((await query("show synchronous_commit")).rows[0]["synchronous_commit"]);
        return await query(...parts);
      }) as typeof client.query;
    });
    await createEventStore(own, log).insert(rowsFor(randomUUID(), 1));
    const claim = { principal: "key:a", keyHash: new Uint8Array(32), bodyHash: new Uint8Array(32), receivedAt: new Date().toISOString() };
    await createEventStore(own, log).insertOnce(claim, () => Promise.resolve([]));
    expect(seen).toEqual(["on", "on"]);
    await own.end();
    await admin.query(`alter database ${database.name} reset synchronous_commit`);
  });
});

describe("createKeyStore()", () => {
  it("finds a key by its hash, with what ends it, and nothing by another hash", async () => {
    const [tenantId, hash] = [randomUUID(), Buffer.alloc(32, 5)];
    await admin.query("select audit_log.create_tenant($1, 'Test')", [tenantId]);
    await admin.query("select audit_log.create_key($1, 'abcdefghijkl', $2, 'test', '{ingest,read}', '2030-01-01T00:00:00.5Z')", [tenantId, hash]);
    const keys = createKeyStore(pool, log);
    const found = { id: "abcdefghijkl", tenantId, scopes: ["ingest", "read"], expiresAt: "2030-01-01T00:00:00.500Z", revoked: false };
    expect(await keys.find(hash)).toEqual(found);
    expect(await keys.find(Buffer.alloc(32, 6))).toBeUndefined();
    await admin.query("select audit_log.revoke_key($1, 'abcdefghijkl')", [tenantId]);
    expect(await keys.find(hash)).toEqual({ ...found, revoked: true });
  });

  it("is unavailable when nobody answers", async () => {
    const nowhere = createPool({ databaseUrl: "postgresql://postgres:pw@127.0.0.1:1/postgres", databasePoolSize: 1 }, log);
    await expect(createKeyStore(nowhere, log).find(new Uint8Array(32))).rejects.toMatchObject({ code: "unavailable" });
    await nowhere.end();
  });
});

import fc from "fast-check";
import type pg from "pg";
import { v7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secretCaller } from "../../adapters/auth/project-key.ts";
import { eventColumns, rowToEvent } from "../../adapters/postgres/event-row.ts";
import { createEventStore } from "../../adapters/postgres/event-store.ts";
import { createPool } from "../../adapters/postgres/pool.ts";
import { sha256 } from "../../adapters/sha256.ts";
import { toHex } from "../../core/format/hex.ts";
import { createIngestHandler } from "../../core/ingest-handler.ts";
import { leafHashOf, leafOf } from "../../core/leaf.ts";
import { recomputeLeaf } from "../support/history-leaf.ts";
import { readStoredRows } from "../support/history-rows.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { type AnswerBody, tenantA, tenantB } from "./door.ts";

/** Text of any kind that Postgres and UTF-8 can hold, and some that they cannot. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.constantFrom(
    "",
    " ",
    "\u0000",
    "\u0001",
    "\u007f",
    "\u2028",
    "\ufeff",
    "\ud800",
    '"\\"',
    "1",
    "01",
    "__proto__",
    "constructor",
    "é",
    "e\u0301",
    "\ud83d\ude00",
  ),
);
const number = fc.oneof(
  fc.double(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e-5, max: 1e-5 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 0.1 + 0.2, 1e-7, 1e21, 5e-324, 2 ** 53, 1e-30, 9.999999999999999e-31, 123456789.123456789),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(text, tie("value"), { maxKeys: 6 }),
  ),
}));
const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.constantFrom("::ffff:1.2.3.4", "::1.2.3.4", "64:ff9b::1.2.3.4", "::", "FE80::A"));
const typeName = fc.string({ unit: fc.constantFrom(..."abcXYZ019_.:/-".split("")), minLength: 1, maxLength: 100 });
const sent = fc.record({
  event_type: typeName,
  tenant_id: fc.constantFrom(tenantA, tenantB),
  id: fc.nat(3_600_000).map((agoMs) => v7({ msecs: Date.now() - agoMs })),
  source: typeName,
  actor_id: text,
  actor_type: typeName,
  object_type: typeName,
  object_id: text,
  result: fc.constantFrom("success", "failure", "warning"),
  message: text,
  duration_ms: fc.double({ min: 0, max: 3e9, noNaN: true }),
  context: fc.dictionary(text, value, { maxKeys: 8 }),
  ip_address: address,
  user_agent: text,
  device_fingerprint: text,
  request_id: text,
  producer_id: text,
  producer_seq: fc.maxSafeNat(),
}, { requiredKeys: ["event_type", "tenant_id"] });

describe("an event that was accepted", () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let handle: (request: Request) => Promise<Response>;
  beforeAll(async () => {
    database = await createDatabase();
    pool = createPool({ databaseUrl: database.adminUrl, databasePoolSize: 2 }, () => {});
    handle = createIngestHandler({
      authenticate: () => Promise.resolve(secretCaller("default")),
      events: createEventStore(pool, () => {}),
      now: () => new Date(),
      elapsedMs: () => performance.now(),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      sha256,
      log: () => {},
      settings: {
        eventMaxAgeDays: 7,
        eventMaxAheadMinutes: 60,
        defaultTenantId: undefined,
        allowedOrigins: "*",
        trustedProxies: [],
        clientIpHeader: undefined,
      },
    }, { method: "edge", eventsMax: 1000 });
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it("rebuilds its leaf byte for byte when it is read back, whatever was in it", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { minLength: 20, maxLength: 60 }), async (events) => {
        const request = new Request("http://127.0.0.1/audit-logger", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ events }),
        });
        const response = await handle(request);
        const { results }: AnswerBody = await response.json();
        expect([201, 207, 422]).toContain(response.status);
        const hashes = results.filter(({ status }) => status === "created").map(({ id, leaf_hash }) => [id, leaf_hash]);
        accepted += hashes.length;
        const ids = hashes.map(([id]) => id);
        const { rows } = await pool.query(`select ${eventColumns.join(", ")} from audit_log.events where id = any ($1) order by seq`, [ids]);
        expect(rows.map((row) => [row.id, toHex(leafHashOf(leafOf(rowToEvent(row)), sha256))])).toEqual(hashes);
      }),
      { numRuns: 40 },
    );
    // Enough of what is generated must be acceptable, or nothing was tried.
    expect(accepted).toBeGreaterThan(300);
    const stored = await pool.query(`select ${eventColumns.join(", ")} from audit_log.events order by seq`);
    const printed = (await readStoredRows(database.adminUrl)).map(recomputeLeaf);
    expect(stored.rows.map((row) => leafOf(rowToEvent(row)))).toEqual(printed);
  });

  it("gives another leaf once anything in its row was changed", async () => {
    const id = v7();
    const everything = {
      id,
      tenant_id: tenantA,
      event_type: "a.b",
      source: "s",
      actor_id: "a",
      actor_type: "t",
      object_type: "o",
      object_id: "i",
      message: "m",
      duration_ms: 1,
      context: { a: [1, { b: null }], c: "x" },
      ip_address: "192.0.2.1",
      user_agent: "u",
      device_fingerprint: "d",
      request_id: "r",
      producer_id: "p",
      producer_seq: 9007199254740991,
    };
    const headers = { "content-type": "application/json" };
    await handle(new Request("http://127.0.0.1/", { method: "POST", headers, body: JSON.stringify(everything) }));
    const changes = [
      "occurred_at = occurred_at + interval '1 microsecond'",
      "received_at = received_at + interval '1 millisecond'",
      "principal = 'secret:other'",
      "message = 'M'",
      "message = null",
      "duration_ms = 2",
      "duration_ms = null",
      "producer_seq = 9007199254740992",
      "context = '{}'",
      `context = '{"a": [1, {}], "c": "x"}'`,
      "context = null",
      "ip_address = '::c000:201'",
      "user_agent = ''",
      "result = 'failure'",
      "tenant_id = gen_random_uuid()",
      "object_type = 'O'",
    ];
    /** The leaf of the row after `change`, which is taken back again. */
    const leafAfter = async (change: string): Promise<string> => {
      const client = await pool.connect();
      try {
        const { rows: [{ day }] } = await client.query("select tableoid::regclass::text as day from audit_log.events where id = $1", [id]);
        await client.query(`begin; alter table ${day} disable trigger all`);
        const { rows } = await client.query(`update ${day} set ${change} where id = $1 returning ${eventColumns.join(", ")}`, [id]);
        return leafOf(rowToEvent(rows[0]));
      } finally {
        await client.query("rollback");
        client.release();
      }
    };
    const original = await leafAfter("message = message, context = context::text::jsonb, ip_address = host(ip_address)::inet");
    const { rows } = await pool.query(`select ${eventColumns.join(", ")} from audit_log.events where id = $1`, [id]);
    expect(leafOf(rowToEvent(rows[0]))).toBe(original);
    for (const change of changes) expect([change, await leafAfter(change) === original]).toEqual([change, false]);
  });
});

import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPool } from "../../adapters/postgres/pool.ts";
import { statement } from "../../adapters/postgres/query-fragment.ts";
import { pageSql } from "../../adapters/postgres/query-page.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { Condition, Filter } from "../../core/query-filter.ts";
import { textFields } from "../../core/query-filter.ts";
import { matches } from "../../core/query-match.ts";
import { eventRow } from "../support/random-events.ts";
import { type Service, startService, tenantA, tenantB } from "./service.ts";

const yesterdayMs = (Math.floor(Date.now() / 86_400_000) - 1) * 86_400_000;
const at = (second: number) => new Date(yesterdayMs + second * 1000).toISOString();
const words = [
  "alice",
  "Alice",
  "bob",
  "order.created",
  "order.paid",
  "ORDER.x",
  "100%",
  "a_b",
  "a\\b",
  "été",
  "ÉTÉ",
  "order-1",
  "",
  "1",
  "150",
  "true",
] as const;
const word = fc.constantFrom(...words);
const nonEmpty = word.filter((text) => text !== "");
const address = fc.constantFrom("10.1.2.3", "10.200.0.1", "192.0.2.7", "2001:db8::1", "2001:db9::1", "::1", "::102:304");
const network = fc.constantFrom("10.0.0.0/8", "10.1.2.3/32", "10.1.2.3/9", "0.0.0.0/0", "::/0", "2001:db8::/32", "::1/128", "::102:304/128");
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const event = (index: number): fc.Arbitrary<AuditEvent> =>
  fc.record({
    tenant_id: fc.constantFrom(tenantA, tenantA, tenantA, tenantB),
    occurred_at: fc.integer({ min: 0, max: 100 }).map(at),
    id: fc.constant(`00000000-0000-4000-8000-${String(index).padStart(12, "0")}`),
    received_at: fc.constant(new Date().toISOString()),
    principal: fc.constantFrom("key:a", "user:b"),
    event_type: fc.constantFrom("order.created", "order.paid", "alice"),
    result: fc.constantFrom("success", "failure", "warning"),
    actor_id: maybe(word),
    actor_type: maybe(fc.constantFrom("user", "alice")),
    object_id: maybe(word),
    object_type: maybe(fc.constantFrom("order", "1")),
    source: maybe(fc.constantFrom("alice", "api")),
    message: maybe(fc.tuple(word, word).map((pair) => pair.join(" "))),
    request_id: maybe(word),
    producer_id: maybe(word),
    duration_ms: maybe(fc.integer({ min: 0, max: 10 })),
    ip_address: maybe(address),
    context: maybe(
      fc.dictionary(
        fc.constantFrom("a", "b", "0"),
        fc.oneof(word, fc.integer({ min: -5, max: 200 }), fc.boolean(), fc.constant(null), fc.array(word, { maxLength: 2 }), fc.record({ a: word })),
        { maxKeys: 3 },
      ),
    ),
  }, { noNullPrototype: true }).map((fields) => JSON.parse(JSON.stringify(fields)) as AuditEvent);

const alternatives = fc.tuple(fc.array(word, { maxLength: 3 }), fc.array(word, { maxLength: 2 })).filter(([values, prefixes]) =>
  values.length + prefixes.length > 0
);
const condition: fc.Arbitrary<Condition> = fc.tuple(
  fc.boolean(),
  fc.oneof(
    fc.tuple(fc.constantFrom(...textFields), alternatives).map(([field, [values, prefixes]]) => ({ kind: "text" as const, field, values, prefixes })),
    fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 3 }).map((ids) => ({
      kind: "id" as const,
      values: ids.map((id) => `00000000-0000-4000-8000-${String(id).padStart(12, "0")}`),
    })),
    fc.uniqueArray(fc.constantFrom("success" as const, "failure" as const, "warning" as const), { minLength: 1 }).map((values) => ({
      kind: "result" as const,
      values,
    })),
    fc.array(network, { minLength: 1, maxLength: 3 }).map((networks) => ({ kind: "ip" as const, networks })),
    fc.tuple(maybe(fc.integer({ min: 0, max: 10 })), fc.integer({ min: 0, max: 20_000_000_000 })).map(([min, max]) => ({
      kind: "duration" as const,
      min,
      max,
    })),
    fc.tuple(fc.array(fc.constantFrom("a", "b", "0", "1", "-1"), { minLength: 1, maxLength: 2 }), alternatives).map(([path, [values, prefixes]]) => ({
      kind: "context" as const,
      path,
      values,
      prefixes,
    })),
    nonEmpty.map((text) => ({ kind: "words" as const, text })),
  ),
).map(([negated, held]) => ({ ...held, negated }) as Condition);

const filter: fc.Arbitrary<Filter> = fc.record({
  tenantId: fc.constant(tenantA),
  from: fc.integer({ min: -10, max: 60 }).map(at),
  to: fc.integer({ min: 40, max: 110 }).map(at),
  conditions: fc.array(condition, { maxLength: 4 }),
  includeDeleted: fc.constant(false),
});

/** Of events and filters both: what is found once can be looked at again. */
const seed = Number(process.env["AUDIT_TEST_SEED"] ?? Math.floor(Math.random() * 1e9));

describe(`matches() (seed ${seed})`, () => {
  let service: Service;
  let pool: pg.Pool;
  let client: pg.PoolClient;
  let events: readonly AuditEvent[];
  beforeAll(async () => {
    service = await startService();
    events = Array.from({ length: 300 }, (_, index) => fc.sample(event(index), { numRuns: 1, seed: seed + index })[0] as AuditEvent);
    await service.parts.events.insert(events.map(eventRow));
    pool = createPool({ databaseUrl: service.database.url, databasePoolSize: 1 }, () => {});
    client = await pool.connect();
    await client.query("begin read only; set local role authenticated");
    await client.query("select set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ app_metadata: { tenant_ids: [tenantA], audit_role: "viewer" } }),
    ]);
  });
  afterAll(async () => {
    client?.release();
    await pool.end();
    await service.stop();
  });

  it("takes from memory exactly the events that Postgres answers with, for any filter", async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(filter, async (asked) => {
        const { rows } = await client.query<{ id: string }>(statement(pageSql(asked, "asc", undefined, 1000, 0)));
        const expected = events.filter((one) => matches(asked, one)).map(({ id }) => id).sort();
        expect(rows.map(({ id }) => id).sort()).toEqual(expected);
        found += rows.length;
      }),
      { numRuns: 600, seed },
    );
    expect(found).toBeGreaterThan(1_000);
  });
});

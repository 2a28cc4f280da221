import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leafRoom, leafRowColumns, writeLeaf } from "../../adapters/postgres/leaf-row.ts";
import { inTransaction } from "../../adapters/postgres/transaction.ts";
import { committedColumns, rowToCommitted } from "../../adapters/postgres/seal-leaf.ts";
import type { AuditEvent } from "../../core/event.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const plain = {
  tenant_id: tenantId,
  occurred_at: "2026-11-22T10:11:12.345Z",
  received_at: "2026-11-22T10:11:13Z",
  id: "01a202bd-0759-7b3c-9d21-0f6a8c2e5b14",
  seq: 7,
  principal: "key:test",
  event_type: "a.b",
  result: "success",
  leaf_hash: `\\x${"5a".repeat(32)}`,
};

/** Rows that hold what a reader could mistake; not only such as a door lets in. */
const awkward: readonly (readonly [what: string, row: Record<string, unknown>])[] = [
  ["a text that is the mark of null", { actor_id: "\u0002" }],
  ["a text that holds the delimiter", { message: "a\u0001b" }],
  ["a text that ends in the delimiter, before an absent one", { object_id: "a\u0001\u0002" }],
  ["a delimiter in one text, and in the next what takes one for its own: an address", { actor_id: "a\u0001b", event_type: "a.b", ip_address: "10.1.2.3" }],
  ["a delimiter in one text, and in the next what takes one for its own: a list", { actor_id: 'a\u0001[1, "b', actor_type: 'c"]' }],
  ["the same with a name", { actor_id: 'a\u0001{"b', actor_type: 'c": 1}' }],
  ["the same with an escape", { actor_id: 'a\u0001["b\\', actor_type: 'c"]' }],
  ["the same behind a name", { actor_id: 'a\u0001{"b"', actor_type: " 1}" }],
  ["other control characters, quotes and backslashes", { message: '\n\r\t\b\f\u001f\u007f"\\\\/ \\' }],
  ["texts of two, three and four bytes a character", { message: "größer − 漢字 😀", object_id: "é", actor_id: "😀" }],
  ["empty texts", { message: "", actor_id: "", object_id: "" }],
  ["microseconds", { occurred_at: "2026-11-22T10:11:12.345678Z" }],
  ["whole seconds", { occurred_at: "2026-11-22T10:11:12Z" }],
  ["tenths", { occurred_at: "2026-11-22T10:11:12.1Z" }],
  ["a year of five digits", { occurred_at: "12026-11-22T10:11:12.345Z" }],
  ["a year before Christ", { received_at: "0044-03-15 10:11:12+00 BC" }],
  ["a time without end", { received_at: "infinity" }],
  ["IPv4", { ip_address: "10.1.2.3" }],
  ["IPv4 with a mask", { ip_address: "10.1.2.0/24" }],
  ["IPv6", { ip_address: "2001:db8::1" }],
  ["IPv6 that is printed with dots", { ip_address: "::102:304" }],
  ["IPv6 with a mask", { ip_address: "2001:db8::/32" }],
  ["whole numbers", { duration_ms: 0, producer_seq: 9007199254740991 }],
  ["members out of order", { context: { b: 1, a: 2, aa: 3, B: 4, "": 5, ab: { z: 1, y: [{ d: 1, c: 2 }] } } }],
  ["names that look like an index", { context: { 10: 1, 9: 2, 1: 3 } }],
  ["names with escapes and wide characters", { context: { 'q"': 1, "q\\\\": 2, "q\n": 3, "ü": 4, "😀": 5, "\uffee": 6 } }],
  ["scalars", { context: [true, false, null, "", "\u0001", "😀", -1, 0.1, 1e21, 1e-7, 1.5e-8, 123456789012345680, 0.1234567890123456] }],
  ["empty values", { context: { a: {}, b: [], c: [[]], d: [{}] } }],
  ["a context that is a text", { context: "a\u0001b" }],
  ["a long message", { message: "x".repeat(70_000) }],
];

/** Updates events as a superuser for whom no trigger stands in the way. */
async function tamper(log: TestLog, ...updates: readonly string[]): Promise<void> {
  const { rows } = await log.admin.query("select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_log.events'::regclass");
  for (const { name } of [{ name: "audit_log.events" }, ...rows]) await log.admin.query(`alter table ${name} disable trigger all`);
  for (const update of updates) await log.admin.query(`update audit_log.events set ${update}`);
}

describe("writeLeaf()", () => {
  let log: TestLog;
  beforeAll(async () => void (log = await openLog()));
  afterAll(() => log.close());

  const room = { input: new Uint8Array(0), length: 0, place: 0, bytes: new Uint8Array(leafRoom), end: 0 };

  const options = { role: "audit_job", action: "read rows", statementTimeoutMs: 30_000, log: () => {} } as const;

  /** The leaves of these rows, undefined of one that is left alone. */
  async function fastLeavesOf(select: string): Promise<(string | undefined)[]> {
    const leaves: (string | undefined)[] = [];
    await inTransaction(log.pool, options, (transaction) =>
      transaction.copied(`copy (${select}) to stdout (format binary)`, (row) => {
        // Between others, as in a page.
        room.input = new Uint8Array(row.length + 2).fill(7);
        room.input.set(row, 1);
        room.end = 0;
        leaves.push(writeLeaf(room, 1, 1 + row.length) ? new TextDecoder().decode(room.bytes.subarray(0, room.end)) : undefined);
      }));
    return leaves;
  }

  /** The leaf by the fast way, undefined when it leaves the row alone, and by the exact way. */
  async function leavesOf(rows: readonly object[]) {
    const made = `from jsonb_populate_recordset(null::audit_log.events, $json$${JSON.stringify(rows)}$json$) with ordinality as e order by ordinality`;
    const fast = await fastLeavesOf(`select ${leafRowColumns} ${made}`);
    const exact = await inTransaction(log.pool, options, (transaction) => transaction.texts(`select ${committedColumns} ${made}`));
    return exact.map((row, at) => ({ fast: fast[at], exact: `\0${rowToCommitted(row as [string, string]).leaf}` }));
  }

  it.each(awkward)("gives the leaf of the exact way, or none: %s", async (_, changes) => {
    const [leaf] = await leavesOf([{ ...plain, ...changes }]);
    if (leaf?.fast !== undefined) expect(leaf.fast).toBe(leaf.exact);
  });

  it("writes control characters, empty texts and what is absent, each as what it is", async () => {
    const leaves = await leavesOf([{ ...plain, actor_id: "\u0002" }, { ...plain, message: "a\u0001b" }, { ...plain, actor_id: "" }, plain]);
    for (const { fast, exact } of leaves) expect(fast).toBe(exact);
    expect(new Set(leaves.map(({ fast }) => fast)).size).toBe(4);
  });

  it.each(["microseconds", "a year before Christ", "a time without end", "IPv4 with a mask", "IPv6 that is printed with dots", "a long message"])(
    "leaves a row alone: %s",
    async (what) => {
      const [, changes] = awkward.find(([name]) => name === what) as (typeof awkward)[number];
      expect((await leavesOf([{ ...plain, ...changes }]))[0]?.fast).toBeUndefined();
    },
  );

  it("leaves a row alone whose columns have another type than they should, or hold nothing", async () => {
    const made = `from jsonb_populate_recordset(null::audit_log.events, $json$${JSON.stringify([plain])}$json$) as e`;
    const swapped = [
      ["leaf_hash", "null::bytea"],
      ["leaf_hash", "'\\x00'::bytea"],
      ["id", "id::text"],
      ["received_at", "received_at::text"],
      ["context", "'{}'::text"],
      ["duration_ms", "1::smallint"],
      ["producer_seq", "9223372036854775807"],
      ["ip_address::text", "'10.1.2.3'"],
      ["result", "result, 'one more'"],
    ] as const;
    for (const [column, instead] of swapped) {
      const columns = leafRowColumns.split(", ").map((name) => name === column ? instead : name).join(", ");
      expect(columns).not.toBe(leafRowColumns);
      expect(await fastLeavesOf(`select ${columns} ${made}`), instead).toEqual([undefined]);
    }
  });

  it("writes the leaves of all events without escapes and without characters of four bytes", async () => {
    const events = randomEvents(randomFrom(5), 2000, { tenantIds: [tenantId] });
    const leaves = await leavesOf(events.map((event, seq) => ({ ...event, seq, leaf_hash: plain.leaf_hash })));
    expect(leaves.filter(({ fast, exact }) => fast !== undefined && fast !== exact)).toEqual([]);
    const simple = leaves.filter(({ exact }) => !/\\|"::|[\u{10000}-\u{10ffff}]/u.test(exact));
    expect(simple.length).toBeGreaterThan(100);
    expect(simple.filter(({ fast }) => fast === undefined)).toEqual([]);
  });

  it("is not the last word: what it leaves alone is sealed by the exact way, and so is what differs reported", async () => {
    const event = { ...randomEvents(randomFrom(6), 1, { tenantIds: [tenantId] })[0] as AuditEvent };
    const left = { context: { 'a "name"': 1 } };
    const events = [{ ...left, message: "good" }, { ...left, message: "zeros" }, { message: "gone" }];
    await log.ingest(events.map((changes, at) => ({ ...event, ...changes, id: `01a202bd-0759-7b3c-9d21-0f6a8c2e5b1${at}` })));
    // Were a row that is left alone taken for one whose hash is all zeros, the second would be sealed.
    await tamper(log, "leaf_hash = decode(repeat('00', 32), 'hex') where message = 'zeros'", "message = null where message = 'gone'");
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 1, problems: 2 });
  });

  it("is given row after row of as many pages as there are, and of one that is longer than any leaf the front alone", async () => {
    const events = randomEvents(randomFrom(7), 250, { tenantIds: [tenantId] }).map((event, at) => ({ ...event, message: `${at} ${"m".repeat(8_000)}` }));
    await log.ingest(events, 50);
    await tamper(log, "message = repeat('m', 600000) where message like '100 m%'", "message = message || 'n' where message like '200 m%'");
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 248, problems: 2 });
    const { rows } = await log.admin.query(`select right(e.message, 1) as last from audit_log.seal_problems as p
      join audit_log.events as e using (tenant_id, occurred_at, id) where length(e.message) > 8000 order by p.seq`);
    expect(rows).toEqual([{ last: "m" }, { last: "n" }]);
  });
});

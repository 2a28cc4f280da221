import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leafRoom, leafRowColumns, writeLeaf } from "../../adapters/postgres/leaf-row.ts";
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

describe("writeLeaf() of a row as text", () => {
  let log: TestLog;
  beforeAll(async () => void (log = await openLog()));
  afterAll(() => log.close());

  const room = { input: new Uint8Array(300_000), length: 0, place: 0, bytes: new Uint8Array(leafRoom), end: 0 };
  const front = { seq: 0, hashAt: 0, tenantAt: 0, idAt: 0, occurredAt: 0, receivedAt: 0, nulls: 0 };

  /** The leaf by the fast way, undefined when it leaves the row alone, and by the exact way. */
  async function leavesOf(rows: readonly object[]) {
    const client = await log.pool.connect();
    await client.query("begin; set local role audit_job; set local timezone = 'UTC'; set local datestyle = 'ISO'");
    const { rows: texts } = await client.query<[string, string, string]>({
      text: `select ${leafRowColumns}, ${committedColumns} from jsonb_populate_recordset(null::audit_log.events, $1) with ordinality as e order by ordinality`,
      values: [JSON.stringify(rows)],
      rowMode: "array",
      types: { getTypeParser: () => (value: unknown) => value } as never,
    });
    await client.query("commit");
    client.release();
    return texts.map(([row, id, committed]) => {
      room.length = new TextEncoder().encodeInto(row, room.input).written;
      room.end = 0;
      const fast = writeLeaf(room, front) ? new TextDecoder().decode(room.bytes.subarray(0, room.end)) : undefined;
      return { fast, exact: `\0${rowToCommitted([id, committed]).leaf}` };
    });
  }

  it.each(awkward)("gives the leaf of the exact way, or none: %s", async (_, changes) => {
    const [leaf] = await leavesOf([{ ...plain, ...changes }]);
    if (leaf?.fast !== undefined) expect(leaf.fast).toBe(leaf.exact);
  });

  it("leaves a row alone that holds a delimiter or a mark of null, and takes none for a value that is absent", async () => {
    const leaves = await leavesOf([{ ...plain, actor_id: "\u0002" }, { ...plain, message: "a\u0001b" }, { ...plain, actor_id: "a" }]);
    expect(leaves.map(({ fast }) => fast === undefined)).toEqual([true, true, false]);
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
    const awkwardEvents = ["a\u0001b", "\u0002", "plain"].map((message, at) => ({ ...event, id: `01a202bd-0759-7b3c-9d21-0f6a8c2e5b1${at}`, message }));
    await log.ingest(awkwardEvents);
    // As a superuser for whom no trigger stands in the way. Were a row that is left alone taken for one whose hash is all zeros, the first would be sealed.
    const { rows } = await log.admin.query("select inhrelid::regclass::text as name from pg_inherits where inhparent = 'audit_log.events'::regclass");
    for (const { name } of [{ name: "audit_log.events" }, ...rows]) await log.admin.query(`alter table ${name} disable trigger all`);
    await log.admin.query("update audit_log.events set leaf_hash = decode(repeat('00', 32), 'hex') where message = e'\\x02'");
    await log.admin.query("update audit_log.events set message = null where message = 'plain'");
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 1, problems: 2 });
  });
});

import { describe, expect, it } from "vitest";
import { randomEvents, randomFrom } from "../test/support/random-events.ts";
import { jsonb, packedRow, textsOf } from "../test/support/packed-rows.ts";
import { canonical, leafColumns, leafOf } from "./leaf.ts";
import { columnsBeforeLeaf } from "./database-row.ts";
import { unpacked } from "./packed-event.ts";
import { writeLeaf } from "./packed-leaf.ts";
import type { PackedEvent } from "./source.ts";

const seed = Number(process.env["AUDIT_TEST_SEED"] ?? 1);
const events = randomEvents(randomFrom(seed), 4000, { tenantIds: ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"] });
const rows = events.map((event, i) => textsOf({ seq: i - 2000, leafHash: new Uint8Array(32).fill(i), event }));
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const quick = (row: PackedEvent): string | undefined => {
  const leaf = writeLeaf(row);
  expect(leaf?.bytes[0] ?? 0).toBe(0);
  return leaf && decoder.decode(leaf.bytes.subarray(1, leaf.end));
};
const exact = (row: PackedEvent): string | undefined => {
  try {
    return leafOf(unpacked(row).event);
  } catch {
    return undefined;
  }
};
/** A row with another text in a column. */
const changed = (row: readonly (string | null)[], column: string, text: string | null) =>
  packedRow(row.with(columnsBeforeLeaf + leafColumns.indexOf(column as never), text));

describe("unpacked()", () => {
  it(`gives back the events that were packed, seed ${seed}`, () => {
    for (const [i, event] of events.entries()) {
      const row = unpacked(packedRow(rows[i] as string[]));
      expect([row.seq, row.tenantId, row.id, row.occurredAt, row.leafHash]).toEqual([
        i - 2000,
        event.tenant_id,
        event.id,
        event.occurred_at,
        new Uint8Array(32).fill(i),
      ]);
      if (leafOf(row.event) !== leafOf(event)) expect(leafOf(row.event)).toBe(leafOf(event));
    }
  });
});

describe("writeLeaf()", () => {
  it(`writes what leafOf writes, a quarter of the events at least, few as are plain, seed ${seed}`, () => {
    let written = 0;
    for (const row of rows.map(packedRow)) {
      const leaf = quick(row);
      if (leaf === undefined) continue;
      written++;
      if (leaf !== exact(row)) expect(leaf).toBe(exact(row));
    }
    expect(written).toBeGreaterThan(rows.length / 4);
  });

  it("says where in it the id and the time are, and in its row the leaf hash", () => {
    const [row, event] = [packedRow(rows[7] as string[]), events[7]];
    const leaf = writeLeaf(changed(rows[7] as string[], "context", "{}"));
    const at = (from: number, length: number) => decoder.decode(leaf?.bytes.subarray(from, from + length));
    expect([at(leaf?.idAt as number, 36), at(leaf?.timeAt as number, 24)]).toEqual([event?.id, event?.occurred_at]);
    expect(decoder.decode(row.bytes.subarray(leaf?.hashAt, (leaf?.hashAt as number) + 64))).toBe("07".repeat(32));
  });

  // What it must leave to leafOf, or write alike: every spelling that a column could be given.
  const texts = [
    "",
    " ",
    "0",
    "-0",
    "-1",
    "007",
    "1e3",
    "1.5",
    '"',
    '1,"v":2',
    "\\",
    "\\u0041",
    "\u0000",
    "\u001f",
    "\u007f",
    "\u2028",
    "😀",
    "ü",
    "null",
    "NaN",
    "{}",
    "/32",
    "::",
  ];
  const spellings: Readonly<Record<string, readonly string[]>> = {
    duration_ms: ["2147483648", "999999999999999", "9007199254740993", "12,", '13,"event_type":"x"'],
    producer_seq: ["9007199254740991", "9007199254740992", "123456789012345"],
    ip_address: ["192.0.2.7", "192.0.2.7/24", "192.0.2.7/32", "::ffff:1.2.3.4/128", "::1.2.3.4/128", "2001:db8::/32", "2001:db8::1/128", "::/128", '1","x/32'],
    occurred_at: [
      "2026-11-22 02:37:18+00",
      "2026-11-22 02:37:18.1+00",
      "2026-11-22 02:37:18.123456+00",
      "2026-11-22 02:37:18.12+01",
      "10000-01-01 00:00:00+00",
      "0044-03-15 00:00:00+00 BC",
      "infinity",
      '2026-11-22 02:37:18."x+00',
      "2026-11-22T02:37:18.123Z",
    ],
    received_at: ["2026-11-22 02:37:18.1234+00", "-infinity", "2026-11-22 02:37:18.+00"],
    id: ["01A202BD-0759-7B3C-9D21-0F6A8C2E5B14", "01a202bd-0759-7b3c-9d21-0f6a8c2e5b1", '01a202bd-0759-7b3c-9d21-0f6a8c2e5b1"'],
  };
  it.each(leafColumns)("leaves alone whatever it does not know for sure of %s", (column) => {
    for (const text of [null, ...texts, ...spellings[column] ?? []]) {
      for (const row of rows.slice(0, 20)) {
        const packed = changed(row, column, text);
        const leaf = quick(packed);
        if (leaf !== undefined && leaf !== exact(packed)) expect(leaf, `${column} ${text}`).toBe(exact(packed));
      }
    }
  });

  const numbers = [
    "0",
    "-0",
    "-0.0",
    "0.0",
    "00",
    "01",
    "1.50",
    "150.00",
    "0.1",
    "-0.1",
    "0.000001",
    "0.0000012",
    "0.0000001",
    "0.00000012",
    "-0.0000001",
    ".5",
    "5.",
    "1.2.3",
    "-",
    "--1",
  ];
  const more = [
    "123456789012345",
    "1234567890123456",
    "0.12345678901234",
    "0.1234567890123456789",
    "9007199254740993",
    "1000000000000000000000",
    "1e5",
    "1E+2",
    "1-2",
    "+1",
  ];
  const others = [
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0041"',
    '"\\/"',
    '"a\u0001b"',
    '"open',
    '"\\"',
    "tru",
    "nul",
    "truee",
    "[1,2]",
    "[1, 2]",
    "[1, 2",
    "[1,  2]",
    "[1, ]",
    "[, ]",
    "{}",
    '{"a":1}',
  ];
  const names = [
    '{"a": 1, "a": 2}',
    '{"b": 1, "a": 2, "b": 3}',
    '{"b": 1, "a": 2}',
    '{"\\n": 1, "a": 2}',
    '{"\uffff": 1, "😀": 2}',
    '{"\ue000": 1, "é": 2}',
    '{"a": 1, }',
    '{"ab": 1, "a": 2}',
  ];
  const deep = ["[".repeat(100) + "]".repeat(100), '{"a": '.repeat(70) + "1" + "}".repeat(70), "[".repeat(5000)];
  it("leaves alone whatever it does not know for sure of a context", () => {
    const values = [...numbers, ...more, ...others, ...names, ...deep];
    for (const value of [...values, ...values.map((value) => `{"k": ${value}}`), ...values.map((value) => `{"k": ${value}, "j": [${value}, "x"]} `)]) {
      const packed = changed(rows[0] as string[], "context", value);
      const leaf = quick(packed);
      if (leaf !== undefined && leaf !== exact(packed)) expect(leaf, value).toBe(exact(packed));
    }
  });

  it(`writes numbers, names and nested values as canonical JSON has them, seed ${seed}`, () => {
    const random = randomFrom(seed + 1);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const name = () =>
      Array.from({ length: Math.floor(random() * 4) }, () => pick(["a", "b", "Z", "é", "€", "\ue000", "\uffff", "😀", '"', "\t", "1"])).join("");
    const value = (depth: number): unknown => {
      const kind = Math.floor(random() * (depth === 0 ? 4 : 6));
      if (kind === 0) return Math.round((random() - 0.5) * 10 ** Math.floor(random() * 22)) / 10 ** Math.floor(random() * 22) || 0;
      if (kind === 1) return name() + name();
      if (kind < 4) return pick([true, false, null, 0, -1, 0.1, 1.5e-6]);
      if (kind === 4) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth - 1));
      return Object.fromEntries(Array.from({ length: Math.floor(random() * 7) }, () => [name(), value(depth - 1)]));
    };
    let written = 0;
    for (let i = 0; i < 5000; i++) {
      const context = Object.fromEntries(Array.from({ length: 4 }, () => [name(), value(3)]));
      const packed = changed(rows[0] as string[], "context", jsonb(context));
      const leaf = quick(packed);
      if (leaf === undefined) continue;
      written++;
      if (!leaf.includes(`"context":${canonical(context)},`)) expect(leaf).toContain(canonical(context));
      if (leaf !== exact(packed)) expect(leaf).toBe(exact(packed));
    }
    expect(written).toBeGreaterThan(250);
  });

  it("leaves a row of more than 65,536 bytes alone", () => {
    expect(quick(changed(rows[0] as string[], "message", "x".repeat(60_000)))).toBeDefined();
    expect(quick(changed(rows[0] as string[], "message", "x".repeat(66_000)))).toBeUndefined();
    expect(quick(changed(rows[0] as string[], "user_agent", "\u0001".repeat(66_000)))).toBeUndefined();
  });
});

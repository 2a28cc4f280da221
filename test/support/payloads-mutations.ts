/** One field of a valid event, replaced by JSON text; `removes` takes away fields that would hide the effect. */
export type Mutation = { readonly name: string; readonly field: string; readonly removes?: readonly string[]; readonly variants: readonly Variant[] };

export type Variant = { readonly json: string | ((nowMs: number) => string); readonly expect: "stored" | "rejected" | "either" };

const text = (value: unknown) => JSON.stringify(value);
const stored = (...values: readonly unknown[]) => values.map((value): Variant => ({ json: text(value), expect: "stored" }));
const rejected = (...values: readonly unknown[]) => values.map((value): Variant => ({ json: text(value), expect: "rejected" }));
const rejectedJson = (...values: readonly string[]) => values.map((json): Variant => ({ json, expect: "rejected" }));
const either = (...values: readonly string[]) => values.map((json): Variant => ({ json, expect: "either" }));
const at = (expect: "stored" | "rejected", ...offsetsMs: readonly number[]) =>
  offsetsMs.map((offset): Variant => ({ json: (nowMs) => text(new Date(nowMs + offset).toISOString()), expect }));
/** An object nested `levels` deep, itself counted. */
const nested = (levels: number, open = '{"a":', close = "}", innermost = "{}") => open.repeat(levels - 1) + innermost + close.repeat(levels - 1);
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
const context = (json: string) => `{"deep":[{"here":${json}}]}`;

const notText = rejected(1, true, [], {}, ["a"], 1.5);
const units = ["x", "é", "€", "😀"];
/** Text of exactly `bytes` bytes, made of characters of one to four bytes and filled up with ASCII. */
const textsOf = (bytes: number) =>
  units.map((unit) => unit.repeat(Math.floor(bytes / Buffer.byteLength(unit))).padEnd(0) + "x".repeat(bytes % Buffer.byteLength(unit)));
const limited = (field: string, bytesMax: number): Mutation => ({
  name: `${field} at its limit`,
  field,
  variants: [...stored(...textsOf(bytesMax), ...textsOf(bytesMax - 1)), ...rejected(...textsOf(bytesMax + 1), "x".repeat(bytesMax * 3)), ...notText],
});
const unstorable = ['"a\\u0000b"', '"\\ud800"', '"\\udc00x"', '"\\ud83dx"', '"\\udc00\\ud800"'];
const typeNames = [
  ...rejected("", " ", "a b", "é", "a\n", "a\0", "x".repeat(101), "a;b", "ａ", "a\u200b"),
  ...stored("x".repeat(100), "A.b:C/d-e_9", "0"),
  ...notText,
];

const second = 1000;
const day = 86_400_000;

export const mutations: readonly Mutation[] = [
  ...["actor_id", "object_id", "request_id", "producer_id", "device_fingerprint"].map((field) => limited(field, 255)),
  limited("message", 8 * 1024),
  limited("user_agent", 2 * 1024),
  ...["actor_id", "message", "user_agent", "request_id", "context", "event_type", "id"].map((field): Mutation => ({
    name: `${field} that cannot be stored`,
    field,
    variants: rejectedJson(...unstorable),
  })),
  ...["event_type", "source", "actor_type", "object_type"].map((field): Mutation => ({ name: field, field, variants: typeNames })),
  { name: "event_type missing", field: "event_type", variants: [{ json: "null", expect: "rejected" }] },
  { name: "result", field: "result", variants: rejected("", "ok", "SUCCESS", "success ", 0, true, ["success"], {}) },
  {
    name: "id",
    field: "id",
    removes: [],
    variants: [
      ...rejected("", "x", 1, [], {}, "{123e4567-e89b-12d3-a456-426614174000}", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400"),
      ...rejected("123e4567-e89b-12d3-a456-426614174000 ", "123g4567-e89b-12d3-a456-426614174000", "urn:uuid:123e4567-e89b-12d3-a456-426614174000"),
      ...either('"00000000-0000-0000-0000-000000000000"', '"ffffffff-ffff-ffff-ffff-ffffffffffff"'),
    ],
  },
  {
    name: "id without a time",
    field: "id",
    removes: ["occurred_at"],
    variants: rejected(
      "123e4567-e89b-42d3-a456-426614174000",
      "00000000-0000-7000-8000-000000000000",
      "ffffffff-ffff-7fff-bfff-ffffffffffff",
      "123e4567-e89b-12d3-a456-426614174000",
    ),
  },
  {
    name: "occurred_at",
    field: "occurred_at",
    variants: [
      ...rejected("", "now", "tomorrow", "infinity", "-infinity", "epoch", "allballs", "0044-03-15 BC", "J2451187", 1_700_000_000, "1700000000", true, [], {}),
      ...rejected("2026-11-22", "2026-11-22T10:11:12", "2026-11-22 10:11:12Z", "2026-11-22T24:00:00Z", "2026-11-22T23:59:60Z", "2026-02-30T00:00:00Z"),
      ...rejected("+010000-01-01T00:00:00Z", "-000001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-11-22T10:11:12+24:00", "2026-11-22T10:11:12.Z"),
      ...rejected(
        "2026-11-22T10:11:12,5Z",
        "20261122T101112Z",
        "2026-W47-7T10:11:12Z",
        "２０２６-11-22T10:11:12Z",
        "2026-11-22T10:11:12 Z",
        "9999-12-31T23:59:59Z",
      ),
      ...at("rejected", -8 * day, 2 * 3600 * second, 400 * day, -40_000 * day),
      ...at("stored", -6.9 * day, 55 * 60 * second, 0, -1),
    ],
  },
  {
    name: "duration_ms",
    field: "duration_ms",
    variants: [
      ...stored(0, 0.4, 0.5, 2_147_483_647, 2_147_483_647.4),
      ...rejected(-1, 2_147_483_648, 1e300, "12", true, [], {}),
      ...rejectedJson("1e400", "-1e400"),
      ...either("-0", "-0.4", "5e-324"),
    ],
  },
  {
    name: "producer_seq",
    field: "producer_seq",
    variants: [
      ...stored(0, Number.MAX_SAFE_INTEGER),
      ...rejected(-1, 1.5, 2 ** 53, "1", true, []),
      ...rejectedJson("9007199254740993", "1e400"),
      ...either("-0", "1.0"),
    ],
  },
  {
    name: "ip_address",
    field: "ip_address",
    variants: [
      ...stored(
        "::",
        "::1",
        "0.0.0.0",
        "255.255.255.255",
        "::ffff:1.2.3.4",
        "::ffff:102:304",
        "::1.2.3.4",
        "2001:DB8::A",
        "fe80::1",
        "1:2:3:4:5:6:7:8",
        "64:ff9b::1.2.3.4",
      ),
      ...stored("1::", "0:0:0:0:0:0:0:0", "1:0:0:2:0:0:0:3", "2001:db8:0:0:1:0:0:1", "::ffff:0:0", "::ffff:0:1.2.3.4"),
      ...rejected("", "localhost", "1.2.3", "1.2.3.4:443", "1.2.3.4/32", "10.1", "010.0.0.1", "0x7f.0.0.1", "2130706433", "①②⑦.⓪.⓪.①", "1.2.3.256", " 1.2.3.4"),
      ...rejected(
        "fe80::1%eth0",
        "[::1]",
        "::1/128",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7:8:9",
        "::1.2.3",
        "::ffff:1.2.3.4.5",
        "g::1",
        "AWS Internal",
        1,
        [],
        "::٣",
      ),
    ],
  },
  {
    name: "tenant_id",
    field: "tenant_id",
    variants: rejected("", "x", 1, [], ["123e4567-e89b-12d3-a456-426614174000"], {}, true, "{123e4567-e89b-12d3-a456-426614174000}", "' or true --"),
  },
  {
    name: "context of another kind",
    field: "context",
    variants: rejected(1, "x", true, [], [{}], "{}"),
  },
  {
    name: "context at its limits",
    field: "context",
    variants: [
      { json: nested(32), expect: "stored" },
      { json: nested(33), expect: "rejected" },
      { json: `{"a":${nested(31, "[", "]", "[]")}}`, expect: "stored" },
      { json: `{"a":${nested(32, "[", "]", "[]")}}`, expect: "rejected" },
      ...stored(keys(256), { a: keys(256) }, { a: "x".repeat(32 * 1024 - 8) }, {}),
      ...rejected(keys(257), { a: [keys(257)] }, { a: "x".repeat(32 * 1024 - 7) }, { a: "x".repeat(60_000) }, { a: "😀".repeat(8_192) }),
    ],
  },
  {
    name: "number in context",
    field: "context",
    variants: [
      ...["1e400", "-1e400", "9007199254740993", "5e-324", "1e300", "1e-31", "-9007199254740993", "1e131071"].map((json): Variant => ({
        json: context(json),
        expect: "rejected",
      })),
      ...["0", "-0", "1e-30", "0.1", "1.10", "9007199254740991", "1E2", "-1.5e-7", "0.30000000000000004"].map((json): Variant => ({
        json: context(json),
        expect: "stored",
      })),
    ],
  },
  {
    name: "key in context",
    field: "context",
    variants: [
      ...["__proto__", "constructor", "prototype", "\\u005f_proto__", "a\\u0000", "\\ud800"].flatMap((key) => [
        { json: `{"${key}":{"isAdmin":true}}`, expect: "rejected" } as const,
        { json: context(`{"${key}":1}`), expect: "rejected" } as const,
      ]),
      { json: '{"a":1,"a":2}', expect: "stored" },
      { json: '{"a":{"__proto__":1},"a":2}', expect: "either" },
    ],
  },
  ...["__proto__", "constructor", "seq", "leaf_hash", "received_at", "principal", "eventType", "", "Event_Type", "event_type ", "toString"].map((
    field,
  ): Mutation => ({
    name: `unknown field ${field}`,
    field,
    variants: rejected(1, "x", {}, { isAdmin: true }),
  })),
  { name: "two names of one field", field: "operation_type", variants: rejected("surely.another.name") },
  { name: "alias", field: "timestamp", removes: ["occurred_at", "id"], variants: [...at("stored", -1000), ...at("rejected", -9 * day)] },
  { name: "alias", field: "operator", removes: ["actor_id"], variants: [...stored("alice"), ...rejected("x".repeat(256), 1)] },
  { name: "alias", field: "operation_type", removes: ["event_type"], variants: [...stored("a.b"), ...rejected("", "a b")] },
  { name: "alias", field: "extra_info", removes: ["context"], variants: [...stored({ a: 1 }), ...rejected([], "x")] },
  { name: "leaf", field: "message", removes: ["context"], variants: stored("\u0001".repeat(8 * 1024)) },
];

/** Elements of `events` that are no events, and objects built to be mistaken for something else. */
export const hostileEvents: readonly string[] = [
  "null",
  "true",
  "0",
  "1e400",
  '""',
  '"event_type"',
  "[]",
  "{}",
  '[{"event_type":"a.b"}]',
  '{"length":1000000000}',
  '{"__proto__":{"event_type":"a.b"}}',
  '{"event_type":{"toString":"a"}}',
  '{"event_type":"a.b","toJSON":"x"}',
  '{"event_type":"a.b","context":{"toJSON":"x","then":"y","valueOf":1}}',
  '{"event_type":["a.b"]}',
  '{"event_type":"a.b","event_type":"c.d"}',
  '{"event_type":"a.b","tenant_id":null}',
  '{"event_type":"a.b","context":null,"id":null,"occurred_at":null}',
  `{${Array.from({ length: 300 }, (_, index) => `"k${index}":1`).join(",")}}`,
  `{"event_type":"a.b","message":"${"\\u0000".repeat(100)}"}`,
];

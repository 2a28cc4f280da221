import fc from "fast-check";
import { canary } from "./canary.ts";

/** Text that may stand in an event: any Unicode but U+0000 and halves of surrogate pairs. */
const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: "binary", maxLength }),
    fc.string({ unit: "grapheme", maxLength }),
    fc.constantFrom(
      "",
      " ",
      '"',
      "\\",
      "\u0001\u001f\u007f\u0085",
      "\u2028\u2029",
      "\ufeff",
      "e\u0301",
      "\u00e9",
      "\ud83d\ude00",
      "{}",
      "null",
      "NULL",
      "{a,b}",
      "\\x00",
      "'; --",
      canary,
    ),
  ).filter((value) => value.isWellFormed() && !value.includes("\0"));
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => Number.isInteger(value) ? Number.isSafeInteger(value) : Math.abs(value) >= 1e-30),
  fc.constantFrom(0, -0, 1e-7, 1e-30, -1e-30, 0.1 + 0.2, 1.0000000000000002, 123456789.12345679, 2 ** 53 - 1, -(2 ** 53) + 1, 4.35, 5e-5),
);
const key = fc.oneof(
  text(8),
  fc.nat({ max: 99 }).map(String),
  fc.constantFrom("a", "B", "ä", "\ud83d\ude00", "\ufb33", "10", "9", "01", "toString", "hasOwnProperty"),
)
  .filter((name) => !["__proto__", "constructor", "prototype"].includes(name));
const context = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    number,
    text(12),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.dictionary(key, tie("value"), { maxKeys: 5 }),
})).object;
const typeName = fc.stringMatching(/^[A-Za-z0-9_.:/-]{1,20}$/);
const indexed = text(40);

/** An event as a producer may send it, with no id and no time: every field that may be absent is at times, and all of its values can be stored. */
export const storableEvent = fc.record({
  source: typeName,
  actor_id: indexed,
  actor_type: typeName,
  event_type: typeName,
  object_type: typeName,
  object_id: indexed,
  result: fc.constantFrom("success", "failure", "warning"),
  message: text(300),
  duration_ms: fc.double({ min: 0, max: 2 ** 31 - 1, noNaN: true }),
  context,
  ip_address: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("::1.2.3.4", "::ffff:10.0.0.1", "::", "fe80::1", "2001:DB8:0:0:1:0:0:1")),
  user_agent: text(120),
  device_fingerprint: indexed,
  request_id: indexed,
  producer_id: indexed,
  producer_seq: fc.maxSafeNat(),
}, { requiredKeys: ["event_type"] });

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "./format/canonical-json.ts";
import { parseJsonText } from "./format/parse-json.ts";
import type { Json } from "./event.ts";
import { limits } from "./limits.ts";
import { plainContextJson } from "./plain-context.ts";

const key = fc.oneof(
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.nat({ max: 120 }).map(String),
  fc.constantFrom("__proto__", "constructor", "prototype", "toJSON", "", "01", "4294967294", "\u20ac", "\ufb33", "\ud83d\ude00", "\ud800"),
);
const context = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false, -0, 1e21, 1e-7, 5e-324, 2 ** 53, 1e400, -1e-30, "\\u0000", "\0", "\n\u001f", "\udc00"),
    fc.double({ noNaN: true }),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  // Entries by parsing: an own `__proto__` key, as a body can have it.
  object: fc.array(fc.tuple(key, tie("value")), { maxLength: 6 }).map((entries) =>
    parseJsonText(`{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`) as Record<string, unknown>
  ),
})).object;

describe("plainContextJson()", () => {
  it("is the canonical JSON or leaves the context to the careful way, for every object, and changes nothing", () => {
    let plain = 0;
    fc.assert(
      fc.property(context, (value) => {
        const before = JSON.stringify(value);
        const json = plainContextJson(value);
        expect(JSON.stringify(value)).toBe(before);
        if (json === undefined) return;
        plain++;
        expect(json).toBe(canonicalJson(value as Json));
      }),
      { numRuns: 3000 },
    );
    expect(plain).toBeGreaterThan(300);
  });

  it.each([
    ['{"b":[1,null,{"d":"é","c":-0}],"a":true}', '{"a":true,"b":[1,null,{"c":0,"d":"é"}]}'],
    ['{"1":1,"2":[{"b":1,"a":2}]}', '{"1":1,"2":[{"a":2,"b":1}]}'],
    ["{}", "{}"],
  ])("writes %s", (text, json) => {
    expect(plainContextJson(JSON.parse(text))).toBe(json);
  });

  const nested = (levels: number): Record<string, unknown> => levels === 1 ? {} : { a: nested(levels - 1) };
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
  it.each<[string, Record<string, unknown>]>([
    ["a key of a prototype", { b: [{ constructor: 1 }] }],
    ["U+0000", { a: "\0" }],
    ["half of a surrogate pair, in a key too", { "\ud800": 1 }],
    ["a number that jsonb does not keep", { a: [2 ** 53] }],
    ["one level too many", nested(limits.contextDepthMax + 1)],
    ["one key too many", { a: keys(limits.keysPerObjectMax + 1) }],
    ["keys that an object cannot list in order", { "9": 1, "10": 1 }],
  ])("leaves %s to the careful way", (_what, value) => {
    expect(plainContextJson(value)).toBeUndefined();
  });

  it("takes what just keeps every rule", () => {
    for (const value of [nested(limits.contextDepthMax), { a: keys(limits.keysPerObjectMax) }, { a: 2 ** 53 - 1, b: 1e-30 }]) {
      expect(plainContextJson(value)).toBe(canonicalJson(value as Json));
    }
  });
});

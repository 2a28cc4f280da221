import { readFileSync } from "node:fs";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../event.ts";
import { canonicalJson } from "./canonical-json.ts";
import { parseJsonText } from "./parse-json.ts";

const vectors = JSON.parse(readFileSync(new URL("../../test/vectors/rfc8785-jcs.json", import.meta.url), "utf8")) as Record<
  string,
  { readonly input: string; readonly output: string }
>;

/** JSON values with the keys that JavaScript treats in its own way. */
const key = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 5 }),
  fc.nat({ max: 120 }).map(String),
  fc.constantFrom("__proto__", "constructor", "toJSON", "", "01", "4294967295", "4294967294", "\u20ac", "\ufb33", "\ud83d\ude00"),
);
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(null, true, false, -0, 1e21, 1e-7, 5e-324, 2 ** 53 - 1),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
    fc.array(tie("value"), { maxLength: 4 }),
    // Entries by parsing: an own `__proto__` key, as a body can have it.
    fc.array(fc.tuple(key, tie("value")), { maxLength: 6 }).map((entries) =>
      parseJsonText(`{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`) as Json
    ),
  ),
})).value;

describe("canonicalJson()", () => {
  it.each(Object.entries(vectors))("writes the published vector %s", (_name, { input, output }) => {
    expect(canonicalJson(parseJsonText(input) as Json)).toBe(output);
  });

  it("equals the package canonicalize for every JSON value", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
      { numRuns: 3000 },
    );
  });

  it("is the same text whatever order the keys came in, and parses back to the same value", () => {
    fc.assert(fc.property(json, (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(reversed(value))).toBe(text);
      expect(canonicalJson(parseJsonText(text) as Json)).toBe(text);
    }));
  });

  it("sorts keys that look like an array index as text: 10 before 9", () => {
    expect(canonicalJson({ b: 1, 9: 1, 10: { z: 1, a: 2 } })).toBe('{"10":{"a":2,"z":1},"9":1,"b":1}');
  });

  it("escapes only what RFC 8785 section 3.2.2.2 says", () => {
    expect(canonicalJson('\b\t\n\f\r"\\/\u0001\u007f\u2028é')).toBe('"\\b\\t\\n\\f\\r\\"\\\\/\\u0001\u007f\u2028é"');
  });

  it("sorts an object of many keys like one of few", () => {
    const keys = Array.from({ length: 100 }, (_, index) => `k${(index * 37) % 100}`);
    expect(Object.keys(JSON.parse(canonicalJson(Object.fromEntries(keys.map((key) => [key, 1])))))).toEqual(keys.toSorted());
  });

  it("leaves the value as it was", () => {
    const value = { b: [{ d: 1, c: 2 }], a: 1 };
    canonicalJson(value);
    expect(JSON.stringify(value)).toBe('{"b":[{"d":1,"c":2}],"a":1}');
  });

  it.each([["a value", "\ud800"], ["a key", { "\udc00": 1 }], ["a nested key", { 9: [{ 10: 1, "a\ud800": 1 }] }]])(
    "refuses a lone surrogate in %s",
    (_where, value) => {
      expect(() => canonicalJson(value as Json)).toThrow("lone surrogate");
    },
  );

  it.each([NaN, Infinity, -Infinity])("refuses %s, also where objects are written key by key", (number) => {
    expect(() => canonicalJson(number)).toThrow("not finite");
    expect(() => canonicalJson({ 9: 1, 10: number })).toThrow("not finite");
  });
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).reverse().map(([name, item]) => `${JSON.stringify(name)}:${JSON.stringify(reversed(item as Json))}`);
  return parseJsonText(`{${members.join(",")}}`) as Json;
}

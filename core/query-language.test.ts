import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "./limits.ts";
import type { Condition } from "./query-filter.ts";
import { textFields } from "./query-filter.ts";
import { parseQuery } from "./query-language.ts";

const conditions = (text: string) => {
  const { query, faults } = parseQuery(text);
  expect(faults).toEqual([]);
  return query.conditions;
};
const faultOf = (text: string) => parseQuery(text).faults[0];

describe("parseQuery()", () => {
  it("reads the terms of the documentation's example", () => {
    expect(conditions('actor:alice action:order.* -result:success ip:10.0.0.0/8 "card declined"')).toEqual([
      { kind: "text", field: "actor_id", values: ["alice"], prefixes: [], negated: false },
      { kind: "text", field: "event_type", values: [], prefixes: ["order."], negated: false },
      { kind: "result", values: ["success"], negated: true },
      { kind: "ip", networks: ["10.0.0.0/8"], negated: false },
      { kind: "words", text: "card declined", negated: false },
    ]);
  });

  it("takes commas as alternatives, quotes as they are, and lowers what is stored in lower case", () => {
    expect(conditions('actor:Alice,"Bob, B" type:CREATE,Order.* source:API')).toEqual([
      { kind: "text", field: "actor_id", values: ["Alice", "Bob, B"], prefixes: [], negated: false },
      { kind: "text", field: "event_type", values: ["create"], prefixes: ["order."], negated: false },
      { kind: "text", field: "source", values: ["api"], prefixes: [], negated: false },
    ]);
    expect(conditions(String.raw`object:"say \"hi\" \\o/"`)).toMatchObject([{ values: [String.raw`say "hi" \o/`] }]);
    expect(conditions('object:"a*b" object:"a b"*')).toMatchObject([{ values: ["a*b"] }, { prefixes: ["a b"] }]);
  });

  it("reads a star alone as any value", () => {
    expect(conditions("-actor:*")).toEqual([{ kind: "text", field: "actor_id", values: [], prefixes: [""], negated: true }]);
  });

  it.each<[string, number | undefined, number | undefined]>([
    ["duration:500", 500, 500],
    ["duration:100..500", 100, 500],
    ["duration:100..", 100, undefined],
    ["duration:..500", undefined, 500],
    ["duration:>500", 501, undefined],
    ["duration:>=500", 500, undefined],
    ["duration:<500", undefined, 499],
    ["duration_ms:<=500", undefined, 500],
  ])("reads the range %s", (text, min, max) => {
    expect(conditions(text)).toEqual([{ kind: "duration", min, max, negated: false }]);
  });

  it.each<[string, string | undefined, string | undefined]>([
    ["created:2026-01-31", "2026-01-31T00:00:00.000Z", "2026-01-31T23:59:59.999Z"],
    ["created:2026-01-01..2026-01-31", "2026-01-01T00:00:00.000Z", "2026-01-31T23:59:59.999Z"],
    ["created:>2026-01-31", "2026-02-01T00:00:00.000Z", undefined],
    ["created:<2026-01-31", undefined, "2026-01-30T23:59:59.999Z"],
    ["created:>=2026-01-31T08:00:00+02:00", "2026-01-31T06:00:00.000Z", undefined],
    ['created:"2026-01-31 08:00"', "2026-01-31T08:00:00.000Z", "2026-01-31T08:00:00.000Z"],
    ["created:>=2026-01-01 created:<2026-02-01 created:>2025-01-01", "2026-01-01T00:00:00.000Z", "2026-01-31T23:59:59.999Z"],
  ])("reads the time of %s", (text, from, to) => {
    expect(parseQuery(text)).toEqual({ query: { conditions: [], from, to }, faults: [] });
  });

  it("looks for what combines terms elsewhere when it is quoted, in lower case or within a word", () => {
    expect(conditions('"OR" or ORDER (declined)')).toEqual(["OR", "or", "ORDER", "(declined)"].map((text) => ({ kind: "words", text, negated: false })));
  });

  it("looks into the context by path", () => {
    expect(conditions("context.order.total:150")).toEqual([{ kind: "context", path: ["order", "total"], values: ["150"], prefixes: [], negated: false }]);
  });

  it.each([
    ["actr:alice", 0, /not known/, /did you mean actor\?/],
    ["a https://example.com", 2, /not known/, /quotation marks/],
    ["actor:", 6, /missing/, /actor:alice/],
    ["actor:a,", 8, /missing/, /actor:alice/],
    ['actor:"alice', 6, /not closed/, /second "/],
    ["action:*.created", 7, /star/, /prefix/],
    ['actor:al"ice"', 8, /inside a word/, /quote/],
    ['actor:"al"ice', 10, /follows/, /space/],
    ["result:done", 7, /result/, /success, failure, warning/],
    ["ip:10.1", 3, /IP address/, /192\.0\.2\.7/],
    ["ip:10.0.0.0/33", 3, /IP address/, /\/8/],
    ["id:123", 3, /UUID/, /36 characters/],
    ["created:yesterday", 0, /date/, /created:2026/],
    ["created:2026-02-31", 0, /date/, /created:2026/],
    ["-created:2026-01-01", 0, /negated/, /created:</],
    ["created:2026-02-01..2026-01-01", 0, /no time/, /earlier date first/],
    ["created:2026-01-01 created:2026-02-01", 0, /no time/, /one term/],
    ["context.total:>100", 14, /no ranges/, /total:150.*quotation marks/],
    ["context.total:5,100..200", 16, /no ranges/, /total:150/],
    ["duration:fast", 0, /milliseconds/, /duration:500/],
    ["duration:500..100", 0, /empty/, /smaller/],
    ["context..a:1", 0, /path/, /context\.order/],
    [`actor:${"é".repeat(128)}`, 6, /255 bytes/, /star/],
    ["actor:alice OR actor:bob", 12, /OR/, /commas.*quotation marks/],
    ["actor:alice AND result:failure", 12, /AND/, /leave it out/],
    ["NOT result:success", 0, /NOT/, /minus/],
    ["action:a (actor:alice", 9, /parenthesis/, /leave it out/],
  ])("refuses %s", (text, position, message, hint) => {
    const fault = faultOf(text);
    expect(fault).toMatchObject({ position });
    expect(fault?.message).toMatch(message);
    expect(fault?.hint).toMatch(hint);
  });

  it("names every fault, in order, and keeps the position of each", () => {
    expect(parseQuery("foo:1 actor:a result:x ip:y").faults.map((fault) => fault.position)).toEqual([0, 21, 26]);
  });

  it("refuses more terms than the limit", () => {
    expect(faultOf(Array.from({ length: limits.queryTermsMax + 1 }, () => "a").join(" "))?.message).toMatch(/at most 50 terms/);
    expect(faultOf(Array.from({ length: limits.queryTermsMax }, () => "a").join(" "))).toBeUndefined();
  });

  it("never throws, and points into the text, whatever it is given", () => {
    const piece = fc.constantFrom(
      "actor:",
      "-",
      '"',
      "\\",
      "*",
      ",",
      "..",
      ">=",
      "created:",
      "2026-01-01",
      "duration:",
      "9",
      "ip:",
      "::1",
      "/8",
      " ",
      "\t",
      "context.",
      ":",
      "\0",
      "\ud800",
      "é",
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(""))), (text) => {
        const { faults, query } = parseQuery(text);
        for (const { position, length } of faults) expect(position >= 0 && position + length <= text.length).toBe(true);
        expect(faults.length <= 10 && query.conditions.length <= limits.queryTermsMax).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads back any text condition that is written with quotes", () => {
    const value = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => new TextEncoder().encode(text).length <= limits.indexedBytesMax);
    const condition = fc.record({
      field: fc.constantFrom(...textFields),
      values: fc.array(value, { minLength: 1, maxLength: 4 }),
      prefixes: fc.array(value, { maxLength: 3 }),
      negated: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 5 }), (written) => {
        const text = written.map(({ field, values, prefixes, negated }) =>
          `${negated ? "-" : ""}${field}:${[...values.map(quoted), ...prefixes.map((prefix) => `${quoted(prefix)}*`)].join(",")}`
        );
        expect(conditions(text.join("\n"))).toEqual(
          written.map((item): Condition => ({
            kind: "text",
            ...item,
            values: item.values.map(lowerOf(item.field)),
            prefixes: item.prefixes.map(lowerOf(item.field)),
          })),
        );
      }),
      { numRuns: 500 },
    );
  });
});

function quoted(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function lowerOf(field: string): (value: string) => string {
  return (value) => ["actor_type", "event_type", "object_type", "source"].includes(field) ? value.toLowerCase() : value;
}

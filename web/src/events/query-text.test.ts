import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { parseQuery } from "../../../core/query-language.ts";
import { type FormKey, formKeys, hasTerm, typedOf, withTerm, withTyped } from "./query-text.ts";

const fields = { action: "event_type", source: "source", actor: "actor_id", object: "object_id", object_type: "object_type" } as const;
const anyValue = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed() && !/\p{C}/u.test(text));

describe("withTerm()", () => {
  it("adds a term at the end, replaces it in its place, and takes it away", () => {
    expect(withTerm("", "actor", "alice")).toBe("actor:alice");
    expect(withTerm('action:order.* "card declined"', "actor", "alice")).toBe('action:order.* "card declined" actor:alice');
    expect(withTerm("actor:alice result:failure", "actor", "bob")).toBe("actor:bob result:failure");
    expect(withTerm("actor:alice result:failure", "actor", "")).toBe("result:failure");
  });

  it("leaves negated terms and words in quotes alone", () => {
    expect(withTerm('-actor:alice "actor:carol"', "actor", "bob")).toBe('-actor:alice "actor:carol" actor:bob');
    expect(typedOf('-actor:alice "actor:carol"', "actor")).toBe("");
  });

  it("writes any value, stars and commas too, so that the query language reads exactly that value", () => {
    fc.assert(fc.property(anyValue, (text) => {
      const q = withTerm("", "actor", text);
      expect(hasTerm(q, "actor", text)).toBe(true);
      const { query, faults } = parseQuery(q);
      expect(faults).toEqual([]);
      expect(query.conditions).toEqual([{ kind: "text", field: "actor_id", values: [text], prefixes: [], negated: false }]);
    }));
  });

  it("never disturbs another field's term", () => {
    const key = fc.constantFrom(...Object.keys(formKeys) as FormKey[]);
    fc.assert(fc.property(key, key, fc.stringMatching(/^[a-z0-9." *,]{1,12}$/), fc.stringMatching(/^[a-z0-9." *,]{1,12}$/), (first, second, one, two) => {
      fc.pre(first !== second);
      const q = withTerm(withTerm("", first, one), second, two);
      expect([hasTerm(q, first, one), hasTerm(q, second, two)]).toEqual([true, true]);
    }));
  });
});

describe("withTyped()", () => {
  it.each([
    ["order.*", [], ["order."]],
    ["order.created,user.login", ["order.created", "user.login"], []],
    ['"two words",one', ["two words", "one"], []],
    ["arn:aws:iam::1:*", [], ["arn:aws:iam::1:"]],
    ["Alice B", ["Alice B"], []],
    ['"a,b"', ["a,b"], []],
    ["-x", ["-x"], []],
  ])("takes %s as the query language does", (typed, values, prefixes) => {
    expect(parseQuery(withTyped("", "object", typed))).toMatchObject({ faults: [], query: { conditions: [{ field: "object_id", values, prefixes }] } });
  });

  it("changes nothing when what a field shows is typed there again", () => {
    const value = fc.oneof(
      anyValue.map((text) => withTerm("", "actor", text)),
      fc.array(anyValue, { minLength: 1, maxLength: 3 }).map((texts) => `actor:${texts.map((text) => JSON.stringify(text)).join(",")}`),
    );
    fc.assert(fc.property(value, (q) => {
      expect(parseQuery(withTyped(q, "actor", typedOf(q, "actor"))).query).toEqual(parseQuery(q).query);
    }));
  });
});

describe("typedOf()", () => {
  it.each(Object.entries(fields))("sees the field %s by each of its names", (key, field) => {
    for (const name of formKeys[key as keyof typeof fields]) {
      expect(parseQuery(`${name}:x`).query.conditions).toMatchObject([{ field }]);
      expect(typedOf(`${name}:x`, key as FormKey)).toBe("x");
    }
  });
});

import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { parseQuery } from "../../../core/query-language.ts";
import { type FormKey, formKeys, termOf, withTerm } from "./query-text.ts";

describe("withTerm()", () => {
  it("adds a term at the end, replaces it in its place, and takes it away", () => {
    expect(withTerm("", "actor", "alice")).toBe("actor:alice");
    expect(withTerm('action:order.* "card declined"', "actor", "alice")).toBe('action:order.* "card declined" actor:alice');
    expect(withTerm("actor:alice result:failure", "actor", "bob")).toBe("actor:bob result:failure");
    expect(withTerm("actor:alice result:failure", "actor", " ")).toBe("result:failure");
  });

  it("leaves negated terms and words in quotes alone", () => {
    expect(withTerm('-actor:alice "actor:carol"', "actor", "bob")).toBe('-actor:alice "actor:carol" actor:bob');
    expect(termOf('-actor:alice "actor:carol"', "actor")).toBe("");
  });

  it("writes any value so that the query language reads exactly that value", () => {
    const value = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((text) =>
      text.trim() === text && !/[*,]/.test(text) && text.isWellFormed() && !/\p{C}/u.test(text)
    );
    fc.assert(fc.property(value, (text) => {
      const q = withTerm("", "actor", text);
      expect(termOf(q, "actor")).toBe(text);
      const { query, faults } = parseQuery(q);
      expect(faults).toEqual([]);
      expect(query.conditions).toEqual([{ kind: "text", field: "actor_id", values: [text], prefixes: [], negated: false }]);
    }));
  });

  it("never disturbs another field's term", () => {
    const key = fc.constantFrom(...Object.keys(formKeys) as FormKey[]);
    fc.assert(fc.property(key, key, fc.stringMatching(/^[a-z0-9." ]{1,12}$/), fc.stringMatching(/^[a-z0-9." ]{1,12}$/), (first, second, one, two) => {
      fc.pre(first !== second && one.trim() !== "" && two.trim() !== "");
      const q = withTerm(withTerm("", first, one), second, two);
      expect(termOf(q, first)).toBe(one.trim());
      expect(termOf(q, second)).toBe(two.trim());
    }));
  });
});

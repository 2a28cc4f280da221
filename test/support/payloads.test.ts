import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply, batchCases, bodyOf, type EventCase, validCase } from "./payloads.ts";
import { hostileEvents, mutations } from "./payloads-mutations.ts";

const scope = { nowMs: Date.parse("2026-11-22T12:00:00Z"), tenantIds: ["123e4567-e89b-12d3-a456-426614174000"] };

describe("batchCases()", () => {
  it("makes JSON that parses, repeats with the seed, and holds events of every expectation", () => {
    const take = () => fc.sample(batchCases(scope, 40), { numRuns: 60, seed: 11 });
    const batches = take();
    expect(take()).toEqual(batches);
    for (const batch of batches) expect(JSON.parse(bodyOf(batch)).events).toHaveLength(batch.length);
    const seen = new Map<EventCase["expect"], number>();
    for (const { expect } of batches.flat()) seen.set(expect, (seen.get(expect) ?? 0) + 1);
    for (const kind of ["stored", "rejected", "either"] as const) expect(seen.get(kind), kind).toBeGreaterThan(20);
  });

  it("gives valid events distinct identities", () => {
    const ids = fc.sample(validCase(scope), { numRuns: 300, seed: 5 }).map((eventCase) => eventCase.id).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(100);
  });
});

describe("mutations", () => {
  it("are JSON in every variant and change exactly their field", () => {
    const fields = { event_type: "a.b", actor_id: "alice", context: { a: 1 }, message: "m" };
    for (const mutation of mutations) {
      for (let choice = 0; choice < mutation.variants.length; choice++) {
        const text = apply(fields, mutation, choice, scope).text;
        const changed = JSON.parse(text);
        expect(Object.keys(changed), text.slice(0, 100)).toContain(mutation.field);
        for (const [name, value] of Object.entries(fields)) {
          if (name !== mutation.field && !mutation.removes?.includes(name)) expect(changed[name]).toEqual(value);
        }
      }
    }
  });

  it("hit limits exactly, in characters of one to four bytes", () => {
    const limit = mutations.find((mutation) => mutation.name === "actor_id at its limit");
    const lengths = (limit?.variants ?? []).filter((variant) => variant.expect === "stored").map((variant) =>
      Buffer.byteLength(JSON.parse(String(variant.json)))
    );
    expect(lengths).toEqual([255, 255, 255, 255, 254, 254, 254, 254]);
  });
});

describe("hostileEvents", () => {
  it("are JSON", () => {
    for (const text of hostileEvents) expect(() => JSON.parse(text)).not.toThrow();
  });
});

import { describe, expect, it } from "vitest";
import { sha256 } from "../adapters/sha256.ts";
import { filterOf, questionBinding, questionJson, questionOf } from "./query.ts";
import { listParameters } from "./query-parameters.ts";

const now = new Date("2026-06-15T12:00:00.000Z");
const question = (query: string, tenantId = "t") => questionOf(listParameters.parse(Object.fromEntries(new URLSearchParams(query))), tenantId);
const windowOf = (query: string) => {
  const { from, to } = filterOf(question(query), now, 60);
  return [from, to];
};

describe("filterOf()", () => {
  it.each([
    ["", "2026-06-08T12:00:00.000Z", "2026-06-15T13:00:00.000Z"],
    ["from=2026-06-01", "2026-06-01T00:00:00.000Z", "2026-06-15T13:00:00.000Z"],
    ["to=2026-06-01", "2026-05-25T23:59:59.999Z", "2026-06-01T23:59:59.999Z"],
    ["start_date=2026-06-01&end_date=2026-06-01", "2026-06-01T00:00:00.000Z", "2026-06-01T23:59:59.999Z"],
    ["from=2026-07-01", "2026-07-01T00:00:00.000Z", "2026-07-01T01:00:00.000Z"],
    ["q=created:2026-06-02", "2026-06-02T00:00:00.000Z", "2026-06-02T23:59:59.999Z"],
    ["from=2026-06-02T12:00:00Z&q=created:2026-06-02..2026-06-30", "2026-06-02T12:00:00.000Z", "2026-06-30T23:59:59.999Z"],
  ])("takes its window from %j", (query, from, to) => expect(windowOf(query)).toEqual([from, to]));
});

describe("questionOf()", () => {
  it("is the same for the same question asked in two ways", () => {
    const [asked, again] = [question("event_type=ORDER.paid&q=actor:a"), question("q=actor:a action:order.paid actor:a")];
    expect(questionJson(asked)).toEqual(questionJson(again));
    expect(questionBinding(asked, sha256)).toBe(questionBinding(again, sha256));
  });

  it("is another for another tenant, another value and another sign", () => {
    const questions = [question("q=actor:a"), question("q=actor:a", "u"), question("q=actor:b"), question("q=-actor:a"), question("q=actor:a*"), question("")];
    const bindings = questions.map((one) => questionBinding(one, sha256));
    expect(new Set(bindings).size).toBe(6);
  });

  it("refuses a window that ends before it begins", () => {
    expect(() => question("from=2026-06-02&to=2026-06-01")).toThrow("ends before it begins");
    expect(() => question("to=2026-06-01&q=created:>2026-06-01")).toThrow("ends before it begins");
  });
});

import { describe, expect, it } from "vitest";
import { changeOf } from "./change.ts";

describe("changeOf()", () => {
  it("holds only what differs, on both sides", () => {
    const before = { status: "open", total: 10, lines: [1, 2], at: new Date(0), same: { a: 1 } };
    const after = { status: "paid", total: 10, lines: [1, 2, 3], at: new Date(1), same: { a: 1 }, paid: true };
    expect(changeOf(before, after)).toEqual({
      before: { status: "open", lines: [1, 2], at: "1970-01-01T00:00:00.000Z" },
      after: { status: "paid", lines: [1, 2, 3], at: "1970-01-01T00:00:00.001Z", paid: true },
      changed: ["status", "lines", "at", "paid"],
    });
  });

  it("compares BigInt, as databases give it for ids", () => {
    expect(changeOf({ id: 1n, total: 2n }, { id: 1n, total: 3n })).toEqual({ before: { total: "2" }, after: { total: "3" }, changed: ["total"] });
  });

  it("compares what toJSON() says of an object, and tells nothing that it keeps to itself", () => {
    const account = (name: string, hash: string) => ({ _doc: { name, hash }, toJSON: () => ({ name }) });
    expect(changeOf(account("a", "h1"), account("b", "h2"))).toEqual({ before: { name: "a" }, after: { name: "b" }, changed: ["name"] });
  });

  it("is empty between equal objects", () => {
    expect(changeOf({ a: { b: 1 } }, { a: { b: 1 } })).toEqual({ before: {}, after: {}, changed: [] });
  });

  it("keeps only the names when the sides are too large for an event", () => {
    expect(changeOf({ text: "a".repeat(10_000) }, { text: "b".repeat(10_000) })).toEqual({ changed: ["text"] });
  });
});

import { describe, expect, it } from "vitest";
import { changesOf } from "./event-diff.tsx";
import { sentenceOf } from "./event-sentence.ts";
import { searchOf, viewOf } from "../view-state.ts";

const said = (event: Parameters<typeof sentenceOf>[0]) => sentenceOf(event).map(({ text }) => text).join("");

describe("sentenceOf()", () => {
  it("says who did what to which thing, how it ended and how long it took", () => {
    const event = {
      actor_id: "user-123",
      event_type: "order.updated",
      object_type: "order",
      object_id: "order-456",
      result: "failure",
      duration_ms: 32,
    } as const;
    expect(said(event)).toBe("user-123 updated order order-456, failed, 32 ms");
  });

  it("does without what is absent", () => {
    expect(said({ event_type: "cache_refresh", result: "success" })).toBe("Somebody cache refresh");
  });

  it("still says what happened when names are long, and cuts no character in two", () => {
    const event = { actor_id: "😀".repeat(63), event_type: "file.read", object_type: "a".repeat(100), object_id: "b".repeat(60), result: "warning" } as const;
    expect(said(event)).toBe(`${"😀".repeat(59)}… read ${"a".repeat(59)}… ${"b".repeat(60)}, with a warning`);
    expect(sentenceOf(event).filter(({ isName }) => isName)).toHaveLength(3);
  });
});

describe("changesOf()", () => {
  it("lists the paths that differ, also those on one side only", () => {
    const context = { before: { total: 150, a: { b: 1, c: 2 }, gone: true }, after: { total: 175.5, a: { b: 1, c: 3 }, fresh: null } };
    expect(changesOf(context)).toEqual([
      { path: "a.c", before: "2", after: "3" },
      { path: "fresh", before: undefined, after: "null" },
      { path: "gone", before: "true", after: undefined },
      { path: "total", before: "150", after: "175.5" },
    ]);
  });

  it("tells a name with a dot from a path", () => {
    expect(changesOf({ before: { "a.b": 1 }, after: { a: { b: 1 } } })).toEqual([
      { path: '"a.b"', before: "1", after: undefined },
      { path: "a.b", before: undefined, after: "1" },
    ]);
  });

  it("is undefined unless both sides are objects", () => {
    expect(changesOf({ before: { a: 1 } })).toBeUndefined();
    expect(changesOf({ before: [1], after: { a: 1 } })).toBeUndefined();
    expect(changesOf(undefined)).toBeUndefined();
  });
});

describe("searchOf()", () => {
  it("writes a view so that viewOf() reads the same one", () => {
    for (
      const search of [
        "",
        "?q=actor%3Aalice&range=24h",
        "?from=2026-01-01T00%3A00%3A00.000Z&to=2026-01-02T00%3A00%3A00.000Z",
        "?page=integrity&zone=local",
        "?event=a&at=b&tenant=c",
      ]
    ) {
      expect(viewOf(searchOf(viewOf(search)))).toEqual(viewOf(search));
    }
  });

  it("leaves defaults out, so that the plain address is the plain view", () => {
    expect(searchOf(viewOf("?range=7d&zone=utc&q="))).toBe("");
  });
});

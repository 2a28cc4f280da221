import { describe, expect, it } from "vitest";
import { expiringCache } from "./expiring-cache.ts";

describe("expiringCache()", () => {
  it("forgets a value at its age, counted from when it was known", () => {
    let time = 1000;
    const cache = expiringCache<string>(10, 100, () => new Date(time));
    cache.set("a", "A", new Date(950));
    time = 1049;
    expect(cache.get("a")).toBe("A");
    time = 1050;
    expect(cache.get("a")).toBeUndefined();
  });

  it("makes room for a new value by the one set longest ago, and by no other", () => {
    const cache = expiringCache<number>(3, 100, () => new Date(0));
    for (const [index, name] of ["a", "b", "c", "a", "d"].entries()) cache.set(name, index, new Date(0));
    expect(["a", "b", "c", "d"].map((name) => cache.get(name))).toEqual([3, undefined, 2, 4]);
  });
});

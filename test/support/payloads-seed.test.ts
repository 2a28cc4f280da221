import { describe, expect, it } from "vitest";
import { randomOf } from "./payloads-seed.ts";

describe("randomOf()", () => {
  it("repeats with the seed, differs between seeds and stays in [0, 1)", () => {
    const take = (seed: number) => Array.from({ length: 1000 }, randomOf(seed));
    expect(take(7)).toEqual(take(7));
    expect(take(7)).not.toEqual(take(8));
    expect(take(7).every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(take(7)).size).toBeGreaterThan(990);
  });
});

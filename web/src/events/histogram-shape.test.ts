import { describe, expect, it } from "vitest";
import type { Bucket } from "../api.ts";
import { barsOf, HEIGHT, linesOf, ticksOf, WIDTH } from "./histogram-shape.ts";

const hour = 3_600_000;
const start = Date.parse("2026-11-20T22:00:00Z");
const bucket = (place: number, success: number, failure = 0, warning = 0): Bucket => ({
  from: new Date(start + place * hour).toISOString(),
  to: new Date(start + (place + 1) * hour - 1).toISOString(),
  success,
  failure,
  warning,
});

describe("barsOf()", () => {
  it("stands failures on the line, and lets one among ten thousand be seen", () => {
    const [failure, success] = barsOf([bucket(0, 10_000, 1)]);
    expect(failure).toMatchObject({ result: "failure", y: HEIGHT - 2, height: 2 });
    expect(success?.result).toBe("success");
    expect((success?.y ?? 0) + (success?.height ?? 0)).toBeLessThanOrEqual(HEIGHT - 2);
  });

  it("puts nothing where nothing was, and stays inside its width", () => {
    const bars = barsOf([bucket(0, 0), bucket(1, 3), bucket(2, 0, 0, 1)]);
    expect(bars.map(({ result }) => result).sort()).toEqual(["success", "warning"]);
    expect(Math.max(...bars.map(({ x, width }) => x + width))).toBeLessThanOrEqual(WIDTH);
  });
});

describe("linesOf()", () => {
  it("draws whole counts only", () => {
    expect(linesOf([bucket(0, 1)]).every(({ value }) => Number.isInteger(value))).toBe(true);
    expect(linesOf([])).toEqual([]);
  });
});

describe("ticksOf()", () => {
  it("names round times by their share of the axis, a midnight by its date", () => {
    const ticks = ticksOf(Array.from({ length: 12 }, (_, place) => bucket(place, 1)), "utc");
    const midnight = ticks.find(({ label }) => label === "11-21");
    expect(midnight?.at).toBeCloseTo(2 / 12, 3);
    expect(ticks.map(({ label }) => label)).toContain("03:00");
  });
});

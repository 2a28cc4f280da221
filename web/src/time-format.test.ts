import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ticksOf } from "./events/histogram-shape.ts";
import { formatTime, inputOf, timeOfInput, zoneName } from "./time-format.ts";

// The clocks go back in the night to 25 October 2026 at 01:00 UTC: the hour from two to three comes twice.
const [summer, winter] = ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"];

describe("times of a zone whose clocks change", () => {
  const before = process.env["TZ"];
  beforeAll(() => void (process.env["TZ"] = "Europe/Berlin"));
  afterAll(() => before === undefined ? delete process.env["TZ"] : process.env["TZ"] = before);

  it("are told apart by the offset of each, under a head that is true of both", () => {
    expect([summer, winter].map((time) => formatTime(time, "local"))).toEqual(Array(2).fill("2026-10-25 02:30:00.000"));
    expect([summer, winter].map((time) => zoneName("local", time))).toEqual(["GMT+2", "GMT+1"]);
    expect(zoneName("local")).toBe("Europe/Berlin");
    expect([zoneName("utc"), zoneName("utc", summer)]).toEqual(["UTC", "UTC"]);
  });

  it("have an axis whose midnights are midnights on both sides of the change", () => {
    const day = 86_400_000;
    const bucket = (place: number) => {
      const from = Date.parse("2026-10-22T22:00:00Z") + place * day;
      return { from: new Date(from).toISOString(), to: new Date(from + day - 1).toISOString(), success: 1, failure: 0, warning: 0 };
    };
    const labels = ticksOf(Array.from({ length: 6 }, (_, place) => bucket(place)), "local").map(({ label }) => label);
    expect(labels.length).toBeGreaterThan(3);
    expect(labels.filter((label) => !/^10-\d\d$/.test(label))).toEqual([]);
  });

  it("are read from the form as they are written to it", () => {
    for (const zone of ["utc", "local"] as const) {
      for (const time of ["2026-03-29T03:30:00.000Z", "2026-07-01T12:00:00.000Z", "2026-12-31T23:59:00.000Z"]) {
        expect(timeOfInput(inputOf(time, zone), zone)).toBe(time);
      }
    }
  });
});

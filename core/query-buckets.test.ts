import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketStarts, bucketWidthMs } from "./query-buckets.ts";

const time = fc.date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-30T00:00:00Z"), noInvalidDate: true }).map((date) => date.toISOString());

describe("bucketWidthMs()", () => {
  it("never cuts a window into more buckets than asked for, or into three across the origin", () => {
    fc.assert(
      fc.property(time, time, fc.integer({ min: 1, max: 120 }), (a, b, most) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const width = bucketWidthMs(from, to, most);
        const starts = bucketStarts(from, to, width);
        expect(starts.length).toBeLessThanOrEqual(Math.max(most, 3));
        expect(starts[0] as string <= from).toBe(true);
        expect(Date.parse(starts.at(-1) as string) + width > Date.parse(to)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is one that people read", () => {
    expect(bucketWidthMs("2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00.000Z", 120)).toBe(60_000);
    expect(bucketWidthMs("2026-01-01T00:00:00.000Z", "2026-01-08T00:00:00.000Z", 120)).toBe(2 * 3_600_000);
    expect(bucketWidthMs("2026-01-01T00:00:00.000Z", "2026-12-31T00:00:00.000Z", 120)).toBe(7 * 86_400_000);
  });

  it("begins weeks on Mondays", () => {
    for (const start of bucketStarts("2026-01-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z", 7 * 86_400_000)) expect(new Date(start).getUTCDay()).toBe(1);
  });
});

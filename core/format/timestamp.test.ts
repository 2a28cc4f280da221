import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { earliestMs, formatTimestamp, latestMs, parseTimestamp, rewriteTimestamp } from "./timestamp.ts";

const parsed = (text: string) => {
  const ms = parseTimestamp(text);
  return ms === undefined ? undefined : formatTimestamp(ms);
};

describe("parseTimestamp()", () => {
  it.each([
    ["2026-11-22T10:11:12Z", "2026-11-22T10:11:12.000Z"],
    ["2026-11-22t10:11:12z", "2026-11-22T10:11:12.000Z"],
    ["2026-11-22T10:11:12.3Z", "2026-11-22T10:11:12.300Z"],
    ["2026-11-22T10:11:12.9999999Z", "2026-11-22T10:11:12.999Z"],
    ["2026-12-31T23:59:59.999999+00:00", "2026-12-31T23:59:59.999Z"],
    ["2026-11-22T00:11:12+05:30", "2026-11-21T18:41:12.000Z"],
    ["2026-11-22T23:11:12-08:00", "2026-11-23T07:11:12.000Z"],
    ["2026-11-22T10:11:12-00:00", "2026-11-22T10:11:12.000Z"],
    ["2026-11-22T10:11:12+23:59", "2026-11-21T10:12:12.000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
    ["0099-03-01T00:00:00Z", "0099-03-01T00:00:00.000Z"],
    ["1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("reads %s", (text, written) => {
    expect(parsed(text)).toBe(written);
  });

  it.each([
    ...["", "now", "tomorrow", "infinity", "-infinity", "epoch", "J2451187", "0044-03-15T00:00:00 BC", "1732270272", "2026-11-22"],
    ...["2026-11-22T10:11:12", "2026-11-22 10:11:12Z", "2026-11-22T10:11Z", "2026-11-22T10:11:12+01", "2026-11-22T10:11:12+0100"],
    ...["2026-11-22T10:11:12 Z", " 2026-11-22T10:11:12Z", "2026-11-22T10:11:12Z\n", "2026-11-22T10:11:12.Z", "2026-11-22T10:11:12,5Z"],
    ...["2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z", "2026-11-22T10:11:60Z", "2016-12-31T23:59:60Z"],
    ...["2026-00-22T10:11:12Z", "2026-13-22T10:11:12Z", "2026-11-00T10:11:12Z", "2026-11-31T10:11:12Z", "2026-02-29T10:11:12Z", "1900-02-29T00:00:00Z"],
    ...["2026-11-22T10:11:12+24:00", "2026-11-22T10:11:12+01:60", "2026-11-22T10:11:12\u221201:00", "2026-11-22T10:11:12Z+01:00"],
    ...[
      "0000-12-31T23:59:59Z",
      "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01",
      "10000-01-01T00:00:00Z",
      "+010000-01-01T00:00:00Z",
      "-000001-01-01T00:00:00Z",
    ],
    ...["2026-W47-7T10:11:12Z", "2026-326T10:11:12Z", "20261122T101112Z", "\u0662\u0660\u0662\u0666-11-22T10:11:12Z", `2026-11-22T10:11:12.${"1".repeat(31)}Z`],
  ])("refuses %j", (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  it("agrees with Date about every instant that Date reads in the same way", () => {
    fc.assert(fc.property(fc.integer({ min: earliestMs, max: latestMs }), (ms) => {
      expect(parseTimestamp(new Date(ms).toISOString())).toBe(ms);
    }));
  });

  it("cuts and never rounds, whatever follows the third digit", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: latestMs }), fc.stringMatching(/^\d{0,20}$/), (ms, more) => {
      expect(parseTimestamp(new Date(ms).toISOString().replace("Z", `${more}Z`))).toBe(ms);
    }));
  });

  it("takes an offset away from the local time", () => {
    const offset = fc.tuple(fc.constantFrom("+", "-"), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
    fc.assert(fc.property(fc.integer({ min: 0, max: 4e12 }), offset, (ms, [sign, hours, minutes]) => {
      const text = `${new Date(ms).toISOString().slice(0, -1)}${sign}${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
      expect(parseTimestamp(text)).toBe(Date.parse(text));
    }));
  });
});

describe("formatTimestamp()", () => {
  it("writes four digits of year and three of the fraction", () => {
    expect(formatTimestamp(earliestMs)).toBe("0001-01-01T00:00:00.000Z");
    expect(formatTimestamp(latestMs)).toBe("9999-12-31T23:59:59.999Z");
  });

  it.each([earliestMs - 1, latestMs + 1, NaN, Infinity])("refuses %s", (ms) => {
    expect(() => formatTimestamp(ms)).toThrow(RangeError);
  });
});

describe("rewriteTimestamp()", () => {
  it("equals formatTimestamp for every spelling of every instant", () => {
    const spell = fc.constantFrom(
      (text: string) => text,
      (text: string) => text.toLowerCase(),
      (text: string) => text.replace("T", "t"),
      (text: string) => text.replace("Z", "z"),
      (text: string) => text.replace(/\.\d+Z$/, "Z"),
      (text: string) => text.replace(/\d\dZ$/, "Z"),
      (text: string) => text.replace("Z", "99Z"),
      (text: string) => text.replace("Z", "+00:00"),
      (text: string) => text.replace(/\.\d+Z$/, "-12:34"),
    );
    fc.assert(fc.property(fc.integer({ min: 0, max: 4e12 }), spell, (instant, respell) => {
      const text = respell(new Date(instant).toISOString());
      const ms = parseTimestamp(text) ?? NaN;
      expect(rewriteTimestamp(text, ms)).toBe(formatTimestamp(ms));
    }));
  });
});

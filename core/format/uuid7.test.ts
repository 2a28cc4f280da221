import fc from "fast-check";
import { validate, version } from "uuid";
import { describe, expect, it } from "vitest";
import { latestMs } from "./timestamp.ts";
import { makeUuid7, parseUuid, uuid7Ms } from "./uuid7.ts";

const random = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe("parseUuid()", () => {
  it("lower-cases a UUID of any version", () => {
    expect(parseUuid("123E4567-E89B-12D3-A456-426614174000")).toBe("123e4567-e89b-12d3-a456-426614174000");
    expect(parseUuid("00000000-0000-0000-0000-000000000000")).toBe("00000000-0000-0000-0000-000000000000");
  });

  it.each([
    ...["", "123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}", "urn:uuid:123e4567-e89b-12d3-a456-426614174000"],
    ...["123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-4266141740000", "123e4567-e89b-12d3-a456-42661417400g"],
    ...[" 123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000\n", "123e-4567-e89b-12d3-a456-426614174000"],
  ])("refuses %j", (text) => {
    expect(parseUuid(text)).toBeUndefined();
  });
});

describe("uuid7Ms()", () => {
  it("reads the time of RFC 9562's example", () => {
    expect(uuid7Ms("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")).toBe(Date.parse("2022-02-22T14:22:22-05:00"));
  });

  it.each(["123e4567-e89b-12d3-a456-426614174000", "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f"])(
    "refuses %s, which is not of version 7",
    (uuid) => {
      expect(uuid7Ms(uuid)).toBeUndefined();
    },
  );
});

describe("uuid7Ms() at the end of time", () => {
  it("reads the last millisecond of the year 9999, and none after it", () => {
    const hex = (ms: number) => ms.toString(16).padStart(12, "0").replace(/^(.{8})/, "$1-");
    expect(uuid7Ms(`${hex(latestMs)}-7000-8000-000000000000`)).toBe(latestMs);
    expect(uuid7Ms(`${hex(latestMs + 1)}-7000-8000-000000000000`)).toBeUndefined();
  });
});

describe("makeUuid7()", () => {
  it("makes a valid UUID whose time is read back", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: latestMs }), random, (ms, bytes) => {
      const uuid = makeUuid7(ms, bytes);
      expect(validate(uuid)).toBe(true);
      expect(version(uuid)).toBe(7);
      expect(parseUuid(uuid)).toBe(uuid);
      expect(uuid7Ms(uuid)).toBe(ms);
    }));
  });

  it("depends on its input alone, and on all the random bits that it has room for", () => {
    const bytes = new Uint8Array(16);
    expect(makeUuid7(1, bytes)).toBe(makeUuid7(1, bytes));
    const seen = new Set(Array.from({ length: 8 }, (_, bit) => makeUuid7(1, bytes.with(15, 1 << bit))));
    expect(seen.size).toBe(8);
  });
});

import { describe, expect, it } from "vitest";
import { uuid7Ms } from "../../core/format/uuid7.ts";
import { uuid7Maker } from "./uuid7.ts";

describe("uuid7Maker()", () => {
  it("makes version-7 UUIDs whose time is the one given", () => {
    const make = uuid7Maker(() => crypto.randomUUID());
    for (const ms of [0, 1, 1_790_000_000_123, 253_402_300_799_999]) {
      const id = make(ms);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(uuid7Ms(id)).toBe(ms);
    }
  });

  it("sorts ids of one millisecond in the order in which they were made, and repeats none in 100,000", () => {
    const make = uuid7Maker(() => crypto.randomUUID());
    const ids = Array.from({ length: 2000 }, () => make(1_790_000_000_000));
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(Array.from({ length: 100_000 }, () => make(1_790_000_000_001))).size).toBe(100_000);
  });
});

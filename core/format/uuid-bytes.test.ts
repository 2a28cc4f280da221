import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toHex } from "./hex.ts";
import { uuidBytes } from "./uuid-bytes.ts";

describe("uuidBytes()", () => {
  it("gives the bytes that the digits say", () => {
    for (let at = 0; at < 100; at++) {
      const uuid = randomUUID();
      expect(toHex(uuidBytes(uuid))).toBe(uuid.replaceAll("-", ""));
    }
  });

  it("refuses what would read back as other text, or is no UUID", () => {
    const uuid = "0123abcd-4567-89ef-8123-456789abcdef";
    expect(() => uuidBytes(uuid)).not.toThrow();
    const others = [
      uuid.toUpperCase(),
      uuid.replaceAll("-", ""),
      `{${uuid}}`,
      uuid.slice(1),
      `${uuid}0`,
      uuid.replace("3", "g"),
      uuid.replace("3", "é"),
      "",
      uuid.replace("-", "_"),
    ];
    for (const other of others) expect(() => uuidBytes(other), other).toThrow("read UUID");
  });
});

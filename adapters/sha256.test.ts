import { describe, expect, it } from "vitest";
import { toHex } from "../core/format/hex.ts";
import { hmacSha256 } from "./sha256.ts";

describe("hmacSha256()", () => {
  it("is RFC 4231's, test case 2", () => {
    const tag = hmacSha256("Jefe")(new TextEncoder().encode("what do ya want for nothing?"));
    expect(toHex(tag)).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exceedsBytes } from "./exceeds-bytes.ts";

describe("exceedsBytes()", () => {
  it("says what encoding the text would say, at every length", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), fc.nat({ max: 100 }), (text, bytesMax) => {
        expect(exceedsBytes(text, bytesMax)).toBe(new TextEncoder().encode(text).length > bytesMax);
      }),
      { numRuns: 2000 },
    );
  });
});

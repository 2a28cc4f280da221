import { describe, expect, it } from "vitest";
import { walkWhileWriting } from "./walks.ts";

describe("2,000 keyset walks while 8 writers insert", () => {
  it("skip nothing and repeat nothing", { timeout: 1_800_000 }, async () => {
    const { stored, pages } = await walkWhileWriting(2_000);
    expect(stored).toBeGreaterThan(10_000);
    expect(pages).toBeGreaterThan(10_000);
  });
});

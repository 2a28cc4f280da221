import { describe, expect, it } from "vitest";
import { walkWhileWriting } from "./walks.ts";

describe("200 keyset walks while 8 writers insert", () => {
  it("skip nothing and repeat nothing", { timeout: 300_000 }, async () => {
    const { stored, pages } = await walkWhileWriting(200);
    expect(stored).toBeGreaterThan(1_000);
    expect(pages).toBeGreaterThan(1_000);
  });
});

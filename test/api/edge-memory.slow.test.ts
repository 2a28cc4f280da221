import { describe, expect, it } from "vitest";
import { exportFromEdge } from "./edge-exports.ts";

describe.each(["2.9", "2.1.4"] as const)("large exports of functions/audit-api on Deno %s", (denoVersion) => {
  it("keep the process under the platform's 256 MB for four clients at once, however many parts there are", { timeout: 1_200_000 }, async () => {
    const { peakBytes, narrow, wide } = await exportFromEdge(denoVersion, { narrow: 100_000, wide: 4_000, clients: 4 });
    expect(new Set(narrow.map(({ rows }) => rows))).toEqual(new Set([100_000]));
    expect(new Set(wide.map(({ rows }) => rows))).toEqual(new Set([4_000]));
    for (const { completes } of [...narrow, ...wide]) {
      expect(completes.length).toBeGreaterThan(9);
      expect(completes.map((complete) => complete === "true")).toEqual(completes.map((_, part) => part === completes.length - 1));
    }
    expect(peakBytes).toBeLessThan(256 * 1024 * 1024);
  });
});

import { describe, expect, it } from "vitest";
import { exportFromEdge } from "./edge-exports.ts";

/** What the platform gives a function. Measured is the process as a whole: some 80 MB of it are Deno itself. */
const platformBytes = 256 * 1024 * 1024;

describe.each(["2.9", "2.1.4"] as const)("exports of functions/audit-api on Deno %s", (denoVersion) => {
  it("end with a cursor and go on, in less memory than the platform has", async () => {
    const { peakBytes, wide } = await exportFromEdge(denoVersion, { wide: 300, clients: 2 });
    for (const { rows, completes } of wide) expect([rows, completes]).toEqual([300, ["false", "true"]]);
    expect(peakBytes).toBeLessThan(platformBytes);
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { serverFlags } from "../../scripts/stack/server-flags.ts";
import { exportFromServer } from "./export-memory.ts";

describe("an export of 200,000 events", () => {
  it("keeps the process under 140 MB, in every format", { timeout: 300_000 }, async () => {
    const { peakBytes, exports } = await exportFromServer(200_000);
    expect(exports.map(({ format, recordedRows }) => [format, recordedRows])).toEqual([["csv", 200_000], ["ndjson", 200_000], ["parquet", 200_000]]);
    for (const { sha256, recordedSha256 } of exports) expect(recordedSha256).toBe(sha256);
    expect(exports[1]?.end).toContain('"rows":200000');
    expect(peakBytes).toBeLessThan(140_000_000);
  });

  it("is made with the same flags in the image", () => {
    const dockerfile = readFileSync(new URL("../../Dockerfile", import.meta.url), "utf8");
    expect(dockerfile).toContain(`CMD ["node", ${serverFlags.map((flag) => `"${flag}"`).join(", ")}, "api/server.js"]`);
  });
});

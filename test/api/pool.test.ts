import { describe, expect, it } from "vitest";
import { askThroughPool } from "./pooled-tenants.ts";
import { hasPgBouncer } from "./transaction-pool.ts";

describe.skipIf(!hasPgBouncer())("4,000 requests of 20 tenants through a transaction pool of two connections", () => {
  it("meet no row and no setting of another tenant", async () => {
    const { requests, rows, ...found } = await askThroughPool(4_000);
    expect(found).toEqual({ foreignRows: 0, wrongCounts: [], leftovers: [] });
    expect(requests).toBe(4_000);
    expect(rows).toBeGreaterThan(20_000);
  });
});

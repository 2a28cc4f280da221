import { describe, expect, it } from "vitest";
import { askThroughPool } from "./pooled-tenants.ts";
import { hasPgBouncer } from "./transaction-pool.ts";

describe.skipIf(!hasPgBouncer())("50,000 requests of 20 tenants through a transaction pool of two connections", () => {
  it("meet no row and no setting of another tenant", { timeout: 1250_000 }, async () => {
    const { requests, rows, ...found } = await askThroughPool(50_000);
    expect(found).toEqual({ foreignRows: 0, wrongCounts: [], leftovers: [] });
    expect(requests).toBe(50_000);
    expect(rows).toBeGreaterThan(250_000);
  });
});

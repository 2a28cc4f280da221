import { describe, expect, it } from "vitest";
import { createShutdown } from "./shutdown.ts";

describe("createShutdown()", () => {
  it("stops callers before what they call, whatever the order of the start", async () => {
    const order: string[] = [];
    const shutdown = createShutdown();
    for (const rank of ["record", "database", "services", "gateway", "scheduler"] as const) shutdown.add(rank, () => void order.push(rank));
    await shutdown.run();
    expect(order).toEqual(["scheduler", "gateway", "services", "database", "record"]);
  });

  it("goes on after a fault and returns it", async () => {
    const shutdown = createShutdown();
    let stopped = false;
    shutdown.add("services", () => Promise.reject(new Error("stuck")));
    shutdown.add("database", () => {
      stopped = true;
    });
    expect(await shutdown.run()).toEqual([new Error("stuck")]);
    expect(stopped).toBe(true);
  });
});

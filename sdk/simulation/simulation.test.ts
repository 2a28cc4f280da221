import { describe, expect, it } from "vitest";
import { faultsOfSeed } from "./simulation.ts";

const seeds = Number(process.env["AUDIT_SIMULATION_SEEDS"] ?? 500);
const first = Number(process.env["AUDIT_SIMULATION_FIRST"] ?? 1);

describe("a client in a simulated world", () => {
  for (const withSpool of [false, true]) {
    it(
      withSpool ? "delivers every event exactly once when it has a spool" : "accounts for every event to the unit when it has no spool",
      async () => {
        const faults: string[] = [];
        for (let seed = first; seed < first + seeds; seed++) {
          faults.push(...await faultsOfSeed(seed, withSpool));
        }
        expect(faults).toEqual([]);
      },
      120_000,
    );
  }

  it("waits until the last lock is old enough, which takes longer where the clock was set back", async () => {
    expect(await faultsOfSeed(101_464, true)).toEqual([]);
  });
});

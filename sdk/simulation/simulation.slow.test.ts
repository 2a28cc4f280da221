import { describe, expect, it } from "vitest";
import { faultsOfSeed } from "./simulation.ts";

const first = Number(process.env["AUDIT_SIMULATION_FIRST"] ?? 100_000);
const seeds = 10_000;

describe("a client in ten thousand simulated worlds", () => {
  for (const withSpool of [false, true]) {
    it(withSpool ? "delivers every event exactly once when it has a spool" : "accounts for every event to the unit when it has no spool", async () => {
      const faults: string[] = [];
      for (let seed = first; seed < first + seeds && faults.length < 20; seed++) faults.push(...await faultsOfSeed(seed, withSpool));
      expect(faults).toEqual([]);
    }, 1_800_000);
  }
});

import { expect, it } from "vitest";
import { ingestCpu } from "../../bench/guard.ts";

/** CPU of an event against that of a row by COPY, as measured on 2026-11-22 while other work kept the two cores busy: 2.8, and 3.1 in a second run. */
const usualRatio = 2.8;

it("an event costs no more CPU than it did, against COPY of the same row: a loss of 30 % in speed fails", async () => {
  const cpu = await ingestCpu(2, 30_000);
  expect(cpu.ratio, JSON.stringify(cpu)).toBeLessThan(usualRatio / 0.7);
  // A measurement that found nothing to measure would pass as well.
  expect(cpu.ratio, JSON.stringify(cpu)).toBeGreaterThan(1);
}, 300_000);

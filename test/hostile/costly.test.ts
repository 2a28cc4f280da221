import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { costlyBodies } from "../support/nasties-costly.ts";
import { type Door, openDoor, tenantA } from "./door.ts";
import { judgeRows } from "./fuzz.ts";

let door: Door;
beforeAll(async () => {
  // As much heap as an Edge Function has at most, so that what would end one ends this one.
  door = await openDoor({ env: { DENO_V8_FLAGS: "--max-old-space-size=160" } });
});
afterAll(() => door.close());

/** Processor time that the function has used, all threads: user and system, in ticks of 10 ms (proc(5)). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

describe("bodies within every limit and as costly as can be", () => {
  it.each([...costlyBodies(tenantA)])("%s cost less than the 2 s of processor time that an Edge Function has", async (name, body) => {
    const before = cpuMs(door.function.pid);
    const answer = await door.post(body);
    const spentMs = cpuMs(door.function.pid) - before;
    console.info(`${name}: ${answer.status}, ${spentMs} ms of processor time, memory ${door.memory().peakMiB.toFixed(0)} MiB at most`);
    expect([201, 207, 413, 422], answer.text.slice(0, 300)).toContain(answer.status);
    expect(spentMs).toBeLessThan(2_000);
  });

  it("leave the function as it was", async () => {
    expect(await door.prototypesUnchanged()).toBe(true);
    expect(await judgeRows(door.database.adminUrl)).toBeGreaterThan(1_000);
  });
});

import { describe, expect, it } from "vitest";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import { type MemoryLog, memorySource, sealInMemory } from "../support/memory-log.ts";
import { packedSource } from "../support/packed-rows.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey } from "../support/sealed-log.ts";
import { nativeHash } from "../../scripts/audit/native-hash.ts";
import { columnKinds } from "./column-kinds.ts";
import { eventKinds } from "./event-kinds.ts";
import { rollBack, treeKinds } from "./tree-kinds.ts";

/** Which of its logs a tampering meets: by its place among the times. */
type Among = (seed: number) => Promise<MemoryLog>;

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"];
const ring = await followRotations([firstKey.verifierKey], []);

/** A log of two tenants, the first with a full tile of 256 leaves, or with `own` events of its own; a checkpoint whenever a tree has grown by `perCheckpoint`. */
async function sealedLog(seed: number, own = 290, perCheckpoint = 150): Promise<MemoryLog> {
  const random = randomFrom(seed);
  const options = { receivedAt: new Date("2026-11-22T03:00:00Z") };
  const events = [
    ...randomEvents(random, own, { ...options, tenantIds: tenantIds.slice(0, 1) }),
    ...randomEvents(random, 40, { ...options, tenantIds: tenantIds.slice(1) }),
    ...randomEvents(random, 60, { ...options, tenantIds }),
  ];
  return await sealInMemory(events, firstKey, perCheckpoint, new Date("2026-11-22T03:01:00Z"));
}

const check = (log: MemoryLog, expected: readonly string[] = []) => verifyLog(memorySource(log), { ring, expected, hash: nativeHash });
/** The same log, its events as rows that were copied from a database: most of them never become values, unless something is wrong. */
const checkPacked = (log: MemoryLog) => verifyLog(packedSource(log), { ring, hash: nativeHash });
/** Of so many the check of packed rows must say what the check of values says. */
const comparedMax = 5;

/**
 * Every kind of tampering `times` times, each column `columnTimes` times (looking for its old value takes longest), each at another place of one of
 * ten logs: all must be found, and the event that was changed named first. What is done to events needs no full tile: of those every fifth meets a log that
 * has one, the others logs that are quicker to check.
 */
export function describeTamperMatrix(times: number, columnTimes: number): void {
  describe(`tampering, ${eventKinds.length + treeKinds.length} kinds × ${times} and ${columnKinds.length} columns × ${columnTimes}`, () => {
    const logs = Promise.all(Array.from({ length: 10 }, (_, i) => sealedLog(i + 1)));
    const smallLogs = Promise.all(Array.from({ length: 10 }, (_, i) => sealedLog(i + 1, 20, 50)));
    const full: Among = async (seed) => (await logs)[Math.floor(seed / 5) % 10] as MemoryLog;
    const small: Among = async (seed) => (await smallLogs)[seed % 10] as MemoryLog;
    const either: Among = (seed) => (seed % 5 === 0 ? full : small)(seed);

    it("is not found where there is none", async () => {
      for (const log of [...await logs, ...await smallLogs]) {
        expect(await check(log)).toMatchObject({ sound: true, unsealed: 0, finding_count: 0 });
        expect(await checkPacked(log)).toEqual(await check(log));
      }
    });

    const kinds = [
      ...eventKinds.map((kind) => [kind.name, kind, times, either] as const),
      ...treeKinds.map((kind) => [kind.name, kind, times, full] as const),
      ...columnKinds.map((kind) => [kind.name, kind, columnTimes, small] as const),
    ];
    it.each(kinds)("is found: %s", async (_, kind, timesEach, among) => {
      for (let seed = 1; seed <= timesEach; seed++) {
        const log = structuredClone(await among(seed));
        const expectation = await kind.apply(log, randomFrom(seed * 7919));
        const report = seed % 2 === 0 ? await checkPacked(log) : await check(log);
        if (seed <= comparedMax) expect(report, `seed ${seed}`).toEqual(seed % 2 === 0 ? await check(log) : await checkPacked(log));
        expect(report.sound, `seed ${seed}`).toBe(false);
        const found = report.findings.map((finding) => finding.kind);
        if (expectation.kind !== undefined) expect(found, `seed ${seed}`).toContain(expectation.kind);
        if (expectation.id !== undefined) expect(report.first_bad_event?.id, `seed ${seed}`).toBe(expectation.id);
        if (expectation.column !== undefined) expect(report.first_bad_event?.column, `seed ${seed}`).toBe(expectation.column);
      }
    }, 600_000);

    it("is found when the tail was cut with its checkpoints, but only by a checkpoint kept elsewhere", async () => {
      for (let seed = 1; seed <= times; seed++) {
        const original = (await logs)[seed % 10] as MemoryLog;
        const kept = original.tenants.flatMap((tenant) => tenant.checkpoints.slice(-1).map(({ note }) => note));
        const log = structuredClone(original);
        const { tenantId } = await rollBack(log, randomFrom(seed * 7919));
        expect((await check(log)).sound, `seed ${seed}`).toBe(true);
        const report = await check(log, kept);
        expect(report.findings, `seed ${seed}`).toMatchObject([{ kind: "rolled_back", tenant_id: tenantId }]);
      }
    }, 600_000);
  });
}

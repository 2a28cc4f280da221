import { describe, expect, it } from "vitest";
import { type Disk, disk, memoryFiles } from "../../simulation/memory-files.ts";
import { handle, server } from "../../simulation/network.ts";
import { run, schedule, simulatedRuntime, type World, world } from "../../simulation/world.ts";
import { createAuditClient } from "../index.ts";
import type { Spool } from "../spool-session.ts";
import { createFileSpool } from "../spool.ts";

/** A spool that remembers which events it said it has. */
function remembering(inner: Spool, written: Set<string>): Spool {
  return {
    open: (host) => {
      const session = inner.open(host);
      const append = (json: string) => {
        const kept = session.append(json);
        if (typeof kept === "object") written.add(json);
        return kept;
      };
      return { ...session, append };
    },
  };
}

type Life = {
  readonly at: World;
  readonly on: Disk;
  readonly pid: number;
  readonly written: Set<string>;
  readonly server: ReturnType<typeof server>;
  readonly isServerUp: () => boolean;
};

function live({ at, on, pid, written, server: model, isServerUp }: Life, self: object) {
  const fetch = (_url: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      schedule(at, self, 5, () => {
        if (!isServerUp()) return reject(new TypeError("away"));
        const { status, body } = handle(model, init.body as string, true, "");
        resolve(new Response(body, { status }));
      });
    });
  return createAuditClient({
    url: "http://x",
    apiKey: "k",
    environment: {},
    onWarning: () => {},
    queueSize: 8,
    batchSize: 4,
    batchAgeMs: 20,
    spool: remembering(createFileSpool({ directory: "spool", fsync: "always", segmentBytes: 600, scanMs: 1000 }, memoryFiles(on, pid, () => at.now)), written),
    runtime: simulatedRuntime(at, self, fetch),
  });
}

/** One life in which operation `n` of the disk fails, once or from then on; then death, and another life on a healthy disk. Returns how many operations there were. */
async function twoLives(n: number, sticky: boolean): Promise<number> {
  const life: Life = { at: world(n), on: disk(), pid: 1, written: new Set(), server: server(), isServerUp: () => isUp };
  let isUp = true;
  let operations = 0;
  life.on.fault = () => {
    operations++;
    if (sticky ? operations >= n : operations === n) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  const self = {};
  const client = live(life, self);
  const logged = new Set<string>();
  for (let round = 0; round < 6; round++) {
    isUp = round !== 2 && round !== 5;
    for (let event = 0; event < 6; event++) client.logEventFireAndForget({ event_type: "a", message: `${round}-${event}` });
    await run(life.at, 300, () => false);
    const { logged: count, recovered, sent, dropped, queued } = client.stats();
    expect(count + recovered).toBe(sent + dropped.total + queued);
  }
  for (const json of life.written) logged.add(json);
  life.at.dead.add(self);
  life.on.living.delete(1);
  life.on.fault = () => {};
  isUp = true;
  const heir = live({ ...life, pid: 2 }, {});
  // Longer than an owner may be silent whose lock says nothing.
  await run(life.at, 70_000, () => false);
  expect(heir.stats().queued).toBe(0);
  const stored = [...life.server.stored.values()].map((text) => JSON.parse(text).message);
  for (const json of logged) expect(stored, `operation ${n}`).toContain(JSON.parse(json).message);
  expect(new Set(stored).size).toBe(stored.length);
  return operations;
}

describe("a disk whose n-th operation fails", () => {
  for (const sticky of [false, true]) {
    it(`${sticky ? "and every one after it " : ""}loses no event that it said it has, and is no reason to stop`, async () => {
      const all = await twoLives(Infinity, false);
      expect(all).toBeGreaterThan(80);
      for (let n = 1; n <= all; n++) await twoLives(n, sticky);
    });
  }
});

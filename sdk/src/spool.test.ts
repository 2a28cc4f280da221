import { describe, expect, it } from "vitest";
import { type Disk, disk, memoryFiles } from "../simulation/memory-files.ts";
import { run, schedule, simulatedRuntime, type World, world } from "../simulation/world.ts";
import type { SpoolFiles } from "./spool/files.ts";
import type { SpoolHost, SpoolRecord, SpoolSession } from "./spool-session.ts";
import { createFileSpool, type SpoolOptions } from "./spool.ts";

type Opened = SpoolSession & { readonly recovered: () => number; readonly lost: () => number; readonly warnings: string[] };

function open(on: Disk, at: World, pid: number, options: Partial<SpoolOptions> = {}, self: object = {}, files = memoryFiles(on, pid, () => at.now)): Opened {
  let [recovered, lost] = [0, 0];
  const warnings: string[] = [];
  const host: SpoolHost = {
    runtime: simulatedRuntime(at, self, () => Promise.reject(new Error("no network"))),
    onRecovered: (count) => void (recovered += count),
    onLost: (count) => void (lost += count),
    onWarning: (message) => void warnings.push(message),
  };
  const session = createFileSpool({ directory: "spool", ...options }, files).open(host);
  return { ...session, recovered: () => recovered, lost: () => lost, warnings };
}

function append(session: SpoolSession, ...numbers: readonly number[]): SpoolRecord[] {
  return numbers.map((number) => session.append(`{"number":${number}}`) as SpoolRecord);
}

function readAll(session: SpoolSession): number[] {
  const events = session.read(1000, 1e9);
  return events.map(({ json }) => JSON.parse(json).number);
}

const segments = (on: Disk) => [...on.names.keys()].filter((name) => name.endsWith(".log"));

async function pass(at: World, ms: number): Promise<void> {
  let over = false;
  schedule(at, {}, ms, () => void (over = true));
  await run(at, ms + 1, () => over);
}

describe("createFileSpool()", () => {
  it("hands the events of a dead process to the next one, without those acknowledged", () => {
    const [on, at] = [disk(), world(1)];
    const first = open(on, at, 1);
    const records = append(first, 1, 2, 3);
    first.acknowledge([records[1] as SpoolRecord]);
    on.living.delete(1);
    const second = open(on, at, 2);
    expect(second.recovered()).toBe(2);
    expect(readAll(second)).toEqual([1, 3]);
    expect(second.unread()).toBe(0);
  });

  it("leaves nothing behind when everything was acknowledged", () => {
    const [on, at] = [disk(), world(1)];
    const session = open(on, at, 1, { segmentBytes: 50 });
    session.acknowledge(append(session, 1, 2, 3, 4, 5));
    session.close();
    expect([...on.names.keys()]).toEqual([]);
  });

  it("writes the acknowledgement, then syncs, then removes: in no other order", () => {
    const [on, at] = [disk(), world(1)];
    const session = open(on, at, 1, { fsync: "always" });
    const records = append(session, 1, 2);
    const operations: string[] = [];
    on.fault = (operation) => void operations.push(operation);
    session.acknowledge(records);
    session.close();
    expect(operations.filter((name) => ["write", "sync", "remove"].includes(name))).toEqual(["write", "sync", "remove", "remove"]);
    expect(operations.at(-1)).toBe("remove");
  });

  it("syncs before it returns, soon after, or not at all, as it was told", async () => {
    for (const [fsync, atOnce, later] of [["always", 2, 0], ["interval", 0, 1], ["never", 0, 0]] as const) {
      const [on, at] = [disk(), world(1)];
      const session = open(on, at, 1, { fsync });
      const counts: Record<string, number> = {};
      on.fault = (operation) => void (counts[operation] = (counts[operation] ?? 0) + 1);
      append(session, 1, 2);
      expect(counts["sync"] ?? 0).toBe(atOnce);
      await pass(at, 300);
      expect(counts["syncLater"] ?? 0).toBe(later);
      session.close();
    }
  });

  it("cuts a torn tail wherever it was torn, and goes on", () => {
    const whole = (() => {
      const [on, at] = [disk(), world(1)];
      append(open(on, at, 1), 1, 2, 3);
      return [...on.names.entries()].find(([name]) => name.endsWith(".log"))?.[1].data ?? new Uint8Array(0);
    })();
    for (let length = 0; length < whole.length; length++) {
      const [on, at] = [disk(), world(1)];
      append(open(on, at, 1), 1, 2, 3);
      const file = [...on.names.entries()].find(([name]) => name.endsWith(".log"))?.[1];
      if (file !== undefined) file.data = file.data.slice(0, length);
      on.living.delete(1);
      const second = open(on, at, 2);
      const lines = new TextDecoder().decode(whole.slice(0, length)).split("\n").length - 1;
      expect(readAll(second)).toEqual([1, 2, 3].slice(0, lines));
      expect(second.stats().corrupt).toBe(0);
      for (const name of segments(on)) expect(on.names.get(name)?.data.at(-1) ?? 10).toBe(10);
    }
  });

  it("counts events that the disk gives back wrongly as lost, and gives back the others", () => {
    const [on, at] = [disk(), world(1)];
    const session = open(on, at, 1);
    for (const record of append(session, 1, 2, 3)) session.leave(record);
    const file = on.names.get(segments(on)[0] ?? "");
    if (file !== undefined) file.data[60] = (file.data[60] ?? 0) ^ 1;
    expect(readAll(session)).toHaveLength(2);
    expect(session.lost()).toBe(1);
    expect(session.unread()).toBe(0);
  });

  it("takes nothing from a process that lives, and everything from one that died or is silent for too long", async () => {
    const [on, at] = [disk(), world(1)];
    const self = {};
    append(open(on, at, 1, {}, self), 1, 2);
    const other = open(on, at, 2);
    await pass(at, 120_000);
    expect(other.recovered()).toBe(0);
    at.dead.add(self);
    await pass(at, 50_000);
    expect(other.recovered()).toBe(0);
    await pass(at, 20_000);
    expect(other.recovered()).toBe(2);
  });

  it("takes everything from one that is silent within twice the time allowed, wherever the clock was set meanwhile", async () => {
    for (const jumpS of [-3600, -90, -60, -30, 30, 3600]) {
      const [on, at] = [disk(), world(1)];
      const [self, clock] = [{}, () => at.now + at.offMs];
      append(open(on, at, 1, {}, self, memoryFiles(on, 1, clock)), 1);
      at.dead.add(self);
      await pass(at, 25_000);
      at.offMs = jumpS * 1000;
      const other = open(on, at, 2, {}, {}, memoryFiles(on, 2, clock));
      await pass(at, 125_000);
      expect(other.recovered(), `${jumpS} s`).toBe(1);
    }
  });

  it("knows that its own number under another owner's name means a process of before, as in a container", () => {
    const [on, at] = [disk(), world(1)];
    append(open(on, at, 1), 1);
    const names = [...on.names].map(([name, file]) => [name.replaceAll(/[0-9a-f]{32}/g, "0ld"), file] as const);
    on.names = new Map(names);
    // Renewed since this process began: another thread of it, or another copy of the module, which lives.
    expect(readAll(open(on, at, 1))).toEqual([]);
    at.now++;
    expect(readAll(open(on, at, 1))).toEqual([1]);
  });

  it("goes on under another name when it was taken for dead while it slept", async () => {
    const [on, at] = [disk(), world(1)];
    const self = {};
    const sleeper = open(on, at, 1, {}, self);
    sleeper.leave(append(sleeper, 1)[0] as SpoolRecord);
    append(sleeper, 2);
    at.dead.add(self);
    const other = open(on, at, 2);
    await pass(at, 70_000);
    expect(readAll(other).sort()).toEqual([1, 2]);
    at.dead.delete(self);
    append(sleeper, 3);
    expect(sleeper.recovered()).toBe(-1);
    expect(sleeper.unread()).toBe(0);
    on.living.delete(1);
    at.dead.add(self);
    expect(readAll(open(on, at, 3))).toEqual([3]);
  });

  it("leaves no file under the name of a segment that was taken while it slept: it would replace that one when it is taken in its turn", async () => {
    const [on, at] = [disk(), world(1)];
    const self = {};
    const sleeper = open(on, at, 1, { segmentBytes: 30 }, self);
    const [first] = append(sleeper, 1, 2, 3);
    at.dead.add(self);
    const other = open(on, at, 2);
    await pass(at, 70_000);
    expect(other.recovered()).toBe(3);
    // An answer that was under way comes before the sleeper has looked at its lock.
    sleeper.acknowledge([first as SpoolRecord]);
    await pass(at, 10_000);
    expect(readAll(other)).toEqual([1, 2, 3]);
    expect(other.lost()).toBe(0);
  });

  it("takes the lock before the segments, so that a sleeper who wakes meanwhile writes into none that was read already", () => {
    const [on, at] = [disk(), world(1)];
    const self = {};
    const sleeper = open(on, at, 1, {}, self);
    append(sleeper, 1);
    at.dead.add(self);
    at.now += 70_000;
    on.fault = (operation) => {
      if (operation !== "remove") return;
      on.fault = () => {};
      sleeper.leave(append(sleeper, 2)[0] as SpoolRecord);
    };
    const other = open(on, at, 2);
    expect([...readAll(other), ...readAll(sleeper)]).toEqual([1, 2]);
  });

  it("gives every file back, also one that is being synced when it is taken over", async () => {
    const [on, at] = [disk(), world(1)];
    const [files, self] = [memoryFiles(on, 1, () => at.now), {}];
    const given = new Set<number>();
    let synced = () => {};
    const counted: SpoolFiles = {
      ...files,
      create: (path) => {
        const file = files.create(path);
        given.add(file);
        return file;
      },
      close: (file) => (given.delete(file), files.close(file)),
      syncLater: () => new Promise((resolve) => synced = resolve),
    };
    const sleeper = open(on, at, 1, {}, self, counted);
    append(sleeper, 1);
    await pass(at, 300);
    at.now += 70_000;
    open(on, at, 2);
    append(sleeper, 2);
    synced();
    await pass(at, 1);
    sleeper.close();
    expect([...given]).toEqual([]);
  });

  it("lets two processes that look at the same moment share what a third left, each event once", () => {
    const [on, at] = [disk(), world(1)];
    const third = open(on, at, 1, { segmentBytes: 60 });
    append(third, ...Array.from({ length: 20 }, (_, index) => index));
    on.living.delete(1);
    const both = [open(on, at, 2), open(on, at, 3)];
    expect(both.flatMap(readAll).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it("is full beyond its bytes, and has room again when they are acknowledged", () => {
    const [on, at] = [disk(), world(1)];
    const session = open(on, at, 1, { bytesMax: 200, segmentBytes: 50 });
    const records = append(session, 1, 2, 3, 4);
    expect(session.append(`{"number":5}${" ".repeat(200)}`)).toBe("full");
    session.acknowledge(records);
    expect(append(session, 6)[0]).toHaveProperty("number");
  });

  it("refuses and warns, but never throws, when the folder cannot be written; and works once it can", () => {
    const [on, at] = [disk(), world(1)];
    on.fault = (operation) => {
      if (operation !== "read" && operation !== "list") throw Object.assign(new Error("EROFS: read-only file system"), { code: "EROFS" });
    };
    const session = open(on, at, 1);
    expect([session.append("{}"), session.append("{}")]).toEqual(["failed", "failed"]);
    expect(session.warnings).toEqual(["spool: open folder: EROFS: read-only file system"]);
    expect(session.stats().failures).toBeGreaterThan(2);
    on.fault = () => {};
    expect(session.append("{}")).toHaveProperty("number");
  });
});

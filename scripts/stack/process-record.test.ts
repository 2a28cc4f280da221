import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { birthOf, endLeftovers, livingProcesses, openProcessRecord } from "./process-record.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "processes-"));
  file = join(folder, "processes.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that lives until it is killed; `deaf` ones ignore polite signals. */
async function spawnSleeper(deaf = false): Promise<{ pid: number; ended: Promise<unknown> }> {
  const script = `${deaf ? "process.on('SIGINT', () => {});" : ""} setInterval(() => {}, 1000); console.log("up")`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  return { pid: child.pid ?? 0, ended };
}

describe("birthOf()", () => {
  it("is the same for a process all its life, and undefined after it", async () => {
    const { pid, ended } = await spawnSleeper();
    const birth = birthOf(pid);
    expect(birth).toBeDefined();
    expect(birthOf(pid)).toBe(birth);
    expect(birthOf(process.pid)).not.toBe(birth);
    process.kill(pid, "SIGKILL");
    await ended;
    expect(birthOf(pid)).toBeUndefined();
  });
});

describe("endLeftovers()", () => {
  it("ends what still runs, by force if need be, with its temporary folders, and forgets it", async () => {
    const copy = join(folder, "copy");
    mkdirSync(copy);
    const [polite, deaf] = await Promise.all([spawnSleeper(), spawnSleeper(true)]);
    const record = openProcessRecord(file);
    record.add("polite", polite.pid, [copy]);
    record.add("deaf", deaf.pid);
    expect(await endLeftovers(file, 200)).toEqual(["polite", "deaf"]);
    await Promise.all([polite.ended, deaf.ended]);
    expect([existsSync(copy), existsSync(file)]).toEqual([false, false]);
    expect(await endLeftovers(file)).toEqual([]);
  });

  it("spares a stranger that has got the number of a process of ours", async () => {
    const { pid, ended } = await spawnSleeper();
    openProcessRecord(file).add("ours", pid);
    const [entry] = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify([{ ...entry, birth: `${entry.birth}0` }]));
    expect(await endLeftovers(file)).toEqual([]);
    expect(birthOf(pid)).toBeDefined();
    process.kill(pid, "SIGKILL");
    await ended;
  });

  it("takes a record that is no JSON for none", async () => {
    writeFileSync(file, "[{");
    expect(await endLeftovers(file)).toEqual([]);
  });
});

describe("openProcessRecord()", () => {
  it("forgets what has ended, and kills the rest at once, but never ourselves", async () => {
    const [one, other] = await Promise.all([spawnSleeper(), spawnSleeper(true)]);
    const record = openProcessRecord(file);
    record.add("ourselves", process.pid);
    record.add("one", one.pid);
    record.add("other", other.pid);
    process.kill(one.pid, "SIGKILL");
    await one.ended;
    record.remove(one.pid);
    expect(livingProcesses(file).map((entry) => entry.name)).toEqual(["ourselves", "other"]);
    record.killAll();
    await other.ended;
    record.clear();
    expect(existsSync(file)).toBe(false);
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { livingProcesses } from "../../scripts/stack/process-record.ts";
import { type LocalFile, readLocalFile, type StackProcess, startStack } from "../support/stack.ts";
import { follow } from "./follow.ts";

const perSecond = 200;
const atOnce = 24;

describe("kill -USR2 of the stack", () => {
  const folder = mkdtempSync(join(tmpdir(), "audit-restart-"));
  const data = join(folder, "data");
  let stack: StackProcess;
  let local: LocalFile;
  beforeAll(async () => {
    // Quotas would refuse what the load catches up with on a busy machine.
    process.env["AUDIT_RATE_LIMITS"] = "off";
    process.env["AUDIT_DATABASE_POOL_SIZE"] = "12";
    stack = await startStack({ dataFolder: data });
    local = readLocalFile(data);
  });
  afterAll(async () => {
    stack?.signal("SIGINT");
    await stack?.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it(`replaces functions and API under ${perSecond} requests a second without a failed one, and a stream misses nothing`, async () => {
    const tenant = local.tenants[0];
    if (tenant === undefined) throw new Error("restart: there is no tenant");
    const processes = () => livingProcesses(join(data, "processes.json")).filter(({ name }) => name === "api" || name.startsWith("audit-"));
    const before = processes();
    const stackPid = livingProcesses(join(data, "processes.json")).find(({ name }) => name === "the stack")?.pid ?? 0;
    const load = startLoad(local, tenant.api_keys.ingest, tenant.api_keys.read);
    const headers = { authorization: `Bearer ${tenant.api_keys.read}` };
    const control = { isOver: false };
    const following = follow(`${local.url}/api/v1/audit/events/stream?event_type=restart.written`, {
      headers,
      from: "0",
      until: ({ events }) => control.isOver && events.length >= load.stored(),
    });
    await expect.poll(() => load.answered(), { timeout: 60_000 }).toBeGreaterThan(perSecond);
    process.kill(stackPid, "SIGUSR2");
    await expect.poll(() => stack.output(), { timeout: 60_000, interval: 100 }).toContain("replaced functions and API");
    const atEnd = load.answered();
    await expect.poll(() => load.answered(), { timeout: 60_000 }).toBeGreaterThan(atEnd + perSecond);
    const { failures, sent, perSecondSent, loopBusy } = await load.stop();
    // Tells the limit of a slow machine from that of the test: one that is not busy itself has waited for answers.
    console.info(
      `${perSecondSent.toFixed(0)} of ${perSecond} requests a second; the test's own loop was busy for ${(loopBusy * 100).toFixed(0)} % of the time`,
    );
    control.isOver = true;
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(3 * perSecond);
    const after = processes();
    expect(after.map(({ name }) => name).sort()).toEqual(before.map(({ name }) => name).sort());
    expect(after.filter(({ pid }) => before.some((old) => old.pid === pid))).toEqual([]);
    const followed = await following;
    expect(new Set(followed.events.map(({ id }) => id)).size).toBe(load.stored());
    expect(followed.events).toHaveLength(load.stored());
    expect(followed.connections).toBeGreaterThan(1);
  });
});

/** Sends `perSecond` requests a second, at most `atOnce` of them under way: half store one event at the function, a quarter at the API, a quarter lists. */
function startLoad(local: LocalFile, ingestKey: string, readKey: string) {
  const agent = new Agent({ keepAlive: true });
  const failures: string[] = [];
  const open = new Set<Promise<void>>();
  let [sent, answered, stored] = [0, 0, 0];
  const event = JSON.stringify({ event_type: "restart.written" });
  const one = (turn: number) => {
    const isList = turn % 4 === 3;
    const path = turn % 2 === 0 ? "/functions/v1/audit-logger" : `/api/v1/audit/events${isList ? "?limit=1" : ""}`;
    const headers = { authorization: `Bearer ${isList ? readKey : ingestKey}`, ...isList ? {} : { "content-type": "application/json" } };
    return new Promise<void>((resolve) => {
      const asked = request(`${local.url}${path}`, { agent, method: isList ? "GET" : "POST", headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => text += chunk).on("error", (error) => text += error.message);
        answer.on("close", () => {
          answered++;
          if (answer.statusCode === 201) stored++;
          if (!answer.complete || answer.statusCode !== (isList ? 200 : 201)) failures.push(`${path}: ${answer.statusCode} ${text.slice(0, 200)}`);
          resolve();
        });
      });
      asked.on("error", (error) => {
        failures.push(`${path}: ${error.message}`);
        resolve();
      });
      asked.end(isList ? undefined : event);
    });
  };
  const startedMs = performance.now();
  const loop = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    // What was missed is caught up with, so that the rate is the rate; but never with more at once than connections to the database: a machine that is
    // too slow for the rate would otherwise refuse requests whether anything is replaced or not.
    while (open.size < atOnce && sent < (performance.now() - startedMs) / 1000 * perSecond) {
      const asked = one(sent++);
      open.add(asked);
      void asked.then(() => open.delete(asked));
    }
  }, 5);
  return {
    answered: () => answered,
    stored: () => stored,
    stop: async () => {
      clearInterval(timer);
      const perSecondSent = sent / (performance.now() - startedMs) * 1000;
      const loopBusy = performance.eventLoopUtilization(loop).utilization;
      await Promise.all(open);
      agent.destroy();
      return { failures: failures.slice(0, 10), sent, perSecondSent, loopBusy };
    },
  };
}

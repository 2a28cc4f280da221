import { execFile } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterEach, describe, expect, inject, it } from "vitest";
import { leftRunning } from "../../scripts/checks/left-running.ts";
import { tokenIssuer } from "../../scripts/stack/credentials.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { canReach } from "../../scripts/stack/postgres-account.ts";
import { birthOf, livingProcesses } from "../../scripts/stack/process-record.ts";
import { closedClone } from "../support/closed-clone.ts";
import { isReady, type LocalFile, processorSecondsOf, readLocalFile, spawnStack, type StackProcess, startStack } from "../support/stack.ts";

const run = promisify(execFile);
const started: { stack: StackProcess; folder: string }[] = [];
const nobody = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

afterEach(async () => {
  for (const { stack, folder } of started.splice(0)) {
    for (const entry of livingProcesses(join(folder, "processes.json"))) process.kill(entry.pid, "SIGKILL");
    await stack.ended;
  }
});

/** A data folder of this test run; the space is part of the test. */
function dataFolder(): string {
  return join(mkdtempSync(join(inject("runFolder"), "stack-")), "audit data");
}

async function start(
  folder: string,
  options: { port?: number; project?: string; account?: { uid: number; gid: number; home: string } } = {},
): Promise<StackProcess> {
  const stack = await startStack({ dataFolder: folder, ...options });
  started.push({ stack, folder });
  return stack;
}

/** The line that a newcomer pastes, run by a shell. */
async function paste(stack: StackProcess): Promise<Record<string, unknown>> {
  const line = stack.output().split("\n").find((text) => text.trim().startsWith("curl "));
  const { stdout } = await run("sh", ["-c", `${line} --silent --show-error`]);
  return JSON.parse(stdout);
}

const fixedEvent = { id: "0198c7a4-0000-7000-8000-00000000e2e0", event_type: "stack.tested", object_id: "1" };

/** Posts one event whose identity never changes: `created` the first time, `duplicate` for as long as the database remembers it. */
async function postFixedEvent(local: LocalFile, occurredAt: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${local.tenants[0]?.api_keys.ingest}`, "content-type": "application/json" };
  const body = JSON.stringify({ events: [{ ...fixedEvent, occurred_at: occurredAt }] });
  const answer = await fetch(`${local.url}/functions/v1/audit-logger`, { method: "POST", headers, body });
  return (await answer.json()).results[0].status;
}

async function interrupt(stack: StackProcess, folder: string): Promise<void> {
  stack.signal("SIGINT");
  await stack.ended;
  expect(stack.output()).toMatch(/Stopping \(Ctrl-C\) …\nStopped\.\n/);
  expect(leftRunning(folder)).toEqual([]);
  expect(await isReady(stack.port)).toBe(false);
}

describe("npm start", () => {
  it("is ready within 20 s, prints a line that works as pasted, and writes the keys for its owner alone", async () => {
    const folder = dataFolder();
    const before = performance.now();
    const stack = await start(folder);
    const seconds = (performance.now() - before) / 1000;
    // Of the processor, where other programs have the processors as well.
    expect(Math.min(seconds, processorSecondsOf(stack.npm.pid ?? 0))).toBeLessThan(20);
    await expect.poll(() => stack.output()).toContain("Ctrl-C stops it.");
    expect(await paste(stack)).toMatchObject({ created_count: 1, rejected_count: 0, method: "edge" });

    const local = readLocalFile(folder);
    expect(statSync(join(folder, "local.json")).mode & 0o777).toBe(0o600);
    expect(local).toMatchObject({
      url: `http://127.0.0.1:${stack.port}`,
      functions_url: `http://127.0.0.1:${stack.port}/functions/v1`,
      api_url: `http://127.0.0.1:${stack.port}/api/v1/audit`,
      secret_key: expect.stringMatching(/^sb_secret_/),
      anon_key: expect.stringMatching(/^sb_publishable_/),
      log_key: expect.stringMatching(/^[^+]+\+[0-9a-f]{8}\+/),
    });
    expect(local.tenants.map((tenant) => tenant.id)).toEqual(["123e4567-e89b-12d3-a456-426614174000", expect.any(String)]);
    const keys = createRemoteJWKSet(new URL(`${local.url}/auth/v1/.well-known/jwks.json`));
    await jwtVerify(local.tenants[0]?.tokens.admin ?? "", keys, { issuer: tokenIssuer, audience: "authenticated" });
    await interrupt(stack, folder);
  });

  it("starts again on its data, on another port, with the same keys, tokens and events", async () => {
    const folder = dataFolder();
    const occurredAt = new Date().toISOString();
    const first = await start(folder);
    const before = readLocalFile(folder);
    expect(await postFixedEvent(before, occurredAt)).toBe("created");
    first.signal("SIGTERM");
    await first.ended;
    const second = await start(folder);
    const after = readLocalFile(folder);
    expect(second.port).not.toBe(first.port);
    expect(after.tenants).toEqual(before.tenants);
    expect([after.secret_key, after.anon_key, after.log_key]).toEqual([before.secret_key, before.anon_key, before.log_key]);
    expect(await postFixedEvent(after, occurredAt)).toBe("duplicate");
    await interrupt(second, folder);
  });

  it.each([
    ["all of it", () => true],
    ["the stack alone, so that its parts live on", (name: string) => name === "the stack"],
    ["PostgreSQL and the stack", (name: string) => name !== "audit-logger"],
  ])("starts again after kill -9 of %s, with what it had answered for", async (_case, dies) => {
    const folder = dataFolder();
    const occurredAt = new Date().toISOString();
    const first = await start(folder);
    expect(await postFixedEvent(readLocalFile(folder), occurredAt)).toBe("created");
    const processes = livingProcesses(join(folder, "processes.json"));
    expect(processes.map((entry) => entry.name)).toEqual(expect.arrayContaining(["the stack", "PostgreSQL", "audit-logger"]));
    process.kill(first.npm.pid ?? 0, "SIGKILL");
    for (const entry of processes.filter(({ name }) => dies(name))) process.kill(entry.pid, "SIGKILL");
    await first.ended;
    const second = await start(folder, { port: first.port });
    expect(await postFixedEvent(readLocalFile(folder), occurredAt)).toBe("duplicate");
    expect(processes.map((entry) => birthOf(entry.pid))).toEqual(processes.map(() => undefined));
    await interrupt(second, folder);
  });

  it("starts a part again that dies, and says so", async () => {
    const folder = dataFolder();
    const stack = await start(folder);
    const [postgres] = livingProcesses(join(folder, "processes.json")).filter((entry) => entry.name === "PostgreSQL");
    process.kill(postgres?.pid ?? 0, "SIGKILL");
    await expect.poll(() => stack.output(), { timeout: 60_000 }).toContain("PostgreSQL runs again");
    await expect.poll(() => isReady(stack.port), { timeout: 60_000 }).toBe(true);
    expect(await paste(stack)).toMatchObject({ created_count: 1 });
    await interrupt(stack, folder);
  });

  it("stops when npm is killed with kill -9", async () => {
    const folder = dataFolder();
    const stack = await start(folder);
    process.kill(stack.npm.pid ?? 0, "SIGKILL");
    await stack.ended;
    await expect.poll(() => leftRunning(folder), { timeout: 60_000 }).toEqual([]);
  });

  it("says what to do when the port is taken, and leaves nothing behind", async () => {
    const port = await freePort();
    const stranger = createServer().listen(port, "127.0.0.1");
    const folder = dataFolder();
    const stack = await spawnStack({ dataFolder: folder, port });
    expect(await stack.ended).not.toBe(0);
    expect(stack.output()).toMatch(new RegExp(`Port ${port} is taken by another program\\.\\n.*npm start -- --port \\d+`));
    expect(existsSync(join(folder, "postgres"))).toBe(false);
    stranger.close();
  });

  it("refuses a folder on which another stack runs, and leaves that one alone", async () => {
    const folder = dataFolder();
    const first = await start(folder);
    const second = await spawnStack({ dataFolder: folder });
    expect(await second.ended).not.toBe(0);
    expect(second.output()).toContain("runs on");
    expect(second.output()).toMatch(/kill \d+/);
    expect(await paste(first)).toMatchObject({ created_count: 1 });
    await interrupt(first, folder);
  });

  it.runIf(isRoot && canReach(nobody, projectFolder, "-x"))("runs as an ordinary user", async () => {
    const home = mkdtempSync(join(inject("runFolder"), "home-"));
    chownSync(home, nobody.uid, nobody.gid);
    const folder = join(home, "audit data");
    const stack = await start(folder, { account: { ...nobody, home } });
    expect(statSync(join(folder, "local.json")).uid).toBe(nobody.uid);
    expect(await paste(stack)).toMatchObject({ created_count: 1 });
    await interrupt(stack, folder);
  });

  it.runIf(isRoot)("runs as root in a clone that only root can enter", async () => {
    const clone = closedClone();
    try {
      const folder = join(clone.folder, ".audit");
      mkdirSync(folder);
      expect(canReach(nobody, clone.folder, "-x")).toBe(false);
      const stack = await start(folder, { project: clone.folder });
      expect(await paste(stack)).toMatchObject({ created_count: 1 });
      await interrupt(stack, folder);
    } finally {
      clone.remove();
    }
  });
});

import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, inject, it } from "vitest";
import { leftRunning } from "../../scripts/checks/left-running.ts";
import { freePort } from "../../scripts/stack/free-port.ts";
import { livingProcesses } from "../../scripts/stack/process-record.ts";
import { runCommand } from "../command/run-command.ts";

describe("npm run audit -- stack", () => {
  const folder = join(mkdtempSync(join(inject("runFolder"), "stack-command-")), "audit data");
  const stack = (...args: readonly string[]) => runCommand(["stack", ...args, "--data", folder]);

  afterEach(() => {
    for (const entry of livingProcesses(join(folder, "processes.json"))) process.kill(entry.pid, "SIGKILL");
  });

  it("starts one that outlives the command, says how it is, and stops and removes it", async () => {
    expect(await stack("status", "--json")).toMatchObject({ status: 1, out: '{"status":"stopped"}\n' });
    const port = await freePort();
    const started = await stack("start", "--background", "--port", String(port));
    expect(started).toMatchObject({ status: 0, out: expect.stringContaining(`http://127.0.0.1:${port}`) });
    expect(started.out).toMatch(new RegExp(`stop it with: npm run audit -- stack stop --data '${folder}'\n$`));
    const status = await stack("status", "--json");
    expect(status.status).toBe(0);
    expect(JSON.parse(status.out)).toMatchObject({
      status: "ready",
      url: `http://127.0.0.1:${port}`,
      checks: { database: { status: "ok" }, "audit-logger": { status: "ok" } },
    });
    expect(await stack("start", "--background")).toMatchObject({ status: 2, err: expect.stringContaining("runs on") });
    expect(await runCommand(["seal", "--local", folder, "--json"])).toMatchObject({ status: 0, out: expect.stringContaining('"status":"done"') });
    expect(await stack("reset")).toMatchObject({ status: 2, err: expect.stringContaining("Add --yes") });
    expect(await stack("stop")).toMatchObject({ status: 0, out: "Stopped.\n" });
    expect(leftRunning(folder)).toEqual([]);
    expect(await stack("stop")).toMatchObject({ status: 0, out: expect.stringContaining("No stack runs") });
    expect(await stack("reset", "--yes")).toMatchObject({ status: 0 });
    expect(existsSync(folder)).toBe(false);
  });

  it("exits with 2 when it cannot start, as every subcommand does", async () => {
    expect(await stack("start", "--port", "none")).toMatchObject({ status: 2, err: expect.stringContaining("read --port: ") });
  });

  it("removes no folder that is not a stack's", async () => {
    const mine = join(mkdtempSync(join(inject("runFolder"), "not-a-stack-")), "mine");
    mkdirSync(mine);
    writeFileSync(join(mine, "thesis.txt"), "years of work");
    expect(await runCommand(["stack", "reset", "--yes", "--data", mine])).toMatchObject({
      status: 2,
      err: expect.stringContaining("not the data folder of a stack"),
    });
    expect(existsSync(join(mine, "thesis.txt"))).toBe(true);
  });
});

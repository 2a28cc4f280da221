import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { container, mayContain } from "../test/container.ts";
import type { SpoolRecord, SpoolSession } from "./spool-session.ts";
import { platformRuntime } from "./runtime.ts";
import { createFileSpool } from "./spool.ts";

const modules = ["./spool.ts", "./runtime.ts"].map((name) => new URL(name, import.meta.url).href);

function append(session: SpoolSession, ...numbers: readonly number[]): SpoolRecord[] {
  return numbers.map((number) => session.append(`{"number":${number}}`) as SpoolRecord);
}

describe("createFileSpool(), on a folder that others use as well", () => {
  it("takes nothing from another thread of the same process", async () => {
    const directory = mkdtempSync(join(tmpdir(), "audit-events-threads-"));
    const host = { runtime: platformRuntime, onRecovered: () => {}, onLost: () => {}, onWarning: () => {} };
    const session = createFileSpool({ directory }).open(host);
    append(session, 1, 2);
    const code = `Promise.all(${JSON.stringify(modules)}.map((name) => import(name))).then(([{ createFileSpool }, { platformRuntime: runtime }]) => {
      let recovered = 0;
      const host = { runtime, onRecovered: (count) => recovered += count, onLost: () => {}, onWarning: () => {} };
      createFileSpool({ directory: ${JSON.stringify(directory)} }).open(host).close();
      require("node:worker_threads").parentPort.postMessage(recovered);
    })`;
    const recovered = await new Promise((resolve, reject) => new Worker(code, { eval: true }).once("message", resolve).once("error", reject));
    session.close();
    rmSync(directory, { recursive: true });
    expect(recovered).toBe(0);
  });

  it.skipIf(!mayContain)("takes nothing from a process of another container, whose number means nobody here", async () => {
    const directory = mkdtempSync(join(tmpdir(), "audit-events-containers-"));
    const host = { runtime: platformRuntime, onRecovered: () => {}, onLost: () => {}, onWarning: () => {} };
    const session = createFileSpool({ directory }).open(host);
    append(session, 1, 2);
    const code = `const [{ createFileSpool }, { platformRuntime: runtime }] = await Promise.all(${JSON.stringify(modules)}.map((name) => import(name)));
      let recovered = 0;
      const host = { runtime, onRecovered: (count) => recovered += count, onLost: () => {}, onWarning: () => {} };
      createFileSpool({ directory: ${JSON.stringify(directory)} }).open(host).close();
      console.log(process.pid, recovered);`;
    // Its own namespace of process numbers and this machine's name, as two containers have that are named alike.
    const [unshare, ...args] = container;
    const node = [process.execPath, "--experimental-strip-types", "--no-warnings", "--input-type=module", "-e", code];
    const { stdout } = await promisify(execFile)(unshare, [...args, ...node]);
    session.close();
    rmSync(directory, { recursive: true });
    expect(stdout).toMatch(/^\d{1,2} 0\n$/);
  });
});

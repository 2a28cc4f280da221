import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tenantA } from "../api/service.ts";
import { seedWideEvents } from "../api/wide-events.ts";
import { type ServedLog, startServedLog } from "./served-log.ts";

/** What happens to the bytes of an export on their way. */
let harm: "none" | "cut" | "changed" = "none";

function onTheWay(path: string, response: Response): Response {
  if (harm === "none" || !path.endsWith("/events/export") || response.body === null) return response;
  let isFirst = true;
  const bytes = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      if (harm === "changed") chunk = new TextEncoder().encode(new TextDecoder().decode(chunk).replace("order.created", "order.creates"));
      if (isFirst || harm === "changed") controller.enqueue(chunk);
      isFirst = false;
    },
  });
  return new Response(response.body.pipeThrough(bytes), response);
}

describe("npm run audit -- export", () => {
  let log: ServedLog;
  const folder = mkdtempSync(join(tmpdir(), "audit-export-"));
  const run = async (file: string) => {
    const ran = await log.run("export", "type:order.created", "--order", "asc", "--out", join(folder, file), "--json");
    return { status: ran.status, err: ran.err, report: JSON.parse(ran.out) };
  };

  beforeAll(async () => {
    // Parts of at most 400 rows, as an Edge Function hands them out.
    log = await startServedLog({ exportBounds: { rowsMax: 400, bytesMax: 1e9, ms: 60_000 }, onTheWay });
    for (let start = 0; start < 1000; start += 500) {
      await log.store(tenantA, Array.from({ length: 500 }, (_, n) => ({ event_type: "order.created", object_id: String(start + n), message: "two\nlines" })));
    }
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.stop();
  });

  it("follows cursors to the end, checks every part, and joins them into one file", async () => {
    const { status, report } = await run("all.csv");
    expect(status).toBe(0);
    expect(report).toMatchObject({ status: "whole", rows: 1000, files: [join(folder, "all.csv")] });
    expect(report.parts).toHaveLength(3);
    const text = readFileSync(join(folder, "all.csv"), "utf8");
    expect(text.match(/"tenant_id"/g)).toHaveLength(1);
    expect(text.match(/"order\.created"/g)).toHaveLength(1000);
  });

  it("writes Parquet, which cannot be joined, into numbered files", async () => {
    const { status, report } = await run("all.parquet");
    expect(status).toBe(0);
    expect(report.files).toEqual(["all.parquet", "all-2.parquet", "all-3.parquet"].map((name) => join(folder, name)));
    for (const file of report.files) expect(readFileSync(file).subarray(0, 4).toString()).toBe("PAR1");
  });

  it.each(["cut", "changed"] as const)("keeps nothing of a file that was %s on its way", async (what) => {
    const before = readdirSync(folder);
    harm = what;
    const { status, report } = await run(`${what}.ndjson`);
    harm = "none";
    expect(status).toBe(2);
    expect(report).toMatchObject({ status: "failed", code: "not_whole" });
    expect(readdirSync(folder)).toEqual(before);
  });

  it("ends at once by Ctrl-C where the reader of its standard output stands still, and quietly where it went away", async () => {
    await seedWideEvents(log.admin, tenantA, 100);
    const print = () => {
      const args = ["scripts/audit.ts", "export", "type:order.wide", "--out", "-", "--local", log.local];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
      let err = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
      const closed = once(child, "exit").then(([status]) => ({ status, err }));
      // Some of it has come, and nobody takes the rest.
      return once(child.stdout, "readable").then(() => ({ child, closed }));
    };
    const still = await print();
    still.child.kill("SIGINT");
    expect(await still.closed).toEqual({ status: 130, err: expect.stringMatching(/^Stopped; what was printed is not whole\./m) });
    const gone = await print();
    gone.child.stdout.destroy();
    expect(await gone.closed).toEqual({ status: 0, err: "" });
  });

  it("says so when standard output cannot take it", async () => {
    const full = openSync("/dev/full", "w");
    const args = ["scripts/audit.ts", "export", "type:order.created", "--out", "-", "--local", log.local];
    const child = spawn(process.execPath, args, { stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    const [err, [status]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, "exit")]);
    expect([status, err]).toEqual([2, expect.stringMatching(/^write standard output: ENOSPC.*not whole\nMake room there/m)]);
  });
});

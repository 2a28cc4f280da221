import { execFile, spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import chromium from "@sparticuz/chromium";
import { chromium as playwright } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { json, type ServerDouble, startServerDouble } from "../../sdk/test/server-double.ts";
import { leafHashOf } from "../../sdk/src/verify.ts";
import { buildPackage, installedBeside, root } from "./build.ts";

const run = promisify(execFile);
const expected = 7;
const denos = [join(root, "node_modules", ".bin", "deno"), join(root, "node_modules", "deno-2.1.4", "deno")];
const denoEnvironment = { ...process.env, DENO_TLS_CA_STORE: "system", NO_COLOR: "1" };

let folder: string;
let project: string;
let double: ServerDouble;
let page: Server;

beforeAll(async () => {
  folder = buildPackage();
  project = installedBeside(folder);
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
  const cases = readFileSync(join(root, "test", "sdk", "portable-cases.ts"), "utf8");
  const installed = cases.replace("../../sdk/src/index.ts", "@audit-events/client").replaceAll(/\.\.\/\.\.\/sdk\/src\/(\w+)\.ts/g, "@audit-events/client/$1");
  writeFileSync(join(project, "cases.ts"), installed);
  writeFileSync(
    join(project, "main.ts"),
    'import { runPortableCases } from "./cases.ts";\nconsole.log(JSON.stringify(await runPortableCases(globalThis.process.argv[2], globalThis.process.argv[3])));\n',
  );
  double = await startServerDouble();
  let requests = 0;
  double.behave = ({ method, path, body }, response) => {
    const parameters = new URL(path, "http://x").searchParams;
    const tenantId = parameters.get("tenant_id");
    if (path.startsWith("/stored")) {
      return json(
        response,
        200,
        [...double.events.values()].map((text) => JSON.parse(text)).filter(({ tenant_id }) => tenant_id === tenantId),
      );
    }
    if (method === "GET") return json(response, 200, listPage(tenantId ?? "", Number(parameters.get("cursor") ?? 1)));
    // Two of three requests to the flaky server fail, one of them after it has stored the batch.
    if (path.startsWith("/flaky") && requests++ % 3 !== 2) {
      if (requests % 3 === 1) return json(response, 503, {});
      return body.length > 0
        ? (void fetch(`${double.url}/functions/v1/audit-logger`, { method: "POST", body }).then(() => response.destroy()), true)
        : undefined;
    }
    return undefined;
  };
});
afterAll(async () => {
  [folder, project].forEach((path) => rmSync(path, { recursive: true, force: true }));
  await double.stop();
  page?.close();
});

/** One event a page, three pages. */
function listPage(tenantId: string, number: number) {
  const event = { id: String(number), tenant_id: tenantId, event_type: "portable", occurred_at: "2026-11-22T10:00:00.000Z" };
  return { events: [{ ...event, leaf_hash: leafHashOf(event) }], next_cursor: number < 3 ? String(number + 1) : null, fresh_as_of: "" };
}

function expectAllFine(outcomes: unknown): void {
  expect((outcomes as { readonly fault?: string }[]).filter(({ fault }) => fault !== undefined)).toEqual([]);
  expect(outcomes).toHaveLength(expected);
}

describe("the packed SDK", () => {
  it("keeps its promises on Node", async () => {
    const { stdout } = await run(process.execPath, ["--experimental-strip-types", "--no-warnings", join(project, "main.ts"), double.url, "node"], {
      cwd: project,
    });
    expectAllFine(JSON.parse(stdout));
  });

  it("keeps its promises on Deno with no permission but the network's, on the version of today and on that of hosted Edge Functions", async () => {
    for (const deno of denos) {
      const args = [
        "run",
        "--no-prompt",
        "--node-modules-dir=manual",
        "--no-check",
        `--allow-net=${new URL(double.url).host}`,
        "main.ts",
        double.url,
        `deno-${deno.length}`,
      ];
      const { stdout } = await run(deno, args, { cwd: project, env: denoEnvironment });
      expectAllFine(JSON.parse(stdout));
    }
  });

  it("ends by itself on Deno, with leave for the spool's folder alone and nobody to send to", async () => {
    // As files beside the application: to packages of npm, Deno gives the timers of Node.
    cpSync(join(folder, "dist"), join(project, "copied"), { recursive: true });
    writeFileSync(
      join(project, "ends.ts"),
      `import { createAuditClient } from "./copied/index.js";
import { createFileSpool } from "./copied/spool.js";
const options = { url: "http://127.0.0.1:9", apiKey: "k", breakerFailures: 1, environment: {}, onWarning: () => {} };
const client = createAuditClient({ ...options, spool: createFileSpool({ directory: "spool" }), onMetrics: () => {} });
console.log(client.logEventFireAndForget({ event_type: "a" }));
`,
    );
    for (const deno of denos) {
      const args = ["run", "--no-prompt", "--node-modules-dir=manual", "--no-check", "--allow-read=.", "--allow-write=spool", "ends.ts"];
      const { stdout } = await run(deno, args, { cwd: project, env: denoEnvironment, timeout: 30_000 });
      expect(stdout).toBe("true\n");
      expect(readdirSync(join(project, "spool")).filter((name) => name.endsWith(".log"))).not.toEqual([]);
    }
  });

  it("ends at SIGTERM on Deno, which kills nothing without --allow-run", async () => {
    writeFileSync(
      join(project, "told.ts"),
      `import { createAuditClient } from "@audit-events/client";
const client = createAuditClient({ url: globalThis.process.argv[2], apiKey: "k", tenantId: globalThis.process.argv[3], environment: {}, closeOnExit: true });
client.logEventFireAndForget({ event_type: "a" });
setInterval(() => {}, 1000);
console.log("up");
`,
    );
    for (const [index, deno] of denos.entries()) {
      const args = ["run", "--no-prompt", "--node-modules-dir=manual", "--no-check", "--allow-net", "told.ts", double.url, `told-${index}`];
      const told = spawn(deno, args, { cwd: project, env: denoEnvironment });
      let said = "";
      told.stderr.on("data", (text) => said += text);
      const ended = new Promise((resolve) => told.once("close", (code, signal) => resolve(code ?? signal)));
      told.stdout.once("data", () => told.kill("SIGTERM"));
      expect([await ended, said]).toEqual([expect.toSatisfy((how) => how === 143 || how === "SIGTERM"), ""]);
      expect([...double.events.values()].filter((text) => text.includes(`"told-${index}"`))).toHaveLength(1);
    }
  });

  it("keeps its promises in Chromium, also when the page is left with events in the queue", async () => {
    const entry = join(project, "page.ts");
    writeFileSync(
      entry,
      'import { createAuditClient } from "@audit-events/client";\nimport { runPortableCases } from "./cases.ts";\nObject.assign(globalThis, { createAuditClient, runPortableCases });\n',
    );
    const bundle = await rolldown({ input: entry, logLevel: "silent" });
    const { output } = await bundle.generate({ format: "es" });
    page = createServer((request, response) => {
      const chunk = output.find(({ fileName }) => request.url === `/${fileName}`);
      if (chunk?.type === "chunk") return void response.writeHead(200, { "content-type": "text/javascript" }).end(chunk.code);
      response.writeHead(200, { "content-type": "text/html" }).end(
        `<!doctype html><title>SDK</title><script type="module" src="/${output[0].fileName}"></script>`,
      );
    });
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    const browser = await playwright.launch({ executablePath: await chromium.executablePath(), args: chromium.args, headless: true });
    try {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${(page.address() as AddressInfo).port}/`);
      await tab.waitForFunction("globalThis.runPortableCases !== undefined");
      expectAllFine(await tab.evaluate(`runPortableCases(${JSON.stringify(double.url)}, "chromium")`));
      await tab.evaluate(`(() => {
        const client = createAuditClient({ url: ${JSON.stringify(double.url)}, apiKey: "k", tenantId: "left-page", batchAgeMs: 600000 });
        for (let number = 0; number < 100; number++) client.logEventFireAndForget({ event_type: "last.words", message: "x".repeat(100) });
      })()`);
      await tab.goto("about:blank");
      const arrived = () => [...double.events.values()].filter((text) => text.includes('"left-page"')).length;
      for (let turns = 0; turns < 600 && arrived() < 100; turns++) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(arrived()).toBe(100);
    } finally {
      await browser.close();
    }
  });
});

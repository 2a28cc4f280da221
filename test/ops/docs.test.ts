import { mkdirSync } from "node:fs";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as launcher } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorCodes } from "../../core/errors.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { testEnvironment } from "../support/tokens.ts";

const axe = join(projectFolder, "node_modules", "axe-core", "axe.min.js");
const pictures = join(projectFolder, "test-artifacts", "docs");

describe("GET /docs", () => {
  let server: ServerProcess;
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    server = await startServer(testEnvironment({ url: "postgresql://nobody:x@127.0.0.1:1/none" }));
    browser = await launcher.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox", "--headless=shell", "--disable-gpu"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  it("names every operation, parameter, answer and refusal of the document, and holds no script", async () => {
    const answer = await fetch(`${server.url}/docs`);
    expect(answer.headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    const page = await answer.text();
    const document = await (await fetch(`${server.url}/openapi.json`)).json() as {
      readonly paths: Record<
        string,
        Record<string, { readonly summary: string; readonly parameters?: readonly { readonly name: string }[]; readonly responses: object }>
      >;
    };
    const sections = page.split('<section class="operation"').slice(1);
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
    );
    expect(operations.length).toBeGreaterThan(15);
    for (const { path, method, operation } of operations) {
      const section = sections.find((one) =>
        one.includes(`<code>${path}</code></p>`) || (one.includes(`<code>${path}</code>`) && one.includes(`>${method.toUpperCase()}</span>`))
      );
      expect(section, `${method} ${path}`).toBeDefined();
      const own = sections.filter((one) => one.includes(`<code>${path}</code>`)).join();
      for (const { name } of operation.parameters ?? []) expect(own, `${method} ${path} ${name}`).toContain(`<code>${name}</code>`);
      for (const status of Object.keys(operation.responses)) expect(own, `${method} ${path} ${status}`).toContain(`<code>${status}</code>`);
    }
    for (const code of Object.keys(errorCodes)) expect(page).toContain(`<code>${code}</code>`);
    expect(page).not.toMatch(/<script|javascript:|\son\w+=|style=|https?:\/\/(?!localhost)[^<"]*\.(js|css)/);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });

  it.each([["desktop", 1360, "light"], ["phone", 390, "dark"]] as const)(
    "reads well on a %s: nothing overflows, nothing is blocked, and axe finds nothing",
    async (name, width, colorScheme) => {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: false });
      const page = await context.newPage();
      const faults: string[] = [];
      const foreign: string[] = [];
      page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
      page.on("request", (request) => request.url().startsWith(server.url) || foreign.push(request.url()));
      await page.goto(`${server.url}/docs`);
      await page.screenshot({ path: join(pictures, `${name}.png`) });
      await page.locator("#get-events").scrollIntoViewIfNeeded();
      await page.locator("section[aria-labelledby=get-events] details.answer summary").first().click();
      await page.locator("#get-events").evaluate((element) => element.scrollIntoView());
      await page.screenshot({ path: join(pictures, `${name}-list.png`) });
      expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
      expect({ faults: faults.filter((fault) => !fault.includes("favicon")), foreign }).toEqual({ faults: [], foreign: [] });
      await context.close();
      const checked = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
      const other = await checked.newPage();
      await other.goto(`${server.url}/docs`);
      await other.addScriptTag({ path: axe });
      const violations = await other.evaluate("axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`))");
      expect(violations).toEqual([]);
      await checked.close();
    },
    60_000,
  );
});

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as launcher, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { readLocalFile, type StackProcess, startStack } from "../support/stack.ts";

const axe = join(projectFolder, "node_modules", "axe-core", "axe.min.js");
const pictures = join(projectFolder, "test-artifacts", "page");

const hostile = '<img src=x onerror="document.title=1"> \u202Egnp.exe';
// A minute apart, the first the newest: what the first page of a hundred holds must not be left to the ids.
const sample = [
  {
    event_type: "order.updated",
    actor_id: "user-123",
    object_type: "order",
    object_id: "order-456",
    result: "failure",
    duration_ms: 32,
    message: hostile,
    context: { before: { total: 150 }, after: { total: 175.5 } },
  },
  ...Array.from(
    { length: 119 },
    (_, index) => ({ event_type: "user.login", actor_id: `user-${index % 7}`, source: "frontend", result: index % 5 === 0 ? "warning" : "success" }),
  ),
];
const events = sample.map((event, index) => ({ ...event, occurred_at: new Date(Date.now() - index * 60_000).toISOString() }));

describe("the events page", { timeout: 60_000 }, () => {
  const dataFolder = mkdtempSync(join(tmpdir(), "audit-page-"));
  let stack: StackProcess;
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    stack = await startStack({ dataFolder: join(dataFolder, "data") });
    const { url, tenants } = readLocalFile(join(dataFolder, "data"));
    const headers = { authorization: `Bearer ${tenants[0]?.api_keys.ingest}`, "content-type": "application/json" };
    const answer = await fetch(`${url}/functions/v1/audit-logger`, { method: "POST", headers, body: JSON.stringify({ events }) });
    expect(answer.status).toBe(201);
    // One process less than the package's own arguments ask for: `--single-process` ends with its first page.
    browser = await launcher.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox", "--headless=shell", "--disable-gpu"] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    stack?.signal("SIGINT");
    await stack?.ended;
    rmSync(dataFolder, { recursive: true, force: true });
  });

  /** A fresh browser profile at `path`; the test fails when the page logs an error that is not one of `allowed`. */
  const visit = async (path: string, test: (page: Page) => Promise<void>, options: { dark?: boolean; width?: number; allowed?: RegExp } = {}) => {
    const viewport = { width: options.width ?? 1360, height: 900 };
    const context = await browser.newContext({ viewport, colorScheme: options.dark ? "dark" : "light", acceptDownloads: true });
    const faults: string[] = [];
    const page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && !options.allowed?.test(message.text()) && faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    try {
      await page.goto(`http://127.0.0.1:${stack.port}${path}`);
      await test(page);
      expect(faults).toEqual([]);
    } finally {
      await context.close();
    }
  };
  const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });
  const violations = async (page: Page) => {
    await page.evaluate((await import("node:fs")).readFileSync(axe, "utf8"));
    const found = await page.evaluate("axe.run()") as { violations: { id: string; nodes: { html: string }[] }[] };
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ").slice(0, 300)}`);
  };

  it("signs in by the printed address, and takes the name out of it", async () => {
    expect(stack.output()).toContain(`http://127.0.0.1:${stack.port}/#demo=auditor`);
    await visit("/#demo=auditor", async (page) => {
      await row(page, "order.updated").waitFor();
      expect(new URL(page.url()).hash).toBe("");
      await page.getByText("auditor@example.com").waitFor();
      expect(await violations(page)).toEqual([]);
      await page.screenshot({ path: join(pictures, "events-light.png") });
    });
  });

  it("lets a demo person or a pasted token in, refuses what is neither, and signs out", async () => {
    await visit("/", async (page) => {
      expect(await violations(page)).toEqual([]);
      await page.getByLabel("Access token or API key").fill("not a token");
      await page.getByRole("button", { name: "Sign in with the token" }).click();
      await page.getByRole("alert").getByText("no access token").waitFor();
      await page.getByRole("button", { name: "Viewer of Demo" }).first().click();
      await row(page, "order.updated").waitFor();
      expect(await page.getByRole("group", { name: "Export" }).count()).toBe(0);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "With a token" }).waitFor();
      expect(await page.evaluate("sessionStorage.length")).toBe(0);
    });
  });

  it("says that a token is not accepted and asks to sign in again", async () => {
    const payload = Buffer.from(JSON.stringify({ sub: "x", exp: 4_000_000_000, app_metadata: { audit_role: "auditor" } })).toString("base64url");
    await visit(`/#token=e30.${payload}.c2ln`, async (page) => {
      await page.getByRole("alert").getByText("Sign in again").waitFor();
    }, { allowed: /401/ });
  });

  it("keeps form, query text and address in step", async () => {
    await visit("/#demo=auditor", async (page) => {
      await page.getByLabel("Result").selectOption("failure");
      await row(page, "order.updated").waitFor();
      await page.getByRole("status").getByText("1 event", { exact: true }).waitFor();
      expect(await page.getByLabel("Query").inputValue()).toBe("result:failure");
      expect(new URL(page.url()).searchParams.get("q")).toBe("result:failure");
      await page.getByLabel("Query").fill("action:user.* actor:user-3");
      await page.getByRole("button", { name: "Search", exact: true }).click();
      await page.getByRole("status").getByText("17 events").waitFor();
      expect(await page.getByRole("textbox", { name: "Actor" }).inputValue()).toBe("user-3");
      await page.goBack();
      await page.getByRole("status").getByText("1 event", { exact: true }).waitFor();
    });
  });

  it("tells an empty answer from a query that is none, and offers a way on", async () => {
    await visit("/?q=actor:nobody#demo=auditor", async (page) => {
      await page.getByRole("heading", { name: "No event matches" }).waitFor();
      await page.getByRole("button", { name: "Clear the query" }).click();
      await row(page, "order.updated").waitFor();
    });
    await visit("/?q=actr:nobody#demo=auditor", async (page) => {
      const notice = page.getByRole("alert");
      await notice.getByText("invalid_parameter").waitFor();
      expect(await notice.textContent()).toMatch(/request [0-9a-f]{32}/);
      expect(await violations(page)).toEqual([]);
    }, { allowed: /400/ });
  });

  it("shows an event with its change, hostile text as text, and closes by Escape", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await row(page, "order.updated").getByRole("button").click();
      const drawer = page.getByRole("complementary", { name: "Event", exact: true });
      await drawer.getByRole("heading", { name: "user-123 updated order order-456, failed, 32 ms" }).waitFor();
      const change = drawer.getByRole("row", { name: /total/ });
      expect(await change.textContent()).toBe("total150175.5");
      expect(await drawer.getByText("gnp.exe").first().textContent()).toContain("<img src=x");
      expect(await page.title()).toBe("Audit Events");
      expect(await violations(page)).toEqual([]);
      await page.screenshot({ path: join(pictures, "drawer-dark.png") });
      await page.keyboard.press("Escape");
      await drawer.waitFor({ state: "detached" });
    }, { dark: true });
  });

  it("checks the receipt of an event in the browser, and hands it out", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await row(page, "order.updated").getByRole("button").click();
      const drawer = page.getByRole("complementary", { name: "Event", exact: true });
      await drawer.getByRole("button", { name: "Verify this event" }).click();
      // The sealer runs every two seconds: the page offers to check again until it has.
      const verified = drawer.getByText("✓ Verified");
      const again = drawer.getByRole("button", { name: "Check again" });
      for (let attempt = 0; attempt < 20 && await verified.or(again).first().textContent() !== "✓ Verified"; attempt++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        await again.click();
      }
      await verified.waitFor();
      const [download] = await Promise.all([page.waitForEvent("download"), drawer.getByRole("link", { name: "Download the receipt" }).click()]);
      expect(download.suggestedFilename()).toMatch(/^[0-9a-f-]{36}\.tlog-proof$/);
      expect(await violations(page)).toEqual([]);
    }, { allowed: /409/ });
    await visit("/?page=integrity#demo=auditor", async (page) => {
      await page.getByText("Last signed").waitFor();
      await page.getByText("123e4567-e89b-12d3-a456-426614174000").first().waitFor();
      expect(await violations(page)).toEqual([]);
      await page.screenshot({ path: join(pictures, "integrity.png") });
    });
  });

  it("moves by j and k, opens by Enter, switches the zone by u and lists the keys by ?", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      await row(page, "user.login").first().waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("k");
      await page.keyboard.press("Enter");
      await page.getByRole("complementary", { name: "Event", exact: true }).getByText("user.login").first().waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("u");
      await page.getByRole("button", { name: /Times are local/ }).waitFor();
      expect(new URL(page.url()).searchParams.get("zone")).toBe("local");
      await page.keyboard.press("?");
      await page.getByRole("dialog").getByText("next event").waitFor();
    });
  });

  it("narrows the range on the histogram by keyboard", async () => {
    await visit("/#demo=auditor", async (page) => {
      await page.getByRole("status").getByText(/12\d events/).waitFor();
      const range = page.getByRole("slider", { name: "Time range" });
      await range.focus();
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Shift+ArrowLeft");
      expect(await range.getAttribute("aria-valuetext")).toMatch(/events$/);
      await page.keyboard.press("Enter");
      await page.waitForURL(/from=.+to=/);
      expect(await page.getByRole("combobox", { name: "Range" }).inputValue()).toBe("custom");
    });
  });

  it("exports exactly the filter as CSV", async () => {
    await visit("/?q=actor:user-3#demo=auditor", async (page) => {
      await page.getByRole("status").getByText("17 events").waitFor();
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
      const chunks: Buffer[] = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString("utf8").trim().split("\r\n").join("\n").split("\n")).toHaveLength(18);
    });
  });

  it("announces new events without moving a row", async () => {
    await visit("/?q=action:live.*&range=1h#demo=auditor", async (page) => {
      await page.getByRole("heading", { name: "No event matches" }).waitFor();
      await page.getByRole("button", { name: "Go live" }).click();
      const { url, tenants } = readLocalFile(join(dataFolder, "data"));
      const headers = { authorization: `Bearer ${tenants[0]?.api_keys.ingest}`, "content-type": "application/json" };
      await fetch(`${url}/functions/v1/audit-logger`, {
        method: "POST",
        headers,
        body: JSON.stringify({ events: [{ event_type: "live.one" }, { event_type: "live.two" }] }),
      });
      const news = page.getByRole("button", { name: "2 new events" });
      await news.waitFor();
      expect(await row(page, "live.one").count()).toBe(0);
      await news.click();
      await row(page, "live.one").waitFor();
    });
  });

  it("fits a phone of 320 px without scrolling sideways", async () => {
    await visit("/#demo=auditor", async (page) => {
      await row(page, "order.updated").waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
      expect(await violations(page)).toEqual([]);
      await page.screenshot({ path: join(pictures, "events-phone.png") });
    }, { width: 320 });
  });
});

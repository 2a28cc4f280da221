import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import { type Browser, type BrowserContextOptions, chromium as launcher, type Page } from "playwright-core";
import { expect } from "vitest";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import type { DoubleAccount } from "./auth-double.ts";

/** Where tests leave what they saw, for people to look at. */
export const pictures = join(projectFolder, "test-artifacts", "page");

const axe = readFileSync(join(projectFolder, "node_modules", "axe-core", "axe.min.js"), "utf8");

/** Chromium from npm. One process less than the package's own arguments ask for: `--single-process` ends with its first page. */
export async function openBrowser(): Promise<Browser> {
  mkdirSync(pictures, { recursive: true });
  return await launcher.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox", "--headless=shell", "--disable-gpu"] });
}

export type VisitOptions = {
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** Console errors that the test brings about itself. */
  readonly allowed?: RegExp;
  readonly context?: BrowserContextOptions;
};

/**
 * A fresh browser profile at `url`. The test fails when the page logs an error that is not one of `allowed`: a breach of the content security policy is
 * one, too. Waits are generous, since other work may have the processors.
 */
export async function visit(browser: Browser, url: string, test: (page: Page) => Promise<void>, options: VisitOptions = {}): Promise<void> {
  const viewport = { width: options.width ?? 1360, height: options.height ?? 900 };
  const context = await browser.newContext({ viewport, colorScheme: options.dark ? "dark" : "light", acceptDownloads: true, ...options.context });
  context.setDefaultTimeout(40_000);
  const faults: string[] = [];
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && !options.allowed?.test(message.text()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  // The console does not say of what.
  const failed: string[] = [];
  page.on("response", (response) => response.status() >= 500 && void response.text().then((body) => failed.push(`${response.url()}: ${body}`), () => {}));
  try {
    await page.goto(url);
    await test(page);
    expect(faults, failed.join("\n")).toEqual([]);
  } finally {
    await context.close();
  }
}

/** What axe finds against the page as it stands, all of its rules. */
export async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })") as { violations: { id: string; nodes: { html: string }[] }[] };
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ").slice(0, 400)}`);
}

/** Pixels by which the page is wider than its window: what somebody would have to scroll sideways. */
export async function overhang(page: Page): Promise<number> {
  return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") as number;
}

export function rowOf(page: Page, text: string | RegExp) {
  return page.getByRole("row").filter({ hasText: text });
}

/** An open event: a panel beside the table, a dialog in a narrow window. */
export function drawerOf(page: Page) {
  const name = { name: "Event", exact: true };
  return page.getByRole("complementary", name).or(page.getByRole("dialog", name));
}

/** The text of the file that `click` makes the page hand out, and its name. */
export async function downloaded(page: Page, click: () => Promise<void>): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
  return { name: download.suggestedFilename(), bytes: Buffer.concat(chunks) };
}

/** Fills in the form of an account of Supabase Auth and sends it; `password` is the account's unless it is to be a wrong one. */
export async function signIn(page: Page, account: DoubleAccount, password = account.password): Promise<void> {
  await page.getByLabel("E-mail").fill(account.email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

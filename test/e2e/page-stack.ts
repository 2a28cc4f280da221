import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { type LocalFile, readLocalFile, type StackProcess, startStack } from "../support/stack.ts";
import { openBrowser, visit, type VisitOptions } from "./page-browser.ts";

export type PageStack = {
  readonly local: () => LocalFile;
  readonly stack: () => StackProcess;
  readonly browser: () => Browser;
  /** Opens a path of the page in a fresh profile. */
  readonly visit: (path: string, test: (page: Page) => Promise<void>, options?: VisitOptions) => Promise<void>;
};

/** A stack and a browser for the tests of one file; `prepare` fills the log. */
export function usePageStack(prepare: (local: LocalFile) => Promise<void>): PageStack {
  const folder = mkdtempSync(join(tmpdir(), "audit-page-"));
  const data = join(folder, "data");
  let stack: StackProcess | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    stack = await startStack({ dataFolder: data });
    await prepare(readLocalFile(data));
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    stack?.signal("SIGINT");
    await stack?.ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const running = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error("use page stack: it has not started");
    return part;
  };
  return {
    local: () => readLocalFile(data),
    stack: () => running(stack),
    browser: () => running(browser),
    visit: (path, test, options) => visit(running(browser), `http://127.0.0.1:${running(stack).port}${path}`, test, options),
  };
}

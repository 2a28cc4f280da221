import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { isOutOfDate } from "./build-page.ts";

describe("isOutOfDate()", () => {
  const folder = mkdtempSync(join(tmpdir(), "audit-page-build-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is true when the page is missing, or when a source has changed after it, however deep, and not for a test", () => {
    const [built, sources] = [join(folder, "index.html"), [join(folder, "src"), join(folder, "none")]];
    mkdirSync(join(folder, "src", "deep"), { recursive: true });
    const write = (name: string, seconds: number) => {
      writeFileSync(join(folder, name), "");
      utimesSync(join(folder, name), seconds, seconds);
    };
    const settle = () => ["src/deep", "src"].forEach((name) => utimesSync(join(folder, name), 1, 1));
    write("src/deep/view.tsx", 1000);
    settle();
    expect(isOutOfDate(built, sources)).toBe(true);
    write("index.html", 2000);
    expect(isOutOfDate(built, sources)).toBe(false);
    write("src/deep/view.test.ts", 3000);
    settle();
    expect(isOutOfDate(built, sources)).toBe(false);
    write("src/deep/view.tsx", 3000);
    settle();
    expect(isOutOfDate(built, sources)).toBe(true);
  });
});

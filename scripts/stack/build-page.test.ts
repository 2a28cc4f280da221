import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Worker } from "node:worker_threads";
import { isOutOfDate } from "./build-page.ts";

describe("putInPlace()", () => {
  it("lets stacks that start at the same moment put their page where the others do", async () => {
    const folder = mkdtempSync(join(tmpdir(), "audit-page-place-"));
    const script = `
      import { mkdirSync, writeFileSync } from "node:fs";
      import { workerData } from "node:worker_threads";
      const { putInPlace } = await import(workerData.module);
      for (let turn = 0; turn < 30; turn++) {
        const built = workerData.folder + "/" + workerData.name + turn;
        mkdirSync(built + "/assets", { recursive: true });
        for (let file = 0; file < 20; file++) writeFileSync(built + "/assets/" + file, "");
        putInPlace(built, workerData.folder + "/dist");
      }`;
    const module = new URL("./build-page.ts", import.meta.url).href;
    const run = (name: string) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { workerData: { folder, name, module } });
        worker.once("error", reject).once("exit", resolve);
      });
    try {
      expect(await Promise.all(["a", "b", "c"].map(run))).toEqual([0, 0, 0]);
      expect(readdirSync(join(folder, "dist", "assets"))).toHaveLength(20);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

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

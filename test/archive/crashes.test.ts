import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { archive, type ArchiverDependencies } from "../../core/archive.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { archiveAll, archiverOf, bounds, eventsOf } from "./archived-log.ts";
import { everything } from "./everything.ts";

/** Thrown where the process is taken to have died: nothing that it would do afterwards happens. */
class Crash extends Error {}

const methods = ["put", "get", "remove"] as const;

/** The dependencies of a process that dies at its `step`-th call of the books or the store: before the call had its effect, or after it. */
function dyingAt(
  step: number,
  when: "before" | "after",
  whole: ArchiverDependencies,
): { readonly dependencies: ArchiverDependencies; readonly calls: () => string[] } {
  const calls: string[] = [];
  const wrap = <T extends object>(name: string, target: T, only?: readonly string[]): T =>
    new Proxy(target, {
      get: (object, key) => {
        const value = Reflect.get(object, key);
        // What gives tiles is asked for without reading anything yet.
        if (typeof value !== "function" || key === "tilesOf" || (only !== undefined && !only.includes(String(key)))) return value;
        return async (...given: unknown[]) => {
          if (calls.length >= step) throw new Crash();
          calls.push(`${name}.${String(key)}`);
          if (calls.length === step && when === "before") throw new Crash();
          const result = await Reflect.apply(value, object, given);
          if (calls.length === step) throw new Crash();
          return result;
        };
      },
    });
  return { dependencies: { ...whole, books: wrap("books", whole.books), archive: wrap("archive", whole.archive, methods) }, calls: () => calls };
}

const stepsMax = 60;
const firstDay = Date.parse("2026-01-01T00:00:00Z");
const dayOf = (index: number) => new Date(firstDay + index * 86_400_000).toISOString().slice(0, 10);

describe("archive(), when its process dies", () => {
  let log: TestLog;
  let folder: string;
  let all: string[];
  /** Each step has a day of its own, the only one that is not hot any more and not archived yet. */
  let nextDay = 0;
  const known = new Map<string, readonly string[]>();
  beforeAll(async () => {
    log = await openLog();
    folder = mkdtempSync(join(tmpdir(), "audit-archive-"));
    for (let index = 0; index < 2 * stepsMax; index++) await log.ingest(eventsOf(dayOf(index), 12, index + 1));
    await log.seal();
    all = await everything(log, archiverOf(log, folder).archive);
  });
  afterAll(async () => {
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(["before", "after"] as const)("loses and doubles nothing, %s the effect of any step, and the next call goes on", async (when) => {
    const steps: string[] = [];
    let isWhole = false;
    for (let step = 1; !isWhole; step++) {
      if (step > stepsMax) throw new Error(`${stepsMax} steps did not archive a day: ${steps.join(" ")}`);
      const noon = firstDay + (nextDay++ + bounds.hotDays + 1.5) * 86_400_000;
      const now = () => new Date(noon);
      const whole = archiverOf(log, folder, { now });
      const { dependencies, calls } = dyingAt(step, when, whole);
      // The lease of a process that died is over at once: nobody waits for it in a test.
      await archive(dependencies, { ...bounds, leaseSeconds: 0 }).then(() => (isWhole = calls().length < step), (error) => {
        if (!(error instanceof Crash)) throw error;
      });
      steps.push(calls().at(-1) ?? "");
      expect(await everything(log, whole.archive, known), `${when} step ${step}, ${calls().at(-1)}`).toEqual(all);
      await archiveAll(whole, { leaseSeconds: 0 });
      expect(await everything(log, whole.archive, known), `${when} step ${step}, afterwards`).toEqual(all);
      const { rows } = await log.admin.query("select count(*)::int as left from audit_log.archive_days where state <> 'dropped'");
      expect(rows[0].left, `days left ${when} step ${step}, ${calls().at(-1)}`).toBe(0);
    }
    // Every kind of step was the last one once.
    for (const kind of ["claim", "rows", "recordFile", "recordCheck", "recordManifest", "dropDay", "closeDays", "planDay", "files", "checkpoint"]) {
      expect(steps).toContain(`books.${kind}`);
    }
    expect(steps).toEqual(expect.arrayContaining(["archive.put", "archive.get"]));
  }, 240_000);
});

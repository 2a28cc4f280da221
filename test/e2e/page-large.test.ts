import { describe, expect, it } from "vitest";
import { rowOf } from "./page-browser.ts";
import { loadRows, postMany, scrollThrough } from "./page-large.ts";
import { usePageStack } from "./page-stack.ts";

describe("the events page with more rows than a document should hold", () => {
  const { visit } = usePageStack((local) => postMany(local, 5_000));

  it("keeps at most 200 of 5,000 rows in the document, in order, and none is lost", async () => {
    await visit("/?q=-action:audit.*#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").first().waitFor();
      await loadRows(page, 5_000);
      const { rowsMax, ...once } = await scrollThrough(page, 4_000);
      // What scrolling costs it costs each time; a collection of garbage or a busy neighbour in the processor's cache comes once.
      const again = once.scriptMsMax < 50 ? once : await scrollThrough(page, 4_000);
      const scriptMsMax = Math.min(once.scriptMsMax, again.scriptMsMax);
      expect(rowsMax).toBeGreaterThan(20);
      expect(rowsMax).toBeLessThanOrEqual(200);
      expect(scriptMsMax).toBeGreaterThan(0);
      expect(scriptMsMax).toBeLessThan(50);
      // At the end of the table stands the oldest event, which was posted last.
      await page.locator("tr[aria-rowindex='5001']").waitFor();
      expect(
        await page.locator("tr[data-index]").evaluateAll((rows) =>
          rows.every((row, place) =>
            place === 0 || Number((row as HTMLElement).dataset["index"]) === Number((rows[place - 1] as HTMLElement).dataset["index"]) + 1
          )
        ),
      ).toBe(true);
      const times = await page.locator("tr[data-index] .row-link").allTextContents();
      expect(times).toEqual([...times].sort().reverse());
    });
  });

  it("moves the keyboard to rows that were not in the document", async () => {
    await visit("/?q=-action:audit.*#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").first().waitFor();
      await loadRows(page, 600);
      for (let press = 0; press < 60; press++) await page.keyboard.press("j");
      await expect.poll(() => page.evaluate("document.activeElement?.closest('tr')?.dataset.index")).toBe("59");
    });
  });
});

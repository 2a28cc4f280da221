import type { Page } from "playwright-core";
import type { LocalFile } from "../support/stack.ts";
import { type NewEvent, post } from "./page-events.ts";

/** `count` events of the last six days, one in twenty a failure, posted in full batches. */
export async function postMany(local: LocalFile, count: number): Promise<void> {
  const now = Date.now();
  const eventAt = (index: number): NewEvent => ({
    occurred_at: new Date(now - 60_000 - Math.floor(index / count * 6 * 86_400_000)).toISOString(),
    event_type: ["order.updated", "order.created", "user.login", "config.updated"][index % 4],
    actor_id: `user-${index % 500}@example.com`,
    object_type: "order",
    object_id: `order-${index % 10_000}`,
    source: ["frontend", "api-service", "background-job"][index % 3],
    result: index % 20 === 0 ? "failure" : "success",
    ip_address: `10.${index % 200}.${index % 250}.7`,
    message: "Card number ending 4242 was charged",
    duration_ms: index % 900,
  });
  for (let start = 0; start < count; start += 10_000) {
    await post(local, 0, Array.from({ length: Math.min(10_000, count - start) }, (_, place) => eventAt(start + place)));
  }
}

/** Goes on until the table holds at least `count` events. */
export async function loadRows(page: Page, count: number): Promise<void> {
  const loaded = () => page.evaluate("Number(document.querySelector('.event-table').getAttribute('aria-rowcount')) - 1") as Promise<number>;
  for (let have = await loaded(); have < count; have = await loaded()) {
    await page.getByRole("button", { name: "Load older" }).click();
    await page.waitForFunction((before) => Number(document.querySelector(".event-table")?.getAttribute("aria-rowcount")) - 1 > before, have);
  }
}

export type Scrolled = {
  /** Most rows that were in the document at once. */
  readonly rowsMax: number;
  /** Most milliseconds of the processor that the page's scripts took for one frame: an upper bound of what one task took. */
  readonly scriptMsMax: number;
  readonly frames: number;
};

/**
 * Scrolls through the whole table, `step` pixels a frame, and measures. In time of the processor, not of the clock: what other programs do in between
 * is no task of the page's.
 */
export async function scrollThrough(page: Page, step: number): Promise<Scrolled> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const scriptMs = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return (metrics.find(({ name }) => name === "ScriptDuration")?.value ?? NaN) * 1000;
  };
  const height = await page.evaluate("document.querySelector('.table-scroller').scrollHeight") as number;
  let [rowsMax, scriptMsMax, frames] = [0, 0, 0];
  for (let top = 0; top < height; top += step) {
    const before = await scriptMs();
    const rows = await page.evaluate(scrollTo, top);
    scriptMsMax = Math.max(scriptMsMax, await scriptMs() - before);
    rowsMax = Math.max(rowsMax, rows);
    frames++;
  }
  await session.detach();
  return { rowsMax, scriptMsMax, frames };
}

/** Runs in the page: scrolls, waits until that has been drawn, and counts the rows. */
async function scrollTo(top: number): Promise<number> {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  document.querySelector(".table-scroller")?.scrollTo({ top });
  await frame();
  await frame();
  return document.querySelectorAll(".event-table tbody tr").length;
}

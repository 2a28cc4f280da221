import { describe, expect, it } from "vitest";
import { rowOf } from "./page-browser.ts";
import { post } from "./page-events.ts";
import { usePageStack } from "./page-stack.ts";

describe("what happens while the page is open", () => {
  const { local, visit } = usePageStack((found) => post(found, 0, [{ event_type: "user.login" }]));

  it("announces new events without moving a row, and pauses", async () => {
    await visit("/?q=action:live.*&range=1h#demo=auditor", async (page) => {
      await page.getByRole("heading", { name: "No event matches" }).waitFor();
      await page.getByRole("button", { name: "Go live" }).click();
      await page.getByText("Live", { exact: true }).waitFor();
      await post(local(), 0, [{ event_type: "live.one" }, { event_type: "live.two" }, { event_type: "other.three" }]);
      const news = page.getByRole("button", { name: "2 new events" });
      await news.waitFor();
      expect(await rowOf(page, "live.one").count()).toBe(0);
      await news.click();
      await rowOf(page, "live.one").waitFor();
      await news.waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Pause" }).click();
      await post(local(), 0, [{ event_type: "live.three" }]);
      await page.getByRole("button", { name: "Go live" }).click();
      await page.getByRole("button", { name: "1 new event", exact: true }).waitFor();
    });
  });

  it("takes nothing for new that a link to a live view has yet to list", async () => {
    await visit("/#demo=auditor", async (page) => {
      await rowOf(page, "user.login").first().waitFor();
      const order: string[] = [];
      page.on("request", (request) => request.url().includes("/events/stream") && order.push("stream"));
      page.on("response", (response) => response.url().includes("/events?") && order.push("list"));
      const held = Promise.withResolvers<void>();
      await page.route("**/events?*", (route) => held.promise.then(() => route.continue()));
      await page.goto(`${local().url}/?live=1&range=1h`);
      // Nothing is followed before the list is there, and nothing is called live.
      await page.getByText("Connecting…").waitFor();
      held.resolve();
      await page.getByText("Live", { exact: true }).waitFor();
      expect(order[0]).toBe("list");
    });
  });

  it("counts no record of its readers, and asks again and again where there is no stream", async () => {
    const look = async (q: string) => {
      const headers = { authorization: `Bearer ${local().tenants[0]?.tokens.viewer}` };
      expect((await fetch(`${local().url}/api/v1/audit/events?q=${q}`, { headers })).status).toBe(200);
    };
    for (const hasStream of [true, false]) {
      await visit("/?range=1h#demo=auditor", async (page) => {
        if (!hasStream) await page.route("**/events/stream*", (route) => route.fulfill({ status: 404, json: { code: "not_found", detail: "none" } }));
        await rowOf(page, "user.login").first().waitFor();
        await page.getByRole("button", { name: "Go live" }).click();
        await page.getByText("Live", { exact: true }).waitFor();
        expect(await page.getByText("more than 10 s late").count()).toBe(hasStream ? 0 : 1);
        await look(`actor:looked-${hasStream}`);
        await post(local(), 0, [{ event_type: "after.look" }]);
        await page.getByRole("button", { name: "1 new event", exact: true }).waitFor();
      }, { allowed: /404/ });
    }
  });

  it("holds no more of a busy log than it says, and does not ask at once again where each stream ends at once", async () => {
    await visit("/?q=action:user.*&range=1h#demo=auditor", async (page) => {
      let streams = 0;
      let body = "";
      await page.route("**/events/stream*", (route) => {
        streams++;
        return route.fulfill({ contentType: "text/event-stream", body });
      });
      await rowOf(page, "user.login").first().waitFor();
      await page.clock.install();
      await page.clock.pauseAt(Date.now() + 60_000);
      await Promise.all([page.waitForResponse(/stream/), page.getByRole("button", { name: "Go live" }).click()]);
      // One after the other: a search that overtook the pause would open another stream, and rightly.
      await page.getByRole("button", { name: "Pause" }).click();
      await Promise.all([page.waitForResponse(/\/stats/), page.getByRole("button", { name: "Search", exact: true }).click()]);
      expect(streams).toBe(1);
      body = Array.from({ length: 12_000 }, (_, index) => `id: ${index}\ndata: {"id":"new-${index}"}\n\n`).join("");
      await page.getByRole("button", { name: "Go live" }).click();
      await page.getByRole("button", { name: "at least 10,000 new events" }).waitFor();
    });
  });

  it("refreshes by itself, but not while somebody reads", async () => {
    await visit("/?q=action:fresh.*&range=1h#demo=auditor", async (page) => {
      await page.clock.install();
      await page.reload();
      await page.getByRole("heading", { name: "No event matches" }).waitFor();
      await page.getByRole("combobox", { name: "Refresh" }).selectOption("10");
      expect(new URL(page.url()).searchParams.get("refresh")).toBe("10");
      await post(local(), 0, [{ event_type: "fresh.one" }]);
      await page.clock.runFor(11_000);
      await rowOf(page, "fresh.one").waitFor();
      await rowOf(page, "fresh.one").getByRole("button").click();
      await page.getByText("paused while you read").waitFor();
      await post(local(), 0, [{ event_type: "fresh.two" }]);
      await page.clock.runFor(30_000);
      expect(await rowOf(page, "fresh.two").count()).toBe(0);
      await page.keyboard.press("Escape");
      await page.clock.runFor(11_000);
      await rowOf(page, "fresh.two").waitFor();
    });
  });
});

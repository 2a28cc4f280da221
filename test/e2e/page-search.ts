import type { Route } from "playwright-core";
import { expect, it } from "vitest";
import { downloaded, rowOf, violations } from "./page-browser.ts";
import type { PageStack } from "./page-stack.ts";

/** What finds, narrows, counts and exports, over the events of page.test.ts. */
export function searchTests({ visit }: PageStack): void {
  it("keeps form, query text and address in step", async () => {
    await visit("/#demo=auditor", async (page) => {
      await page.getByRole("combobox", { name: "Result" }).selectOption("failure");
      await page.getByRole("status").getByText("1 event", { exact: true }).waitFor();
      expect(await page.getByLabel("Query").inputValue()).toBe("result:failure");
      expect(new URL(page.url()).searchParams.get("q")).toBe("result:failure");
      await page.getByLabel("Query").fill("action:user.* actor:user-3");
      await page.getByRole("button", { name: "Search", exact: true }).click();
      await page.getByRole("status").getByText("17 events").waitFor();
      expect(await page.getByRole("combobox", { name: "Actor" }).inputValue()).toBe("user-3");
      await page.getByRole("textbox", { name: "IP address" }).fill("10.0.0.0/8");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "No event matches" }).waitFor();
      expect(await page.getByLabel("Query").inputValue()).toBe("action:user.* actor:user-3 ip:10.0.0.0/8");
      await page.goBack();
      await page.goBack();
      await page.getByRole("status").getByText("1 event", { exact: true }).waitFor();
    });
  });

  it("takes alternatives and prefixes in the form as in the query, and knows a field by each of its names", async () => {
    await visit("/?q=type:user.*#demo=auditor", async (page) => {
      await page.getByRole("status").getByText("119 events").waitFor();
      const type = page.getByRole("combobox", { name: "Event type" });
      expect(await type.inputValue()).toBe("user.*");
      await type.fill("user.login,order.updated");
      await page.keyboard.press("Enter");
      await page.getByRole("status").getByText("120 events").waitFor();
      expect(await page.getByLabel("Query").inputValue()).toBe("action:user.login,order.updated");
      expect(await type.inputValue()).toBe("user.login,order.updated");
    });
  });

  it("suggests a value that holds a comma or a star in the words that mean it and nothing else", async () => {
    await visit("/#demo=auditor", async (page) => {
      await page.route("**/api/v1/audit/stats?*", async (route) => {
        const response = await route.fetch();
        const json = await response.json();
        json.facets.values.actor_id = ["a,b", "a*", "plain"].map((value) => ({ value, count: 1 }));
        await route.fulfill({ response, json });
      });
      await page.getByRole("button", { name: "Refresh now" }).click();
      await expect.poll(() => page.evaluate("[...document.querySelectorAll('#known-actor option')].map((option) => option.value)")).toEqual([
        '"a,b"',
        '"a*"',
        "plain",
      ]);
      await page.unrouteAll({ behavior: "wait" });
    });
  });

  it("asks again when the same is searched for again", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      await rowOf(page, "user.login").first().waitFor();
      const [request] = await Promise.all([page.waitForRequest(/\/events\?/), page.getByRole("button", { name: "Search", exact: true }).click()]);
      expect(new URL(request.url()).searchParams.get("q")).toBe("action:user.*");
    });
  });

  it("keeps the rows that are there when older ones do not come, or the figures", async () => {
    await visit("/?q=-action:audit.*#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").waitFor();
      await page.route(
        "**/api/v1/audit/events?*cursor=*",
        (route) => route.fulfill({ status: 403, json: { code: "forbidden", detail: "No.", request_id: "r-1" } }),
      );
      await page.getByRole("button", { name: "Load older" }).click();
      await page.getByRole("alert").getByText("r-1").waitFor();
      expect(await rowOf(page, "order.updated").count()).toBe(1);
      await page.unroute("**/api/v1/audit/events?*cursor=*");
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("alert").waitFor({ state: "detached" });
      expect(await page.locator(".event-table").getAttribute("aria-rowcount")).toBe("121");
      await page.route("**/api/v1/audit/stats?*", (route) => route.fulfill({ status: 403, json: { code: "forbidden", detail: "No.", request_id: "r-2" } }));
      await page.getByRole("button", { name: "Refresh now" }).click();
      await page.getByRole("alert").getByText("r-2").waitFor();
      expect(await rowOf(page, "order.updated").count()).toBe(1);
    }, { allowed: /403/ });
  });

  it("counts values, and filters by one and back", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      const warning = page.getByRole("region", { name: "Result" }).getByRole("button", { name: /warning/ });
      expect(await warning.textContent()).toBe("warning24");
      await warning.click();
      await page.getByRole("status").getByText("24 events").waitFor();
      expect(await warning.getAttribute("aria-pressed")).toBe("true");
      await warning.click();
      await page.getByRole("status").getByText("119 events").waitFor();
    });
  });

  it("tells an empty answer, an empty log and a query that is none apart, and offers a way on", async () => {
    await visit("/?q=actor:nobody#demo=auditor", async (page) => {
      await page.getByRole("heading", { name: "No event matches" }).waitFor();
      await page.getByRole("button", { name: "Clear the query" }).click();
      await rowOf(page, "order.updated").waitFor();
    });
    await visit("/?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z#demo=auditor", async (page) => {
      await page.getByRole("heading", { name: "No events in this range" }).waitFor();
      await page.getByRole("button", { name: "Look at 90 days" }).click();
      await rowOf(page, "order.updated").waitFor();
    });
    await visit("/?range=15m&q=-action:audit.*#demo=auditor-2", (page) => page.getByRole("heading", { name: "No event matches" }).waitFor());
    await visit("/?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z#demo=auditor-2", async (page) => {
      await page.getByRole("heading", { name: "No events yet" }).waitFor();
      expect(await page.getByText("curl ").textContent()).toContain("/functions/v1/audit-logger");
    });
    await visit("/?q=action:a%20actr:nobody#demo=auditor", async (page) => {
      await page.getByRole("heading", { name: "The query cannot be read" }).waitFor();
      // Said once, where it is mended; and what cannot be read is not exported.
      expect(await page.getByRole("alert").allTextContents()).toEqual([expect.stringContaining("did you mean actor?")]);
      expect(await page.getByRole("group", { name: "Export" }).getByRole("button", { name: "CSV" }).isDisabled()).toBe(true);
      expect(await page.getByLabel("Query").getAttribute("aria-invalid")).toBe("true");
      expect(await page.locator("#q-fault mark").textContent()).toBe("actr:nobody");
      expect(await violations(page)).toEqual([]);
    }, { allowed: /400/ });
  });

  it("narrows the range on the histogram, by keyboard and by dragging", async () => {
    await visit("/#demo=auditor", async (page) => {
      await page.getByRole("status").getByText(/1\d\d events/).waitFor();
      const range = page.getByRole("slider", { name: "Time range" });
      await range.focus();
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Shift+ArrowLeft");
      expect(await range.getAttribute("aria-valuetext")).toMatch(/events$/);
      await page.keyboard.press("Enter");
      await page.waitForURL(/from=.+to=/);
      expect(await page.getByRole("combobox", { name: "Range", exact: true }).inputValue()).toBe("custom");
      await page.goBack();
      const box = await range.boundingBox();
      if (box === null) throw new Error("drag on the histogram: it has no place");
      await page.mouse.click(box.x + box.width * 0.5, box.y + 40, { button: "right" });
      expect(await page.getByRole("combobox", { name: "Range", exact: true }).inputValue()).toBe("7d");
      await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width - 2, box.y + 40, { steps: 5 });
      await page.mouse.up();
      await page.waitForURL(/from=.+to=/);
      const parameters = new URL(page.url()).searchParams;
      const width = Date.parse(parameters.get("to") ?? "") - Date.parse(parameters.get("from") ?? "");
      expect(width / 86_400_000).toBeGreaterThan(3);
      expect(width / 86_400_000).toBeLessThan(4);
    });
  });

  it("exports exactly the filter as CSV, NDJSON and Parquet", async () => {
    await visit("/?q=actor:user-3#demo=auditor", async (page) => {
      await page.getByRole("status").getByText("17 events").waitFor();
      const take = (name: string) => downloaded(page, () => page.getByRole("button", { name, exact: true }).click());
      const csv = await take("CSV");
      expect(csv.name).toMatch(/^audit-events-.+\.csv$/);
      expect(csv.bytes.toString("utf8").trim().split("\r\n")).toHaveLength(18);
      await page.getByRole("status").getByText(/\.csv saved/).waitFor();
      const lines = (await take("NDJSON")).bytes.toString("utf8").trim().split("\n").map((line) => JSON.parse(line));
      expect(lines.slice(0, -1).map(({ actor_id }) => actor_id)).toEqual(Array(17).fill("user-3"));
      expect(lines.at(-1).audit_events_export).toMatchObject({ complete: true, rows: 17 });
      expect((await take("Parquet")).bytes.subarray(0, 4).toString()).toBe("PAR1");
    });
  });

  it("shows how far an export is, and cancels it", async () => {
    await visit("/?q=actor:user-3#demo=auditor", async (page) => {
      await page.getByRole("status").getByText("17 events").waitFor();
      await page.route("**/events/export?*", () => undefined);
      await page.getByRole("button", { name: "CSV", exact: true }).click();
      await page.getByRole("progressbar", { name: "Export" }).waitFor();
      await page.getByText("0 of 17 rows").waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByText("Export cancelled; nothing was saved.").waitFor();
      await page.unroute("**/events/export?*");
      const full = { code: "unavailable", detail: "export: too many are made at once", request_id: "r-3" };
      await page.route("**/events/export?*", (route) => route.fulfill({ status: 503, headers: { "retry-after": "7" }, json: full }));
      await page.getByRole("button", { name: "CSV", exact: true }).click();
      await page.getByText("at once. Nothing was saved. Try again in 7 seconds. If it stays so, tell").waitFor();
      await page.getByText("the request number. (Code unavailable, request r-3)").waitFor();
    }, { allowed: /503/ });
  });

  it("goes on with an export in sight of other views, and ends it with the sign-in", async () => {
    await visit("/?q=actor:user-3#demo=auditor", async (page) => {
      const saved: string[] = [];
      page.on("download", (download) => saved.push(download.suggestedFilename()));
      const begin = async () => {
        await page.getByRole("status").getByText("17 events").waitFor();
        await page.getByRole("button", { name: "CSV", exact: true }).click();
        await page.getByText("0 of 17 rows").waitFor();
      };
      const held: Route[] = [];
      await page.route("**/events/export?*", (route) => void held.push(route));
      await begin();
      await page.getByRole("link", { name: "Integrity" }).click();
      const strip = page.getByRole("region", { name: "Export" });
      await strip.getByText("0 of 17 rows").waitFor();
      expect(await violations(page)).toEqual([]);
      await Promise.all([page.waitForEvent("download"), held[0]?.fallback()]);
      await strip.getByText(/\.csv saved/).waitFor();
      await strip.getByRole("button", { name: "Dismiss" }).click();
      await strip.waitFor({ state: "detached" });
      await page.getByRole("link", { name: "Events" }).click();
      await begin();
      await page.getByRole("link", { name: "Integrity" }).click();
      await strip.getByRole("button", { name: "Cancel" }).click();
      await strip.getByText("Export cancelled; nothing was saved.").waitFor();
      await page.getByRole("link", { name: "Events" }).click();
      // What was read where it belongs does not follow to the next view.
      await page.getByRole("group", { name: "Export" }).getByText("Export cancelled; nothing was saved.").waitFor();
      await page.getByRole("link", { name: "Producers" }).click();
      await page.getByRole("heading", { name: "Producers" }).waitFor();
      expect(await strip.count()).toBe(0);
      await page.getByRole("link", { name: "Events" }).click();
      await begin();
      const ended = page.waitForEvent("requestfailed", (request) => request.url().includes("/events/export?"));
      await page.getByRole("button", { name: "Sign out" }).click();
      await ended;
      await page.getByRole("button", { name: /^Admin of/ }).first().click();
      await page.getByRole("status").getByText("17 events").waitFor();
      await held[2]?.fallback().catch(() => undefined);
      await page.getByRole("link", { name: "Integrity" }).click();
      await page.getByRole("heading", { name: "Integrity" }).waitFor();
      expect(await page.getByRole("progressbar", { name: "Export" }).count()).toBe(0);
      expect(saved).toHaveLength(1);
    });
  });
}

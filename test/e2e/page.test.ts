import { describe, expect, it } from "vitest";
import { drawerOf, overhang, rowOf, violations } from "./page-browser.ts";
import { drawerTests } from "./page-drawer.ts";
import { post } from "./page-events.ts";
import { searchTests } from "./page-search.ts";
import { usePageStack } from "./page-stack.ts";

// A minute apart, the first the newest: what the first page of a hundred holds must not be left to the ids.
const sample = [
  {
    event_type: "order.updated",
    actor_id: "user-123",
    object_type: "order",
    object_id: "order-456",
    result: "failure",
    duration_ms: 32,
    context: { before: { total: 150 }, after: { total: 175.5 } },
  },
  ...Array.from(
    { length: 119 },
    (_, index) => ({ event_type: "user.login", actor_id: `user-${index % 7}`, source: "frontend", result: index % 5 === 0 ? "warning" : "success" }),
  ),
];

describe("the events page", () => {
  const opened = usePageStack((found) =>
    post(found, 0, sample.map((event, index) => ({ ...event, occurred_at: new Date(Date.now() - index * 60_000).toISOString() })))
  );
  const { stack, visit } = opened;
  searchTests(opened);
  drawerTests(opened);

  it("signs in by the printed address, and takes the name out of it", async () => {
    expect(stack().output()).toContain(`http://127.0.0.1:${stack().port}/#demo=auditor`);
    await visit("/#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").waitFor();
      expect(new URL(page.url()).hash).toBe("");
      await page.getByText("auditor@example.com").waitFor();
      await page.reload();
      await rowOf(page, "order.updated").waitFor();
      // Where somebody is signed in, another link does not change who.
      await page.goto(`http://127.0.0.1:${stack().port}/?q=order#demo=viewer`);
      await page.getByRole("button", { name: "Stay signed in as auditor@example.com" }).click();
      await page.getByText("auditor@example.com").waitFor();
    });
  });

  it("shows in a narrow window which view is open, and lets the Tab key begin with the link past all views", async () => {
    await visit("/?page=keys#demo=admin", async (page) => {
      await rowOf(page, "Demo ingest").waitFor();
      const box = await page.getByRole("link", { name: "API keys" }).boundingBox();
      expect(box).not.toBeNull();
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320);
      await page.keyboard.press("Tab");
      expect(await page.locator(":focus").textContent()).toBe("Skip to the content");
    }, { width: 320, height: 700 });
  });

  it("says when the service cannot be reached, keeps what it has found, and goes on when it can", async () => {
    await visit("/#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").waitFor();
      await page.route("**/api/v1/audit/events?*", (route) => route.abort());
      await page.getByRole("button", { name: "Refresh now" }).click();
      await page.getByRole("alert").getByText("cannot be reached").waitFor();
      await page.getByRole("alert").getByText("What stands below is the answer before this one").waitFor();
      expect(await rowOf(page, "order.updated").count()).toBe(1);
      expect(await page.getByRole("button", { name: "Load older" }).count()).toBe(0);
      // What another question found is no answer to this one.
      await page.route("**/api/v1/audit/events?*", (route) => route.fulfill({ status: 403, json: { code: "forbidden", detail: "No.", request_id: "r" } }));
      await page.getByRole("combobox", { name: "Range" }).selectOption("24h");
      await page.getByRole("table").waitFor({ state: "detached" });
      expect(await page.getByRole("alert").textContent()).not.toContain("What stands below");
      await page.unroute("**/api/v1/audit/events?*");
      await page.getByRole("button", { name: "Try again" }).press("Enter");
      await rowOf(page, "order.updated").waitFor();
      expect(await page.evaluate("document.activeElement.id")).toBe("main");
    }, { allowed: /ERR_FAILED|403/ });
  });

  it("says that it failed, and is never blank, when its settings do not come or an answer breaks it", async () => {
    for (const path of ["**/config.json", "**/api/v1/audit/events?*"]) {
      await visit("/#demo=auditor", async (page) => {
        await rowOf(page, "order.updated").waitFor();
        await page.route(path, (route) => route.fulfill({ body: path.includes("config") ? "<html>" : '{"events":[{"id":"x","occurred_at":"never"}]}' }));
        await page.reload();
        await page.getByRole("alert").getByText("The log is not touched by it").waitFor();
        expect(await violations(page)).toEqual([]);
        await page.unroute(path);
        await page.getByRole("button", { name: "Load the page again" }).click();
        await rowOf(page, "order.updated").waitFor();
      }, { allowed: /Invalid time value|RangeError/ });
    }
  });

  it("says when a view cannot be loaded, and shows it when it can", async () => {
    await visit("/#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").waitFor();
      await page.route("**/assets/*integrity*", (route) => route.abort());
      await page.getByRole("link", { name: "Integrity" }).click();
      await page.getByText("This view could not be loaded.").waitFor();
      expect(await page.getByRole("link", { name: "Events" }).count()).toBe(1);
      await page.unroute("**/assets/*integrity*");
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("heading", { name: "Integrity" }).waitFor();
    }, { allowed: /ERR_FAILED|dynamically imported/ });
  });

  it("moves by j and k, opens by Enter, switches the zone by u, goes to the export by e, and lists the keys by ?", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      await rowOf(page, "user.login").first().waitFor();
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      await page.keyboard.press("k");
      await expect.poll(() => page.evaluate("document.activeElement?.closest('tr')?.dataset.index")).toBe("0");
      await page.keyboard.press("Enter");
      await drawerOf(page).getByText("user.login").first().waitFor();
      await page.keyboard.press("Escape");
      await drawerOf(page).waitFor({ state: "detached" });
      await page.getByRole("columnheader", { name: "Time (UTC)" }).waitFor();
      await page.keyboard.press("u");
      await page.getByRole("button", { name: /^Local time/ }).waitFor();
      expect(new URL(page.url()).searchParams.get("zone")).toBe("local");
      await page.getByRole("columnheader", { name: /^Time \(Asia\/(Kolkata|Calcutta)\)$/ }).waitFor();
      await page.keyboard.press("e");
      expect(await page.evaluate("document.activeElement?.textContent")).toBe("CSV");
      await page.keyboard.press("/");
      expect(await page.evaluate("document.activeElement?.id")).toBe("q");
      await page.keyboard.press("Tab");
      await page.keyboard.press("?");
      await page.getByRole("dialog").getByText("next event").waitFor();
      expect(await violations(page)).toEqual([]);
    }, { context: { timezoneId: "Asia/Kolkata", locale: "en-GB" } });
  });

  it("leaves single keys alone when they are switched off, also the next time", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      await rowOf(page, "user.login").first().waitFor();
      await page.getByRole("button", { name: "Keyboard" }).click();
      await page.getByRole("checkbox", { name: "Use these keys" }).uncheck();
      await page.getByRole("button", { name: "Close", exact: true }).click();
      await page.reload();
      await rowOf(page, "user.login").first().waitFor();
      await page.keyboard.press("u");
      await page.keyboard.press("?");
      expect(await page.getByRole("dialog").count()).toBe(0);
      await page.getByRole("button", { name: "Keyboard" }).click();
      await page.getByRole("checkbox", { name: "Use these keys" }).check();
      await page.keyboard.press("Escape");
      await page.keyboard.press("u");
      await page.getByRole("button", { name: /^Local time/ }).waitFor();
    });
  });

  it("fits 320 px, a zoom of 200 % and 4K without scrolling sideways", async () => {
    for (const [width, height, scale] of [[320, 700, 2], [680, 450, 2], [3840, 2160, 1]] as const) {
      await visit("/?q=result:failure#demo=auditor", async (page) => {
        await rowOf(page, "order.updated").getByRole("button").click();
        await drawerOf(page).getByRole("heading", { name: "user-123 updated" }).waitFor();
        expect(await overhang(page), `${width} px`).toBe(0);
        await page.getByRole("button", { name: "Close the event" }).click();
        expect(await overhang(page), `${width} px`).toBe(0);
        expect(await violations(page)).toEqual([]);
      }, { width, height, context: { deviceScaleFactor: scale } });
    }
  });

  it("does not move for those who asked for it", async () => {
    for (const [reducedMotion, moving] of [["reduce", 0], ["no-preference", 12]] as const) {
      await visit("/#demo=auditor", async (page) => {
        await page.route("**/api/v1/audit/events?*", () => undefined);
        await page.reload();
        await page.locator(".skeleton").first().waitFor();
        expect(await page.evaluate("document.getAnimations().length")).toBe(moving);
      }, { context: { reducedMotion } });
    }
  });
});

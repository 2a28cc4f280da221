import { expect, it } from "vitest";
import { drawerOf, rowOf, violations } from "./page-browser.ts";
import type { PageStack } from "./page-stack.ts";

/** What the drawer of an event does, over the events of page.test.ts. */
export function drawerTests({ visit }: PageStack): void {
  it("closes by Escape a dialog and not the event behind it, and stays in the view when what opened it is gone", async () => {
    await visit("/?q=action:order.updated#demo=admin", async (page) => {
      await rowOf(page, "order.updated").first().getByRole("button").click();
      await drawerOf(page).getByRole("button", { name: "Delete…" }).click();
      await page.getByRole("button", { name: "Cancel" }).focus();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      expect(await drawerOf(page).count()).toBe(1);
      await page.getByRole("link", { name: "API keys" }).click();
      await page.getByText("Make a key").click();
      await page.getByLabel("Name").fill("short-lived");
      await page.getByRole("button", { name: "Make the key" }).click();
      await rowOf(page, "short-lived").getByRole("button", { name: /Revoke/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Revoke the key" }).click();
      await page.locator("#main:focus").waitFor();
    });
  });

  it("gives the focus back to the row from which an event was opened", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      const row = (index: number) => page.getByRole("row").nth(index).getByRole("button");
      await row(2).focus();
      await page.keyboard.press("Enter");
      await drawerOf(page).waitFor();
      await row(3).click();
      await page.keyboard.press("Escape");
      await drawerOf(page).waitFor({ state: "detached" });
      expect(await row(3).evaluate((element) => element === document.activeElement)).toBe(true);
    });
  });

  it("keeps the keyboard beside a button that is taken away, or has work to do, when it is pressed", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      const focused = () => page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.textContent");
      await rowOf(page, "user.login").first().waitFor();
      await page.route("**/events/export?*", () => undefined);
      await page.getByRole("button", { name: "CSV", exact: true }).press("Enter");
      await page.getByRole("progressbar", { name: "Export" }).waitFor();
      expect(await focused()).toBe("Export");
      await page.getByRole("button", { name: "Cancel", exact: true }).press("Enter");
      await page.getByText("Export cancelled").waitFor();
      expect(await focused()).toBe("Export");
      await page.unroute("**/events/export?*");
      await rowOf(page, "user.login").first().getByRole("button").click();
      await drawerOf(page).getByRole("button", { name: "Verify this event" }).press("Enter");
      await drawerOf(page).getByText(/Verified|not sealed yet/).waitFor();
      expect(await focused()).toMatch(/Verified|not sealed yet/);
      await page.getByRole("link", { name: "Integrity" }).click();
      for (const [name, outcome] of [["Verify the log", "signed by the log's key"], [/^Verify all/, "are as they were sealed"]] as const) {
        await page.getByRole("button", { name }).press("Enter");
        await page.getByText(outcome).waitFor();
        expect(await focused()).toMatch(name);
      }
    });
  });

  it("is a modal dialog in a narrow window, and a panel beside the table in a wide one", async () => {
    await visit("/?q=action:user.*#demo=auditor", async (page) => {
      const row = page.getByRole("row").nth(2).getByRole("button");
      await row.press("Enter");
      const dialog = page.getByRole("dialog", { name: "Event", exact: true });
      await dialog.waitFor();
      expect(await violations(page)).toEqual([]);
      const hasFocus = () => dialog.evaluate((element) => element.contains(document.activeElement) || document.activeElement === document.body);
      for (let tabs = 0; tabs < 30; tabs++) {
        await page.keyboard.press("Tab");
        expect(await hasFocus(), `after ${tabs + 1} tabs`).toBe(true);
      }
      await page.keyboard.press("Shift+Tab");
      expect(await hasFocus()).toBe(true);
      // What cannot be seen is not to be moved, read or pressed either.
      await page.keyboard.press("j");
      await page.keyboard.press("?");
      expect(await page.getByRole("row").nth(1).evaluate((element) => element.className)).toBe("");
      expect(await page.getByRole("dialog").count()).toBe(1);
      expect(await page.locator("a[href], button, input, select").evaluateAll((all) => all.filter((one) => one.closest("[inert], .drawer, dialog") === null)))
        .toEqual([]);
      // Turned on its side it is beside the table again, with all that it shows.
      await dialog.getByRole("button", { name: "Verify this event" }).click();
      await dialog.locator(".badge:not(.unasked)").waitFor();
      await page.setViewportSize({ width: 1360, height: 800 });
      await page.getByRole("complementary", { name: "Event", exact: true }).waitFor();
      expect(await drawerOf(page).getByRole("button", { name: "Verify this event" }).count()).toBe(0);
      await page.getByRole("row").nth(3).getByRole("button").click();
      await page.getByRole("row").nth(2).getByRole("button").click();
      await page.setViewportSize({ width: 390, height: 844 });
      await dialog.waitFor();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      expect(await row.evaluate((element) => element === document.activeElement)).toBe(true);
    }, { width: 390, height: 844 });
  });

  it("keeps an event open when Enter is pressed on its head, and opens none when its text is marked", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").getByRole("button").click();
      await drawerOf(page).getByRole("heading", { name: "user-123 updated" }).waitFor();
      await page.keyboard.press("Enter");
      expect(await drawerOf(page).count()).toBe(1);
      await page.keyboard.press("Escape");
      await drawerOf(page).waitFor({ state: "detached" });
      const box = await rowOf(page, "order.updated").getByRole("cell", { name: "order.updated" }).locator("bdi").boundingBox();
      if (box === null) throw new Error("mark the type: it has no place");
      await page.mouse.move(box.x + 2, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2, { steps: 4 });
      await page.mouse.up();
      expect(await page.evaluate("getSelection().toString()")).toContain("rder.update");
      expect(await drawerOf(page).count()).toBe(0);
    });
  });

  it("shows an event with its change and where to look next, and has a link to it", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").getByRole("button").click();
      const drawer = drawerOf(page);
      await drawer.getByRole("heading", { name: "user-123 updated order order-456, failed, 32 ms" }).waitFor();
      expect(await drawer.getByRole("row", { name: /total/ }).textContent()).toBe("total150175.5");
      await page.goto(page.url());
      await drawer.getByRole("heading", { name: "user-123 updated order" }).waitFor();
      await drawer.getByRole("button", { name: "Everything by this actor" }).click();
      await page.waitForURL(/q=actor%3Auser-123/);
      await page.goBack();
      await drawer.getByRole("button", { name: "Everything on this object" }).click();
      await page.waitForURL(/q=object%3Aorder-456/);
      await page.goBack();
      await drawer.getByRole("button", { name: "Ten minutes around it" }).click();
      await page.getByRole("status").getByText(/^\d\d? events$/).waitFor();
      await page.goBack();
      await page.keyboard.press("Escape");
      await drawer.waitFor({ state: "detached" });
    });
  });

  it("copies the JSON of an event", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
      await rowOf(page, "order.updated").getByRole("button").click();
      await drawerOf(page).getByRole("button", { name: "Copy" }).click();
      await drawerOf(page).getByText("Copied").waitFor();
      const copied = JSON.parse(await page.evaluate("navigator.clipboard.readText()") as string);
      expect(copied).toMatchObject({ event_type: "order.updated", context: { after: { total: 175.5 } } });
    });
  });
}

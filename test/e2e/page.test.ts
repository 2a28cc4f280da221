import { describe, expect, it } from "vitest";
import { downloaded, drawerOf, overhang, rowOf, violations } from "./page-browser.ts";
import { post } from "./page-events.ts";
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

describe("the events page", { timeout: 60_000 }, () => {
  const { stack, visit } = usePageStack((found) =>
    post(found, 0, sample.map((event, index) => ({ ...event, occurred_at: new Date(Date.now() - index * 60_000).toISOString() })))
  );

  it("signs in by the printed address, and takes the name out of it", async () => {
    expect(stack().output()).toContain(`http://127.0.0.1:${stack().port}/#demo=auditor`);
    await visit("/#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").waitFor();
      expect(new URL(page.url()).hash).toBe("");
      await page.getByText("auditor@example.com").waitFor();
      await page.reload();
      await rowOf(page, "order.updated").waitFor();
    });
  });

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

  it("says when the service cannot be reached, and goes on when it can", async () => {
    await visit("/#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").waitFor();
      await page.route("**/api/v1/audit/events?*", (route) => route.abort());
      await page.getByRole("button", { name: "Refresh now" }).click();
      await page.getByRole("alert").getByText("cannot be reached").waitFor();
      await page.unroute("**/api/v1/audit/events?*");
      await page.getByRole("button", { name: "Try again" }).click();
      await rowOf(page, "order.updated").waitFor();
    }, { allowed: /ERR_FAILED/ });
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
      await page.getByRole("button", { name: /Times are local/ }).waitFor();
      expect(new URL(page.url()).searchParams.get("zone")).toBe("local");
      await page.getByRole("columnheader", { name: "Time (GMT+5:30)" }).waitFor();
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
      await page.getByRole("button", { name: /Times are local/ }).waitFor();
    });
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

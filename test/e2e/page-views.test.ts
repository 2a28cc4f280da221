import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { verifyReceipt } from "../../verify/receipt.ts";
import { followRotations } from "../../verify/keys.ts";
import { archiveDay, archivedCount, archivedDay, hotCount, ledgerType } from "./page-archive.ts";
import { downloaded, drawerOf, overhang, pictures, rowOf, violations } from "./page-browser.ts";
import { cloudTrailEvents, hostileEvents, officeEvents, post } from "./page-events.ts";
import { usePageStack } from "./page-stack.ts";

/** Each view: its link, and what shows that it is there. */
const views: readonly { readonly name: string; readonly path: string; readonly ready: (page: Page) => Promise<unknown>; readonly allowed?: RegExp }[] = [
  { name: "sign-in", path: "/", ready: (page) => page.getByRole("heading", { name: "With a token" }).waitFor() },
  { name: "events", path: "/#demo=admin", ready: (page) => rowOf(page, "order.updated").first().waitFor() },
  {
    name: "event",
    path: "/?q=action:order.updated%20result:failure#demo=admin",
    ready: async (page) => {
      await rowOf(page, "order.updated").first().getByRole("button").click();
      await drawerOf(page).getByRole("region", { name: "What changed" }).waitFor();
    },
  },
  { name: "hostile", path: "/?q=action:hostile.*#demo=admin", ready: (page) => rowOf(page, "hostile.rtl").waitFor() },
  { name: "empty", path: "/?q=actor:nobody#demo=admin", ready: (page) => page.getByRole("heading", { name: "No event matches" }).waitFor() },
  {
    name: "query-fault",
    path: "/?q=action:a%20actr:nobody#demo=admin",
    ready: (page) => page.getByText("did you mean actor").first().waitFor(),
    allowed: /status of 400/,
  },
  { name: "producers", path: "/?page=producers#demo=admin", ready: (page) => rowOf(page, "web-1").first().waitFor() },
  { name: "integrity", path: "/?page=integrity#demo=admin", ready: (page) => page.getByRole("region", { name: "Signed checkpoint" }).waitFor() },
  { name: "report", path: "/?page=report#demo=admin", ready: (page) => page.getByRole("region", { name: "Verification" }).waitFor() },
  { name: "archives", path: "/?page=archives#demo=admin", ready: (page) => rowOf(page, "2026-03-01").waitFor() },
  { name: "retention", path: "/?page=retention#demo=admin", ready: (page) => page.getByText("10 years").first().waitFor() },
  { name: "keys", path: "/?page=keys#demo=admin", ready: (page) => rowOf(page, "Demo ingest").waitFor() },
];

/** Long tables, for which axe takes seconds: once is enough, since shorter ones in the same style are looked at in the dark too. */
const long = new Set(["events", "report"]);

const looks = [
  { look: "light-desktop", colorScheme: "light", width: 1440, height: 900 },
  { look: "dark-desktop", colorScheme: "dark", width: 1440, height: 900 },
  { look: "light-phone", colorScheme: "light", width: 390, height: 844 },
  { look: "dark-phone", colorScheme: "dark", width: 390, height: 844 },
] as const;

describe("the views of the page", () => {
  const { local, visit } = usePageStack(async (found) => {
    await post(found, 0, [...cloudTrailEvents(found.tenants[0]?.id ?? ""), ...officeEvents(Date.now()), ...hostileEvents]);
    await archiveDay(found);
    await listArchivedDays(found.database_url, found.tenants[0]?.id ?? "");
  });

  it.each(views)(
    "$name: axe finds nothing, nothing sticks out, and it is photographed light and dark, wide and narrow",
    async ({ name, path, ready, allowed }) => {
      await visit(path, async (page) => {
        await ready(page);
        for (const { look, colorScheme, width, height } of looks) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height });
          if (look === "light-desktop" || (look === "dark-phone" && !long.has(name))) expect(await violations(page), look).toEqual([]);
          expect(await overhang(page), look).toBe(0);
          await page.screenshot({ path: join(pictures, `${name}-${look}.png`) });
        }
        expect(await page.title()).toMatch(/Audit Events$/);
      }, { width: 1440, ...(allowed === undefined ? {} : { allowed }) });
    },
  );

  it("prints the report without what is only for the screen", async () => {
    await visit("/?page=report#demo=auditor", async (page) => {
      await page.getByRole("region", { name: "Verification" }).waitFor();
      await rowOf(page, "order.updated").waitFor();
      await page.emulateMedia({ media: "print" });
      expect(await page.getByRole("navigation").count()).toBe(0);
      expect(await page.getByRole("button").count()).toBe(0);
      expect(await page.getByRole("heading", { name: "Compliance report" }).isVisible()).toBe(true);
      writeFileSync(join(pictures, "report.pdf"), await page.pdf({ format: "A4" }));
    });
  });

  it("prints the times of a list, and an open event whole and alone", async () => {
    await visit("/?q=action:order.updated#demo=auditor", async (page) => {
      await rowOf(page, "order.updated").first().waitFor();
      await page.emulateMedia({ media: "print" });
      expect(await page.locator("td .row-link").first().isVisible()).toBe(true);
      await page.emulateMedia({ media: "screen" });
      await rowOf(page, "order.updated").first().getByRole("button").click();
      await drawerOf(page).getByRole("region", { name: "JSON" }).waitFor();
      await page.emulateMedia({ media: "print" });
      expect(await page.getByRole("table", { name: "Audit events" }).count()).toBe(0);
      expect(await drawerOf(page).evaluate((drawer) => drawer.scrollHeight - drawer.clientHeight)).toBe(0);
      writeFileSync(join(pictures, "event.pdf"), await page.pdf({ format: "A4" }));
    });
  });

  it("shows the beginning of text that runs from right to left where it is cut", async () => {
    await visit("/?q=action:hostile.rtl#demo=auditor", async (page) => {
      await rowOf(page, "hostile.rtl").waitFor();
      const hidden = await rowOf(page, "hostile.rtl").locator(".one-line").last().evaluate((line) => {
        const first = new Range();
        first.setStart(line.ownerDocument.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode() as Text, 0);
        first.setEnd(first.startContainer, 3);
        return first.getBoundingClientRect().right - line.getBoundingClientRect().right;
      });
      expect(hidden).toBeLessThan(1);
    }, { width: 1150 });
  });

  it("shows result, place and choice also in the few colours that somebody has chosen for everything", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await page.getByRole("button", { name: /^failure/, pressed: true }).waitFor();
      const colour = (selector: string, property: string, part?: string) =>
        page.locator(selector).first().evaluate((found, [name, pseudo]) => getComputedStyle(found, pseudo).getPropertyValue(name), [property, part] as const);
      const panel = await colour("html", "background-color");
      expect(await colour("td .result", "background-color", "::before")).not.toBe(panel);
      expect(await colour("nav a[aria-current]", "border-bottom-color")).not.toBe(panel);
      expect(await colour("nav a:not([aria-current])", "border-bottom-color")).toBe(panel);
      const [pressed, other] = await Promise.all(["true", "false"].map((is) => colour(`.facets [aria-pressed=${is}]`, "background-color")));
      expect(pressed).not.toBe(other);
      await rowOf(page, "failure").first().getByRole("button").click();
      await drawerOf(page).waitFor();
      expect(await colour("tr.open td", "border-left-width")).toBe("3px");
      expect(await violations(page)).toEqual([]);
    }, { context: { forcedColors: "active" } });
  });

  it("leads from a figure of the report to the events behind it", async () => {
    await visit("/?page=report#demo=auditor", async (page) => {
      const row = rowOf(page, "order.updated");
      await row.waitFor();
      const [, , failures] = await row.getByRole("cell").allTextContents();
      expect(Number(failures)).toBeGreaterThan(0);
      await row.getByRole("link").click();
      await page.getByRole("status").getByText("60 events").waitFor();
      expect(await page.getByLabel("Query").inputValue()).toBe("action:order.updated");
    });
  });

  it("shows which numbers producers lost, and leads to a producer's events", async () => {
    await visit("/?page=producers#demo=viewer", async (page) => {
      const gaps = page.getByRole("region", { name: "Latest gaps of web-1" });
      await gaps.getByRole("rowheader", { name: "77 – 79" }).waitFor();
      expect(await page.getByLabel("Producers in this range").textContent()).toContain("Missing6");
      await page.getByRole("link", { name: "web-1" }).click();
      await page.getByRole("status").getByText("150 events").waitFor();
    });
  });

  it("shows hostile text as text, and names what would show nothing", async () => {
    await visit("/?q=action:hostile.*#demo=auditor", async (page) => {
      await rowOf(page, "hostile.bidi").getByRole("button").click();
      const drawer = drawerOf(page);
      expect(await drawer.getByRole("heading", { level: 2 }).textContent()).toContain("annexU+202Egnp.exe");
      expect(await drawer.getByRole("region", { name: "JSON" }).textContent()).toContain("annex\\u202egnp.exe");
      for (const kind of ["markup", "long", "rtl", "formula"]) {
        await rowOf(page, `hostile.${kind}`).getByRole("button").click();
        await drawer.getByRole("heading", { level: 2 }).filter({ hasText: kind }).waitFor();
        expect(await overhang(page), kind).toBe(0);
        expect((await drawer.boundingBox())?.width, kind).toBeLessThan(700);
        expect(await page.locator("td").filter({ hasText: "hostile" }).evaluateAll((cells) => Math.max(...cells.map((cell) => cell.clientHeight))))
          .toBeLessThan(40);
      }
      expect(await drawer.getByText("U+0007").count()).toBe(1);
      expect(await drawer.getByText("U+000D").count()).toBe(0);
      await rowOf(page, "hostile.markup").getByRole("button").click();
      await drawer.getByRole("heading", { level: 2 }).filter({ hasText: "markup" }).waitFor();
      expect(await drawer.getByRole("region", { name: "What changed" }).textContent()).toContain("</td></tr></table><script>document.title=2</script>");
      expect(await violations(page)).toEqual([]);
      // The verb of the sentence is in sight, and stands between the names whichever way they run.
      await rowOf(page, "hostile.long").getByRole("button").click();
      await drawer.getByRole("heading", { level: 2 }).filter({ hasText: "long" }).waitFor();
      expect(await drawer.getByRole("heading", { level: 2 }).textContent()).toBe(`${"x".repeat(59)}… long ${"W".repeat(59)}…`);
      for (const width of [1280, 390]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await violations(page), String(width)).toEqual([]);
      }
      expect(await page.title()).toBe("Audit Events");
    });
  });

  it("keeps dates and sizes of archived days in step with what the API says", async () => {
    await visit("/?page=archives#demo=auditor", async (page) => {
      await rowOf(page, "2026-03-02").waitFor();
      expect(await rowOf(page, "2026-03-02").getByRole("cell").allTextContents()).toEqual([
        "archived",
        "1,200",
        "2",
        "3.4 MB",
        "2026-06-01 00:00:00",
        "2036-06-01",
        expect.stringMatching(/^[0-9a-f]{12}…$/),
      ]);
      await rowOf(page, "2026-03-01").getByText("expired 2026-09-01").waitFor();
      await rowOf(page, "2026-03-02").getByRole("link").click();
      await page.waitForURL(/from=2026-03-02T00/);
    }, { allowed: /Failed to load resource/ });
  });

  it("reads on from the database into a day that was archived, and proves an event of it", async () => {
    const [stored] = await query<{ manifest: string; bytes: string; expires: string }>(
      local().database_url,
      "select encode(manifest_sha256, 'hex') as manifest, bytes, (expires_at at time zone 'UTC')::date::text as expires from audit_log.archives where day = $1",
      [archivedDay],
    );
    const bytes = Number(stored?.bytes);
    await visit("/?page=archives#demo=auditor", async (page) => {
      const row = rowOf(page, archivedDay);
      await row.waitFor();
      expect(await row.getByRole("cell").allTextContents()).toEqual([
        ...["archived", String(archivedCount), "1", `${(bytes / 1000).toFixed(1)} kB`],
        expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
        stored?.expires,
        `${stored?.manifest.slice(0, 12)}…`,
      ]);
      await row.getByRole("link").click();
      await page.getByRole("status").getByText(`${archivedCount} events`).waitFor();
    });
    await visit(`/?q=action:${ledgerType}&from=${archivedDay}T00:00:00.000Z&to=${new Date().toISOString()}#demo=auditor`, async (page) => {
      await page.getByRole("status").getByText(`${archivedCount + hotCount} events`).waitFor();
      await rowOf(page, "now-0").waitFor();
      await rowOf(page, /year-7\b/).getByRole("button").click();
      const drawer = drawerOf(page);
      await drawer.getByRole("button", { name: "Verify this event" }).click();
      await drawer.getByText("✓ Verified").waitFor();
      const receipt = await downloaded(page, () => drawer.getByRole("button", { name: "Download the receipt" }).click());
      const { event } = await verifyReceipt(receipt.bytes.toString("utf8"), await followRotations([local().log_key], []));
      expect(event).toMatchObject({ event_type: ledgerType, object_id: "year-7", context: { balance: 10.5, currency: "€" } });
    });
  });
});

/** Days of which only the catalogue knows: one is over, and what stands there of the other never changes. */
async function listArchivedDays(databaseUrl: string, tenantId: string): Promise<void> {
  const row = `insert into audit_log.archives (tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root,
    manifest_key, manifest_sha256, archived_at, expires_at, deleted_at, tiles_moved_at)
    values ($1, $2, $3, 1200, 2, 3400000, 0, 1199, 1200, sha256('a'), 'manifest', sha256('m'), '2026-06-01Z', '2036-06-01Z', $4, now())`;
  await query(databaseUrl, row, [tenantId, "2026-03-01", "deleted", "2026-09-01Z"]);
  await query(databaseUrl, row, [tenantId, "2026-03-02", "archived", null]);
}

async function query<Row extends pg.QueryResultRow>(databaseUrl: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

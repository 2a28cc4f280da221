import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { verifyReceipt } from "../../verify/receipt.ts";
import { followRotations } from "../../verify/keys.ts";
import { downloaded, drawerOf, rowOf, violations } from "./page-browser.ts";
import { officeEvents, post } from "./page-events.ts";
import { usePageStack } from "./page-stack.ts";

describe("what the page proves", () => {
  const { local, visit } = usePageStack(async (found) => {
    await post(found, 0, officeEvents(Date.now()));
    await sealed(found.url, found.tenants[0]?.tokens.auditor ?? "", 300);
  });
  const openFailure = async (page: Page) => {
    await rowOf(page, "failure").first().getByRole("button").click();
    await drawerOf(page).getByRole("button", { name: "Verify this event" }).click();
  };

  it("checks the receipt of an event in the browser, and hands out one that stands elsewhere", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await openFailure(page);
      await drawerOf(page).getByText("✓ Verified").waitFor();
      const { name, bytes } = await downloaded(page, () => drawerOf(page).getByRole("button", { name: "Download the receipt" }).click());
      expect(name).toMatch(/^[0-9a-f-]{36}\.tlog-proof$/);
      const proven = await verifyReceipt(bytes.toString("utf8"), await followRotations([local().log_key], []));
      expect(`${proven.event["id"]}.tlog-proof`).toBe(name);
      expect(await violations(page)).toEqual([]);
    });
  });

  it("says so when an event is not the one that was sealed", async () => {
    await visit("/?q=result:failure#demo=auditor", async (page) => {
      await page.route("**/api/v1/audit/events?*", async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: (await answer.text()).replaceAll("Card declined by issuer", "Card accepted by issuer") });
      });
      await page.reload();
      await openFailure(page);
      await drawerOf(page).getByText("✕ Does not verify").waitFor();
      expect(await violations(page)).toEqual([]);
    });
  });

  it("verifies the log, remembers its checkpoint, and notices when the log is shorter than it was", async () => {
    await visit("/?page=integrity#demo=auditor", async (page) => {
      const verify = () => page.getByRole("button", { name: "Verify the log" }).click();
      await verify();
      await page.getByText("✓ The newest checkpoint is signed by the log's key").waitFor();
      expect(await page.getByText("since the older checkpoint").count()).toBe(0);
      const old = await (await page.request.get(`${local().url}/api/v1/audit/checkpoints/latest`, {
        headers: { authorization: `Bearer ${local().tenants[0]?.tokens.auditor}` },
      })).text();
      await post(local(), 0, [{ event_type: "one.more" }]);
      await sealed(local().url, local().tenants[0]?.tokens.auditor ?? "", Number(old.split("\n")[1]) + 1);
      await verify();
      await page.getByText("✓ Nothing was changed or removed since the older checkpoint").waitFor();
      expect(await violations(page)).toEqual([]);
      // A log that was rolled back, its checkpoints too: nothing but what was kept elsewhere can show it.
      await page.route("**/checkpoints/latest*", (route) => route.fulfill({ body: old, contentType: "text/plain" }));
      await verify();
      await page.getByText("✕ The log is shorter than it was").waitFor();
      expect(await violations(page)).toEqual([]);
    });
  });

  it("compares with a checkpoint that somebody kept, and refuses one of another log", async () => {
    await visit("/?page=integrity#demo=auditor", async (page) => {
      const { name, bytes } = await downloaded(page, () => page.getByRole("button", { name: "Download the checkpoint" }).click());
      expect(name).toMatch(/^checkpoint-\d+\.txt$/);
      const file = join(tmpdir(), `audit-page-${process.pid}-${name}`);
      writeFileSync(file, bytes);
      await page.getByLabel("Kept checkpoint").setInputFiles(file);
      await page.getByText("✓ Nothing was changed or removed since the older checkpoint").waitFor();
      writeFileSync(file, readFileSync(file, "utf8").replace(/\n\d+\n/, "\n7\n"));
      await page.getByLabel("Kept checkpoint").setInputFiles(file);
      await page.getByText("✕ The older checkpoint does not verify with this log's keys").waitFor();
    });
  });

  it("stops downloading the log when nobody waits for it any more", async () => {
    await visit("/?page=integrity#demo=auditor", async (page) => {
      await page.route("**/events/export?*", () => undefined);
      const asked = page.waitForRequest(/export/);
      await page.getByRole("button", { name: /^Verify all \d+ events$/ }).click();
      await asked;
      await Promise.all([
        page.waitForEvent("requestfailed", (request) => request.url().includes("export")),
        page.getByRole("link", { name: "Producers" }).click(),
      ]);
    });
  });

  it("hashes every event in the browser against the signed root, and finds the one that was changed", async () => {
    await visit("/?page=integrity#demo=auditor", async (page) => {
      await page.getByRole("button", { name: /^Verify all \d+ events$/ }).click();
      await page.getByText(/✓ All \d+ events are as they were sealed/).waitFor();
      await page.route("**/events/export?*", async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: (await answer.text()).replace("Card declined", "Card accepted") });
      });
      await page.getByRole("button", { name: /^Verify all \d+ events$/ }).click();
      await page.getByText(/✕ \d+ of \d+ events do not verify/).waitFor();
    });
  });
});

/** Resolves when at least `size` events of the auditor's log are sealed. */
async function sealed(url: string, token: string, size: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/api/v1/audit/checkpoints?limit=1`, { headers: { authorization: `Bearer ${token}` } });
    const { checkpoints } = await answer.json() as { checkpoints: { size: number }[] };
    if ((checkpoints[0]?.size ?? 0) >= size) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

import { describe, expect, it } from "vitest";
import { drawerOf, rowOf, violations } from "./page-browser.ts";
import { post } from "./page-events.ts";
import { usePageStack } from "./page-stack.ts";

/** What each role finds on the page, and what the API answers to it when asked without the page. */
const roles = [
  { role: "viewer", links: ["Events", "Producers"], allowed: ["producers"], mayExport: false, mayDecide: false },
  {
    role: "auditor",
    links: ["Events", "Producers", "Integrity", "Report", "Archives", "Retention and holds"],
    allowed: ["producers", "checkpoints", "reports/compliance", "archives", "holds", "events/export"],
    mayExport: true,
    mayDecide: false,
  },
  {
    role: "admin",
    links: ["Events", "Producers", "Integrity", "Report", "Archives", "Retention and holds", "API keys"],
    allowed: ["producers", "checkpoints", "reports/compliance", "archives", "holds", "events/export", "keys"],
    mayExport: true,
    mayDecide: true,
  },
] as const;
const guarded = ["producers", "checkpoints", "reports/compliance", "archives", "holds", "events/export", "keys"] as const;

describe("what the page shows to whom", () => {
  const { local, visit } = usePageStack((found) =>
    post(found, 0, [
      { event_type: "order.updated", actor_id: "user-123", object_type: "order", object_id: "order-456" },
      { event_type: "order.deleted", actor_id: "user-9", object_type: "order", object_id: "order-9" },
    ])
  );
  const ask = async (token: string, path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${local().url}/api/v1/audit/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    await answer.body?.cancel();
    return answer.status;
  };

  it.each(roles)("gives a $role the views and actions that the API allows", async ({ role, links, allowed, mayExport, mayDecide }) => {
    await visit(`/#demo=${role}`, async (page) => {
      await rowOf(page, "order.updated").waitFor();
      expect(await page.getByRole("navigation").getByRole("link").allTextContents()).toEqual(links);
      expect(await page.getByRole("group", { name: "Export" }).count()).toBe(mayExport ? 1 : 0);
      await rowOf(page, "order.updated").getByRole("button").click();
      await drawerOf(page).getByRole("region", { name: "JSON" }).waitFor();
      expect(await drawerOf(page).getByRole("button", { name: "Verify this event" }).count()).toBe(mayExport ? 1 : 0);
      expect(await drawerOf(page).getByRole("button", { name: "Delete…" }).count()).toBe(mayDecide ? 1 : 0);
      await page.goto(`${local().url}/?page=retention`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByText("Kept in all").or(page.getByText("not for your role")).waitFor();
      expect(await page.getByRole("button", { name: /Place a hold|Change the retention/ }).count()).toBe(mayDecide ? 2 : 0);
      await page.goto(`${local().url}/?page=keys`);
      await page.getByRole("heading", { name: mayDecide ? "API keys" : "This view is not for your role" }).waitFor();
    });
    const token = local().tenants[0]?.tokens[role] ?? "";
    const answers = await Promise.all(guarded.map(async (path) => [path, await ask(token, path)] as const));
    expect(answers).toEqual(guarded.map((path) => [path, (allowed as readonly string[]).includes(path) ? 200 : 403]));
    if (mayDecide) return;
    for (
      const [method, path, body] of [["POST", "keys", { name: "x", scopes: ["read"] }], ["POST", "holds", { reason: "x" }], ["PUT", "retention", {
        retention_years: 20,
      }]] as const
    ) {
      expect(await ask(token, path, { method, body: JSON.stringify(body) }), path).toBe(403);
    }
  });

  it("asks what an API key may do, since it does not say", async () => {
    for (const [scope, links] of [["read", 2], ["export", 6], ["admin", 7]] as const) {
      await visit(`/#token=${local().tenants[0]?.api_keys[scope]}`, async (page) => {
        await page.getByRole("button", { name: /^Sign in as key/ }).click();
        await rowOf(page, "order.updated").waitFor();
        await page.getByText(`· ${scope === "read" ? "viewer" : scope === "export" ? "auditor" : "admin"}`).waitFor();
        expect(await page.getByRole("navigation").getByRole("link").count()).toBe(links);
      }, { allowed: /403/ });
    }
  });

  it("says when it could not be asked what a key may do, and asks again", async () => {
    await visit(`/?page=integrity#token=${local().tenants[0]?.api_keys.export}`, async (page) => {
      await page.route("**/checkpoints?*", (route) => {
        const json = { code: "rate_limited", detail: "Too many.", request_id: "r-9" };
        return route.fulfill({ status: 429, headers: { "retry-after": "12" }, json });
      });
      await page.getByRole("button", { name: /^Sign in as key/ }).click();
      await page.getByRole("alert").getByText("r-9").waitFor();
      await page.getByRole("alert").getByText("Try again in 12 seconds.").waitFor();
      await page.unroute("**/checkpoints?*");
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("heading", { name: "Integrity" }).waitFor();
    }, { allowed: /403|429/ });
  });

  it("makes an API key, shows it once, and revokes it", async () => {
    await visit("/?page=keys#demo=admin", async (page) => {
      await rowOf(page, "Demo ingest").waitFor();
      await page.getByText("Make a key").click();
      const form = page.getByRole("form", { name: "Make a key" });
      await form.getByLabel("Name").fill("order service");
      await form.getByRole("button", { name: "Make the key" }).click();
      const key = await page.locator(".secret code").textContent() ?? "";
      expect(key).toMatch(/^aud_[0-9a-z]{12}_[0-9A-Za-z]{38}$/);
      expect(await violations(page)).toEqual([]);
      const row = rowOf(page, "order service");
      await row.getByText("active").waitFor();
      const door = () =>
        fetch(`${local().url}/functions/v1/audit-logger`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: '{"events":[{"event_type":"by.key"}]}',
        });
      expect((await door()).status).toBe(201);
      await page.getByRole("button", { name: "I have kept it" }).click();
      expect(await page.content()).not.toContain(key);
      await row.getByRole("button", { name: "Revoke order service" }).click();
      const sure = page.getByRole("dialog").getByRole("button", { name: "Revoke the key" });
      await sure.waitFor();
      expect(await violations(page)).toEqual([]);
      // The answer that does not come may have been that it was done; a refusal changes nothing.
      await page.route("**/api/v1/audit/keys/*", (route) => route.abort());
      await sure.click();
      await page.getByRole("alert").getByText("It is not known whether it was done").waitFor();
      await page.unroute("**/api/v1/audit/keys/*");
      await page.route("**/api/v1/audit/keys/*", (route) => route.fulfill({ status: 409, json: { code: "conflict", detail: "No.", request_id: "r" } }));
      await sure.click();
      await page.getByRole("alert").getByText("Nothing was changed.").waitFor();
      await page.unroute("**/api/v1/audit/keys/*");
      await sure.click();
      await row.getByText("revoked").waitFor();
      expect(await row.getByRole("button").count()).toBe(0);
    }, { allowed: /ERR_FAILED|409/ });
  });

  it("places a hold, under which an event cannot be deleted, and releases it", async () => {
    const deletion = (outcome: "refused" | "done") =>
      visit("/?q=action:order.deleted#demo=admin", async (page) => {
        await rowOf(page, "order.deleted").getByRole("button").click();
        await drawerOf(page).getByRole("button", { name: "Delete…" }).click();
        await page.getByRole("dialog").getByLabel("Reason").fill("entered twice");
        await page.getByRole("dialog").getByRole("button", { name: "Delete it" }).click();
        if (outcome === "refused") return void await page.getByRole("alert").getByText("legal hold").waitFor();
        await page.getByRole("heading", { name: "No event matches" }).waitFor();
        await page.getByLabel("Deleted too").check();
        await rowOf(page, "order.deleted").getByRole("button").click();
        await drawerOf(page).getByText("entered twice").first().waitFor();
      }, { allowed: /409/ });
    await visit("/?page=retention#demo=admin", async (page) => {
      await page.getByRole("heading", { name: "Nothing is held" }).waitFor();
      await page.getByRole("button", { name: "Place a hold…" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Reason").fill("case 17");
      await dialog.getByLabel("Object", { exact: true }).fill("order-9");
      expect(await violations(page)).toEqual([]);
      await dialog.getByRole("button", { name: "Place the hold" }).click();
      await rowOf(page, "case 17").getByText("object order-9").waitFor();
      expect(await violations(page)).toEqual([]);
      await deletion("refused");
      await rowOf(page, "case 17").getByRole("button", { name: "Release the hold case 17" }).click();
      await dialog.getByLabel("Reason").fill("settled");
      await dialog.getByRole("button", { name: "Release it" }).click();
      await rowOf(page, "case 17").getByText(/^released/).waitFor();
      await deletion("done");
    });
  });

  it("tells an admin what the archiver would move", async () => {
    await visit("/?page=retention#demo=admin", async (page) => {
      await page.getByRole("button", { name: "See what would move now" }).click();
      await page.getByText("No day would be archived.").waitFor();
    });
  });

  it("changes the retention, within its floor", async () => {
    await visit("/?page=retention#demo=admin", async (page) => {
      await page.getByRole("button", { name: "Change the retention…" }).click();
      await page.getByRole("spinbutton").fill("12");
      await page.getByRole("button", { name: "Change it" }).click();
      await page.getByText("12 years").waitFor();
      await page.reload();
      await page.getByText("12 years").waitFor();
    });
  });
});

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { type Service, startService, tenantA, tenantB } from "../api/service.ts";
import { publishableKey, signToken, testEnvironment } from "../support/tokens.ts";
import { type AuthDouble, startAuthDouble } from "./auth-double.ts";
import { downloaded, openBrowser, overhang, rowOf, signIn, violations, visit, type VisitOptions } from "./page-browser.ts";

const access = { tenant_ids: [tenantA, tenantB], audit_role: "auditor" };
const auditor = { email: "auditor@example.com", password: "correct horse", access };
const colleague = { email: "colleague@example.com", password: "paper clip", access: { tenant_ids: [tenantB], audit_role: "viewer" } };
const stranger = { email: "stranger@example.com", password: "battery staple", access: { provider: "email" } };

describe("signing in to the page", () => {
  let service: Service;
  let auth: AuthDouble;
  let server: ServerProcess;
  let browser: Browser;
  beforeAll(async () => {
    service = await startService();
    await service.store(tenantA, [{ event_type: "in.first" }]);
    await service.store(tenantB, [{ event_type: "in.second" }]);
    auth = await startAuthDouble([auditor, colleague, stranger]);
    const config = { supabase_url: auth.url, supabase_publishable_key: publishableKey, tenant_names: { [tenantA]: "First Ltd" } };
    server = await startServer({ ...testEnvironment(service.database), AUDIT_PAGE_CONFIG: JSON.stringify(config) });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await auth?.close();
    await service?.stop();
  });

  const open = (path: string, test: (page: Page) => Promise<void>, options?: VisitOptions) => visit(browser, `${server.url}${path}`, test, options);

  it("takes an account of Supabase Auth, keeps it over a reload, and signs it out at the server", async () => {
    auth.lifetime(3600);
    await open("/", async (page) => {
      await page.getByRole("heading", { name: "With your account" }).waitFor();
      expect(await violations(page)).toEqual([]);
      await signIn(page, auditor);
      await rowOf(page, "in.first").waitFor();
      await page.reload();
      await rowOf(page, "in.first").waitFor();
      const before = auth.calls.length;
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "With your account" }).waitFor();
      await expect.poll(() => auth.calls.slice(before)).toContain("logout");
      await expect.poll(() => page.evaluate("sessionStorage.length")).toBe(0);
      await page.reload();
      await page.getByRole("heading", { name: "With your account" }).waitFor();
    });
  });

  it("refuses a wrong password, and an account without a tenant, each in its own words", async () => {
    await open("/", async (page) => {
      await signIn(page, auditor, "wrong");
      await page.getByRole("alert").getByText("E-mail and password do not fit").waitFor();
      await signIn(page, stranger);
      await page.getByRole("alert").getByText("may not read any audit log").waitFor();
      await page.route(`${auth.url}/**`, (route) => route.abort());
      await signIn(page, auditor);
      await page.getByRole("alert").getByText("cannot be reached").waitFor();
    }, { allowed: /400|ERR_FAILED/ });
  });

  it("renews a token before it ends, and asks to sign in when it cannot be renewed any more", async () => {
    // Shorter than the margin in which tokens are renewed: the first is renewed at once.
    auth.lifetime(60);
    await open("/?q=action:in.*", async (page) => {
      const tokens = new Set<string | undefined>();
      page.on("request", (request) => request.url().includes("/api/v1/audit/") && tokens.add(request.headers()["authorization"]));
      await signIn(page, auditor);
      await rowOf(page, "in.first").waitFor();
      const renewals = () => auth.calls.filter((call) => call === "token refresh_token").length;
      await expect.poll(renewals, { timeout: 90_000 }).toBeGreaterThan(0);
      const askAgain = () => page.getByRole("button", { name: "Refresh now" }).click().then(() => tokens.size);
      await expect.poll(askAgain).toBeGreaterThan(1);
      expect(await rowOf(page, "in.first").count()).toBe(1);
      // The next lives for seconds, and nothing renews it.
      auth.lifetime(5);
      const before = renewals();
      await page.reload();
      await expect.poll(renewals).toBeGreaterThan(before);
      auth.endSessions();
      await page.getByRole("alert").getByText("Sign in again").waitFor();
      await page.reload();
      await page.getByRole("heading", { name: "With your account" }).waitFor();
      auth.lifetime(3600);
      await signIn(page, auditor);
      await rowOf(page, "in.first").waitFor();
      expect(new URL(page.url()).searchParams.get("q")).toBe("action:in.*");
    }, { allowed: /400/ });
  });

  it("leaves each tab to its own person, whoever is renewed or signs out in another", async () => {
    auth.lifetime(3600);
    await open("/", async (page) => {
      await signIn(page, auditor);
      await rowOf(page, "in.first").waitFor();
      const other = await page.context().newPage();
      await other.goto(server.url);
      // Renewed at once: it lives for less than the margin.
      auth.lifetime(60);
      const renewals = () => auth.calls.filter((call) => call === "token refresh_token").length;
      const before = renewals();
      await signIn(other, colleague);
      await rowOf(other, "in.second").waitFor();
      await expect.poll(renewals, { timeout: 90_000 }).toBeGreaterThan(before);
      await other.getByRole("button", { name: "Sign out" }).click();
      await other.getByRole("heading", { name: "With your account" }).waitFor();
      await expect.poll(() => auth.calls.at(-1)).toBe("logout");
      // What the other tab may have said is heard before the answer to this.
      await Promise.all([page.waitForResponse(/events\?/), page.getByRole("button", { name: "Refresh now" }).click()]);
      await rowOf(page, "in.first").waitFor();
      await page.getByText("auditor@example.com").waitFor();
    });
  });

  it("switches between tenants, and never shows one what it has seen of the other", async () => {
    const token = await signToken({ email: "both@example.com", app_metadata: access });
    await open(`/#token=${token}`, async (page) => {
      await page.getByRole("button", { name: "Sign in as both@example.com" }).click();
      await rowOf(page, "in.first").waitFor();
      const tenants = page.getByRole("combobox", { name: "Tenant" });
      expect(await tenants.getByRole("option").allTextContents()).toEqual(["First Ltd", tenantB]);
      // While the answer for the other is on its way, too.
      await page.route(`**/events?*${tenantB}*`, async (route) => {
        expect(await rowOf(page, "in.first").count()).toBe(0);
        await route.fallback();
      });
      await tenants.selectOption(tenantB);
      await rowOf(page, "in.second").waitFor();
      expect(await rowOf(page, "in.first").count()).toBe(0);
      expect(new URL(page.url()).searchParams.get("tenant")).toBe(tenantB);
    });
  });

  it("says of an export whose tenant's it is, and ends it when a link signs somebody else in", async () => {
    const tokenOf = (email: string) => signToken({ email, app_metadata: access });
    await open(`/#token=${await tokenOf("both@example.com")}`, async (page) => {
      await page.getByRole("button", { name: "Sign in as both@example.com" }).click();
      await rowOf(page, "in.first").waitFor();
      await page.route("**/events/export?*", () => undefined);
      await page.getByRole("button", { name: "CSV", exact: true }).click();
      await page.getByRole("combobox", { name: "Tenant" }).selectOption(tenantB);
      await rowOf(page, "in.second").waitFor();
      const strip = page.getByRole("region", { name: "Export" });
      expect(await strip.textContent()).toContain("Export of First Ltd");
      // One at a time: what began second would otherwise be all that shows.
      expect(await page.getByRole("button", { name: "CSV", exact: true }).isDisabled()).toBe(true);
      await page.evaluate((token) => void (location.hash = `token=${token}`), await tokenOf("other@example.com"));
      const take = page.getByRole("button", { name: "Sign in as other@example.com" });
      await take.waitFor();
      expect(await strip.getByRole("button", { name: "Cancel" }).count()).toBe(1);
      await Promise.all([page.waitForEvent("requestfailed", (request) => request.url().includes("/events/export?")), take.click()]);
      await rowOf(page, "in.second").waitFor();
      expect(await strip.count()).toBe(0);
      expect(await page.getByRole("button", { name: "CSV", exact: true }).isDisabled()).toBe(false);
    });
  });

  it("says on the sign-in form that an export was cut off when the sign-in ended, and only until somebody signs in", async () => {
    const token = await signToken({ email: "brief@example.com", app_metadata: access }, { expiresInSeconds: 3600 });
    await open(`/#token=${token}`, async (page) => {
      await page.getByRole("button", { name: "Sign in as brief@example.com" }).click();
      await rowOf(page, "in.first").waitFor();
      await page.clock.install();
      await page.route("**/events/export?*", () => undefined);
      await page.getByRole("button", { name: "CSV", exact: true }).click();
      await page.clock.fastForward("01:01:00");
      await page.getByRole("alert").getByText("Sign in again").waitFor();
      await page.getByRole("alert").getByText("The export that was running was cut off").waitFor();
      expect(await violations(page)).toEqual([]);
      const key = await service.makeKey(tenantA, ["read"]);
      await page.getByLabel("Access token or API key").fill(key.text);
      await page.getByRole("button", { name: "Sign in with the token" }).click();
      await rowOf(page, "in.first").waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "With a token" }).waitFor();
      expect(await page.getByRole("alert").count()).toBe(0);
    }, { allowed: /401|403/ });
  });

  it("takes a pasted token or key, refuses what is neither, and forgets it when signing out", async () => {
    await open("/", async (page) => {
      const field = page.getByLabel("Access token or API key");
      await field.fill("not a token");
      await page.getByRole("button", { name: "Sign in with the token" }).click();
      await page.getByRole("alert").getByText("no access token").waitFor();
      const key = await service.makeKey(tenantA, ["read"]);
      await field.fill(key.text);
      await page.getByRole("button", { name: "Sign in with the token" }).click();
      await rowOf(page, "in.first").waitFor();
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("heading", { name: "With a token" }).waitFor();
      expect(await page.evaluate("sessionStorage.length")).toBe(0);
    }, { allowed: /403/ });
  });

  it("signs out at the moment a token ends, or when it is not accepted, and keeps the view", async () => {
    const token = await signToken({ email: "brief@example.com", app_metadata: access }, { expiresInSeconds: 3600 });
    await open(`/?q=action:in.first#token=${token}`, async (page) => {
      await page.getByRole("button", { name: "Sign in as brief@example.com" }).click();
      // It ends by the page's own clock, however long the page took to come up here.
      await page.clock.install();
      await page.clock.fastForward("30:00");
      await page.getByRole("button", { name: "Refresh now" }).click();
      await rowOf(page, "in.first").waitFor();
      await page.clock.fastForward("30:00");
      await page.getByRole("alert").getByText("Sign in again").waitFor();
      expect(new URL(page.url()).searchParams.get("q")).toBe("action:in.first");
      expect(await page.getByRole("row").count()).toBe(0);
    }, { allowed: /401/ });
    const payload = Buffer.from(JSON.stringify({ sub: "x", exp: 4_000_000_000, app_metadata: access })).toString("base64url");
    await open(`/#token=e30.${payload}.c2ln`, async (page) => {
      await page.getByRole("button", { name: "Sign in as x" }).click();
      await page.getByRole("alert").getByText("Sign in again").waitFor();
    }, { allowed: /401/ });
  });

  it("asks before a link signs anybody in, and stays who it was unless told to", async () => {
    const tokenOf = (email: string) => signToken({ email, app_metadata: { tenant_id: email.startsWith("own") ? tenantA : tenantB, audit_role: "auditor" } });
    const [own, strange] = [await tokenOf("own@example.com"), await tokenOf("strange@example.com")];
    await open(`/#token=${own}`, async (page) => {
      const question = page.getByRole("heading", { name: /^Sign in as/ });
      await question.filter({ hasText: "own@example.com" }).waitFor();
      expect(await violations(page)).toEqual([]);
      expect(new URL(page.url()).hash).toBe("");
      expect(await page.evaluate("sessionStorage.length")).toBe(0);
      await page.getByRole("button", { name: "Do not sign in" }).click();
      await page.getByRole("heading", { name: "With a token" }).waitFor();
      // A link that is followed in a tab that is open, and one that opens the page anew.
      await page.evaluate((token) => void (location.hash = `token=${token}`), own);
      await page.getByRole("button", { name: "Sign in as own@example.com" }).click();
      await rowOf(page, "in.first").waitFor();
      for (const follow of ["hash", "load"]) {
        if (follow === "hash") await page.evaluate((token) => void (location.hash = `token=${token}`), strange);
        else await page.goto(`${server.url}/?q=action:in.*#token=${strange}`);
        await question.filter({ hasText: "strange@example.com" }).waitFor();
        await page.getByRole("button", { name: "Stay signed in as own@example.com" }).click();
        await rowOf(page, "in.first").waitFor();
        await page.reload();
        await rowOf(page, "in.first").waitFor();
      }
      await page.goto(`${server.url}/?q=in#token=${strange}`);
      await page.getByRole("button", { name: "Sign in as strange@example.com" }).click();
      await page.getByText("strange@example.com").waitFor();
      // Whose token it is already need not be asked.
      await page.goto(`${server.url}/?q=action:in.second#token=${strange}`);
      await rowOf(page, "in.second").waitFor();
    });
    const hostile = await signToken({ email: `${"W".repeat(250)}\u202e<b>`, app_metadata: access });
    await open(`/#token=${hostile}`, async (page) => {
      await page.getByRole("button", { name: /^Sign in as W+U\+202E<b>$/ }).waitFor();
      expect(await overhang(page)).toBe(0);
    }, { width: 320 });
    await open("/#token=nothing", (page) => page.getByRole("alert").getByText("The link that you followed signs nobody in").waitFor());
  });

  it("renews an account's token that ended while the computer slept, whatever was refused meanwhile, and goes on with an export under it", async () => {
    auth.lifetime(3600);
    await open("/", async (page) => {
      await signIn(page, auditor);
      await rowOf(page, "in.first").waitFor();
      const first = `Bearer ${await page.evaluate("JSON.parse(sessionStorage.getItem('audit-events.account')).access_token")}`;
      const refused = { code: "unauthenticated", detail: "The token has expired.", request_id: "r" };
      await page.route(
        "**/api/v1/audit/**",
        (route) => route.request().headers()["authorization"] === first ? route.fulfill({ status: 401, json: refused }) : route.fallback(),
      );
      auth.lifetime(36_000);
      const [tokens, part]: [(string | undefined)[], PromiseWithResolvers<void>] = [[], Promise.withResolvers()];
      await page.route("**/events/export?*", async (route) => {
        const isFirst = tokens.push(route.request().headers()["authorization"]) === 1;
        if (isFirst) await part.promise;
        await route.fulfill({ headers: isFirst ? { "audit-export-complete": "false", link: '<?cursor=c>; rel="next"' } : {}, body: "id\r\n1\r\n" });
      });
      await page.getByRole("button", { name: "CSV", exact: true }).click();
      await expect.poll(() => tokens.length).toBe(1);
      // The page asks before it notices the time: its clock has moved, none of its timers has run.
      await page.clock.install();
      await page.clock.pauseAt(Date.now() + 2 * 3_600_000);
      // The rows of before stand meanwhile: what is asked under the next token tells that it is there.
      const renewed = page.waitForRequest((request) => request.url().includes("/events?") && request.headers()["authorization"] !== first);
      await page.getByRole("button", { name: "Refresh now" }).click();
      await page.clock.resume();
      await renewed;
      await rowOf(page, "in.first").waitFor();
      await page.getByText("auditor@example.com").waitFor();
      const second = `Bearer ${await page.evaluate("JSON.parse(sessionStorage.getItem('audit-events.account')).access_token")}`;
      const saved = await downloaded(page, () => Promise.resolve(part.resolve()));
      expect(saved.bytes.toString()).toBe("id\r\n1\r\n1\r\n");
      expect(tokens).toEqual([first, second]);
      expect(second).not.toBe(first);
    }, { allowed: /401/ });
  });
});

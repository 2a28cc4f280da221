import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testEnvironment } from "../support/tokens.ts";
import { startServer } from "./server-process.ts";
import { seedEvents, type Service, startService, tenantA, tokenOf } from "./service.ts";

describe("api/server.ts", () => {
  let service: Service;
  let auditor: string;
  beforeAll(async () => {
    service = await startService();
    auditor = await tokenOf("auditor", [tenantA], "55555555-5555-4555-8555-555555555555");
    await seedEvents(service.admin, tenantA, 20_000, { days: 1 });
  });
  afterAll(() => service.stop());

  it("answers on HOST and PORT, and says whether it is alive and ready", async () => {
    const server = await startServer(testEnvironment(service.database));
    const get = (path: string, headers = {}) => fetch(`${server.url}${path}`, { headers });
    expect(await (await get("/healthz")).json()).toEqual({ status: "ok" });
    expect(await (await get("/readyz")).json()).toMatchObject({ checks: { database: { status: "ok" }, migrations: { status: "ok" } } });
    const list = await get("/api/v1/audit/events?limit=2", { authorization: `Bearer ${auditor}` });
    expect(list.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await list.json() as { readonly events: readonly unknown[] }).events).toHaveLength(2);
    expect(server.log()).not.toContain(auditor);
    await server.stop();
  });

  it("starts without a database, and is alive but not ready", async () => {
    const server = await startServer({ ...testEnvironment(service.database), AUDIT_DATABASE_URL: "postgresql://nobody:x@127.0.0.1:1/none" });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const answer = await fetch(`${server.url}/readyz`);
    expect({ status: answer.status, retry: answer.headers.get("retry-after"), body: await answer.json() }).toMatchObject({
      status: 503,
      retry: "2",
      body: { status: "not_ready", checks: { database: { status: "fault" } } },
    });
    const list = await fetch(`${server.url}/api/v1/audit/events`, { headers: { authorization: `Bearer ${auditor}` } });
    expect({ status: list.status, body: await list.json() }).toMatchObject({ status: 503, body: { code: "unavailable" } });
    await server.stop();
  });

  it("does not start without the key of its cursors, and says so", async () => {
    const { AUDIT_CURSOR_KEY: _, ...environment } = testEnvironment(service.database);
    const refused: unknown = await startServer(environment).catch((error: unknown) => error);
    expect(String(refused)).toContain("read settings: 1 variable needs attention\n  AUDIT_CURSOR_KEY: set the key that");
    expect(String(refused)).not.toMatch(/^\s+at /m);
  });

  it("records how far a client came who broke the connection off", async () => {
    const server = await startServer(testEnvironment(service.database));
    const sub = randomUUID();
    const token = await tokenOf("auditor", [tenantA], sub);
    const abort = new AbortController();
    const answer = await fetch(`${server.url}/api/v1/audit/events/export?format=ndjson`, {
      headers: { authorization: `Bearer ${token}` },
      signal: abort.signal,
    });
    await answer.body?.getReader().read();
    abort.abort();
    const record = async () =>
      (await service.admin.query("select result, context from audit_log.events where event_type = 'audit.events.exported' and principal = $1", [`user:${sub}`]))
        .rows[0];
    for (const deadline = Date.now() + 60_000; await record() === undefined && Date.now() < deadline;) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await record()).toMatchObject({ result: "failure", context: { complete: false } });
    expect((await record()).context.rows).toBeLessThan(20_000);
    await server.stop();
  });

  it("finishes what it has begun when it is told to stop, records included, and takes nothing new", async () => {
    const server = await startServer(testEnvironment(service.database));
    const export_ = await fetch(`${server.url}/api/v1/audit/events/export?format=ndjson`, { headers: { authorization: `Bearer ${auditor}` } });
    const reader = export_.body?.getReader();
    let text = "";
    const decoder = new TextDecoder();
    const take = async () => {
      const step = await reader?.read();
      text += decoder.decode(step?.value, { stream: true });
      return step?.done === false;
    };
    await take();
    server.signal("SIGTERM");
    while (await take());
    expect(await server.ended).toBe(0);
    const manifest = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "")["audit_events_export"];
    expect(manifest).toMatchObject({ complete: true, rows: text.trimEnd().split("\n").length - 1 });
    expect(manifest.rows).toBeGreaterThanOrEqual(20_000);
    const { rows } = await service.admin.query("select context->>'rows' as rows from audit_log.events where id = $1", [manifest.record.id]);
    expect(rows).toEqual([{ rows: String(manifest.rows) }]);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "../api/service.ts";
import { canary } from "../support/canary.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";

describe("one line of JSON a request", () => {
  let service: Service;
  let server: ServerProcess;
  let door: TestFunction;
  let viewer: string;
  beforeAll(async () => {
    service = await startService();
    const environment = testEnvironment(service.database);
    [server, door] = await Promise.all([startServer(environment), startFunction("audit-logger", { env: environment })]);
    viewer = await tokenOf("viewer", [tenantA], "77777777-7777-4777-8777-777777777777");
  });
  afterAll(async () => {
    await server?.stop();
    await door?.stop();
    await service?.stop();
  });
  const lineOf = async (printed: () => string, requestId: string) => {
    const find = () => printed().split("\n").filter((line) => line.includes(requestId));
    await expect.poll(find).toHaveLength(1);
    return JSON.parse(find()[0] as string) as Record<string, unknown>;
  };
  const common = (requestId: string) => ({ time: expect.stringMatching(/^\d{4}-.*Z$/), level: "info", request_id: requestId });

  it("says who asked what of whose log, how it ended, what it counted and how long it took: reads", async () => {
    const headers = { authorization: `Bearer ${viewer}`, "user-agent": canary };
    await service.store(tenantA, [{ actor_id: canary }, { actor_id: canary }]);
    await fetch(`${server.url}/api/v1/audit/events?actor_id=${canary}`, { headers: { ...headers, "x-request-id": "log-list-1" } });
    expect(await lineOf(server.log, "log-list-1")).toEqual({
      ...common("log-list-1"),
      event: "request",
      method: "GET",
      route: "/api/v1/audit/events",
      status: 200,
      principal: "user:77777777-7777-4777-8777-777777777777",
      tenant_id: tenantA,
      events: 2,
      ms: expect.any(Number),
    });
    await fetch(`${server.url}/api/v1/audit/events?tenant_id=${tenantB}&q=${canary}`, { headers: { ...headers, "x-request-id": "log-list-2" } });
    const refused = await lineOf(server.log, "log-list-2");
    expect(refused).toMatchObject({ status: 403, principal: "user:77777777-7777-4777-8777-777777777777" });
    expect(refused).not.toHaveProperty("tenant_id");
    await fetch(`${server.url}/api/v1/audit/events/${canary}?${canary}=1`, { headers: { ...headers, "x-request-id": "log-bad-3" } });
    expect(await lineOf(server.log, "log-bad-3")).toMatchObject({ route: "/api/v1/audit/events/:id", status: 400 });
  });

  it("says the same of batches, at both doors", async () => {
    const event = { event_type: "log.tested", actor_id: canary, message: canary, context: { [canary]: canary }, user_agent: canary };
    for (
      const [url, printed, method, requestId] of [[door.url, door.stderr, "edge", "log-edge-1"], [
        `${server.url}/api/v1/audit/events`,
        server.log,
        "api",
        "log-api-1",
      ]] as const
    ) {
      const headers = { apikey: secretKey, "content-type": "application/json", "x-request-id": requestId };
      const body = JSON.stringify({ events: [{ ...event, tenant_id: tenantA }, { ...event, event_type: `not ${canary}`, tenant_id: tenantA }] });
      await (await fetch(url, { method: "POST", headers, body })).arrayBuffer();
      expect(await lineOf(printed, requestId)).toMatchObject({
        ...common(requestId),
        event: "ingest",
        door: method,
        status: 207,
        principal: "secret:default",
        tenant_id: tenantA,
        bytes: expect.any(Number),
        created_count: 1,
        rejected_count: 1,
        total_ms: expect.any(Number),
        insert_ms: expect.any(Number),
      });
      await (await fetch(url, { method: "POST", headers: { ...headers, "x-request-id": `${requestId}-bad` }, body: `{"${canary}` })).arrayBuffer();
      expect(await lineOf(printed, `${requestId}-bad`)).toMatchObject({
        level: "warn",
        event: "ingest",
        status: 400,
        code: "malformed_json",
        total_ms: expect.any(Number),
      });
    }
  });

  it("says when a stream ended, why, and how much it handed out", async () => {
    const control = new AbortController();
    const headers = { authorization: `Bearer ${viewer}`, "x-request-id": "log-stream-1" };
    const answer = await fetch(`${server.url}/api/v1/audit/events/stream?actor_id=${canary}`, { headers, signal: control.signal });
    await answer.body?.getReader().read();
    control.abort();
    const lines = () => server.log().split("\n").filter((line) => line.includes("log-stream-1")).map((line) => JSON.parse(line) as Record<string, unknown>);
    await expect.poll(lines).toHaveLength(2);
    expect(lines()[1]).toMatchObject({
      event: "stream.ended",
      principal: "user:77777777-7777-4777-8777-777777777777",
      tenant_id: tenantA,
      reason: "closed",
      events: 0,
    });
  });

  it("holds no body, no parameter and no secret", async () => {
    for (const printed of [server.log(), door.stderr(), service.logs.join("\n")]) {
      for (const secret of [canary, secretKey, viewer, viewer.slice(-30)]) expect(printed).not.toContain(secret);
    }
    const [, ...lines] = server.log().slice(server.log().indexOf('"listening"')).trim().split("\n");
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { type Service, startService, tenantA } from "../api/service.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { testEnvironment } from "../support/tokens.ts";

describe("GET /events/stream with a key that is revoked meanwhile", () => {
  let service: Service;
  let server: ServerProcess;
  let edge: TestFunction;
  beforeAll(async () => {
    service = await startService();
    const environment = testEnvironment(service.database);
    [server, edge] = await Promise.all([startServer(environment), startFunction("audit-api", { env: environment })]);
  });
  afterAll(async () => {
    await server?.stop();
    await edge?.stop();
    await service?.stop();
  });

  it("ends within 60 s, from the server and the function, and not before", async () => {
    const key = await service.makeKey(tenantA, ["read"]);
    const streams = await Promise.all([server.url, edge.url].map(async (url) => {
      const answer = await fetch(`${url}/api/v1/audit/events/stream`, { headers: { apikey: key.text } });
      expect(answer.status).toBe(200);
      const reader = answer.body?.getReader();
      await reader?.read();
      return reader;
    }));
    let isRevoked = false;
    const ended = Promise.all(streams.map(async (reader) => {
      while (!(await reader?.read())?.done);
      expect(isRevoked).toBe(true);
      return Date.now();
    }));
    await new Promise((resolve) => setTimeout(resolve, 35_000));
    isRevoked = true;
    const revokedAt = Date.now();
    await service.admin.query("update audit_log.api_keys set revoked_at = now() where id = $1", [key.id]);
    for (const at of await ended) expect(at - revokedAt).toBeLessThan(60_000);
    expect((await fetch(`${server.url}/api/v1/audit/events/stream`, { headers: { apikey: key.text } })).status).toBe(401);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuditClient } from "../../sdk/src/index.ts";
import { tokenOf } from "../api/service.ts";
import { type Door, openDoor, post, tenantA, tenantB, until } from "../http/door.ts";
import { startFunction } from "../support/functions.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";

const batch = (count: number, fields: Readonly<Record<string, unknown>> = {}) => Array.from({ length: count }, () => ({ event_type: "quota.used", ...fields }));

describe("quotas at the running door", () => {
  let door: Door;
  let key: string;
  beforeAll(async () => {
    door = await openDoor();
    key = (await door.makeKey(tenantA, ["ingest", "read"])).text;
    await door.admin("select audit_log.set_rate_limits($1, 1000, 500, null, 2)", [tenantA]);
  });
  afterAll(() => door.close());
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
  const send = (count: number, headers = bearer(key)) => door.post(batch(count), headers);

  it("refuse with 429, Retry-After and the RateLimit fields once the bucket is empty, and let in again when they said", async () => {
    const first = await send(1000);
    expect(first.status).toBe(201);
    expect(first.headers.get("ratelimit-policy")).toMatch(/^"tenant";q=\d+;w=10;qu="events", "caller";q=\d+;w=10;qu="events"$/);
    // The quotas of the tenant are learned behind the first batch. Whoever sends faster than the buckets are settled may be refused before they are empty.
    const refused = await until(async () => {
      // Four at once: more than a busy machine refills meanwhile.
      const answers = await Promise.all(Array.from({ length: 4 }, () => send(1000)));
      return answers.find((answer) => answer.status === 429 && answer.headers.get("ratelimit")?.includes('"caller";r=0;'));
    }, 30_000);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.body.code).toBe("rate_limited");
    expect(refused.headers.get("ratelimit-policy")).toBe('"tenant";q=10000;w=10;qu="events", "caller";q=5000;w=10;qu="events"');
    expect(refused.headers.get("ratelimit")).toMatch(/"caller";r=0;t=\d+$/);
    const waitSeconds = Number(refused.headers.get("retry-after"));
    expect(waitSeconds).toBeGreaterThanOrEqual(1);
    expect(waitSeconds).toBeLessThanOrEqual(21);
    expect((await send(1)).status).toBe(429);
    await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000 + 50));
    expect((await send(1)).status).toBe(201);
  });

  it("refuse before the body is read, and store nothing of it", async () => {
    // Deep in debt, so that it stays closed for seconds.
    await until(async () => (await Promise.all(Array.from({ length: 6 }, () => send(1000)))).every(({ status }) => status === 429), 30_000);
    const [before] = await door.admin<{ count: number }>("select count(*)::int as count from audit_log.events");
    expect((await door.post("{ not even JSON", bearer(key))).status).toBe(429);
    const [after] = await door.admin<{ count: number }>("select count(*)::int as count from audit_log.events");
    expect(after).toEqual(before);
  });

  it("are a tenant's own: another one, and another caller of the tenant, go on", async () => {
    await until(async () => (await send(1000)).status === 429, 30_000);
    expect((await send(10, bearer((await door.makeKey(tenantB, ["ingest"])).text))).status).toBe(201);
    expect((await door.post(batch(1, { tenant_id: tenantB }))).status).toBe(201);
    const mixed = await door.post([...batch(5, { tenant_id: tenantA }), ...batch(5, { tenant_id: tenantB })]);
    expect(mixed.status).toBe(201);
  });

  it("make a client wait as long as the answer says, and lose nothing", async () => {
    const limited = (await door.makeKey(tenantB, ["ingest"])).text;
    await door.admin("select audit_log.set_rate_limits($1, 200, 100, null, null)", [tenantB]);
    const answers: { readonly status: number; readonly atMs: number; readonly waitMs: number }[] = [];
    const counting: typeof fetch = async (_url, request) => {
      const response = await fetch(door.url, request);
      answers.push({ status: response.status, atMs: performance.now(), waitMs: 1000 * Number(response.headers.get("retry-after")) });
      return response;
    };
    await using client = createAuditClient({ url: door.url, apiKey: limited, environment: {}, runtime: { fetch: counting } });
    let logged = 0;
    while (!answers.some(({ status }) => status === 429)) {
      for (let index = 0; index < 500; index++) client.logEventFireAndForget({ event_type: "patient", object_id: String(logged++) });
      await client.flush();
    }
    const refusedAt = answers.findIndex(({ status }) => status === 429);
    const [refused, next] = [answers[refusedAt], answers[refusedAt + 1]];
    expect(next?.status).toBe(201);
    expect((next?.atMs ?? 0) - (refused?.atMs ?? 0)).toBeGreaterThanOrEqual((refused?.waitMs ?? 0) - 5);
    const [stored] = await door.admin<{ count: number }>("select count(distinct object_id)::int as count from audit_log.events where event_type = 'patient'");
    expect(stored?.count).toBe(logged);
  });

  it("hold over the processes together", async () => {
    const other = await startFunction("audit-logger", { env: testEnvironment(door.database) });
    try {
      const shared = (await door.makeKey(tenantA, ["ingest"])).text;
      let accepted = 0;
      const startedMs = performance.now();
      // A full bucket of 5000 at 500 a second: most of it is let in, however long a busy machine takes to ask for it.
      while (performance.now() - startedMs < 4_000 || accepted <= 3_000) {
        const answers = await Promise.all([door.url, other.url].map((url) => post(url, batch(200), bearer(shared))));
        accepted += 200 * answers.filter(({ status }) => status === 201).length;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const seconds = (performance.now() - startedMs) / 1000;
      // Until the tenant's quotas are known a process believes the deployment's, for a batch or so.
      expect(accepted).toBeLessThan(5_000 + 500 * seconds + 2_500);
    } finally {
      await other.stop();
    }
  });

  it("count reading requests, on every route, and are off where they are turned off", async () => {
    const api = await startFunction("audit-api", { env: testEnvironment(door.database) });
    const unlimited = await startFunction("audit-api", { env: { ...testEnvironment(door.database), AUDIT_RATE_LIMITS: "off" } });
    try {
      const ask = (base: string, path: string, as = key) => fetch(`${base}/api/v1/audit${path}`, { headers: bearer(as) });
      const good = await ask(api.url, "/events?limit=1");
      expect([good.status, good.headers.get("ratelimit-policy")?.includes("qu=")]).toEqual([200, false]);
      await good.body?.cancel();
      const refused = await until(async () => {
        const answer = await ask(api.url, "/stats");
        await answer.arrayBuffer();
        return answer.status === 429 ? answer : undefined;
      }, 30_000);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(refused.headers.get("ratelimit-policy")).toContain('"caller";q=20;w=10');
      expect((await ask(api.url, "/events?limit=1", await tokenOf("viewer"))).status).toBe(200);
      for (let asked = 0; asked < 30; asked++) {
        const answer = await ask(unlimited.url, "/events?limit=1");
        expect([answer.status, answer.headers.get("ratelimit")]).toEqual([200, null]);
      }
    } finally {
      await Promise.all([api.stop(), unlimited.stop()]);
    }
  });

  it("leave the project's own servers without a quota of their own", async () => {
    const answer = await door.post(batch(3, { tenant_id: "00000000-0000-4000-8000-0000000000ff" }), { apikey: secretKey });
    expect(answer.headers.get("ratelimit-policy")).not.toContain("caller");
  });
});

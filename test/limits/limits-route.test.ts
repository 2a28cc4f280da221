import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../core/limits.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "../api/service.ts";

type Quota = { readonly per_second: number; readonly burst: number; readonly remaining?: number; readonly reset_seconds?: number } | null;
type Limits = {
  readonly limits: Readonly<Record<string, number>>;
  readonly settings: Readonly<Record<string, number>>;
  readonly quotas: {
    readonly of: string;
    readonly ingest: { readonly unit: string; readonly tenant: Quota; readonly caller: Quota };
    readonly reads: { readonly unit: string; readonly tenant: Quota; readonly caller: Quota };
  };
};

describe("GET /limits", () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ env: { AUDIT_INGEST_EVENTS_PER_SECOND: "1000", AUDIT_READS_PER_SECOND: "4" } });
  });
  afterAll(() => service.stop());
  const ask = async (as?: string, path = "/limits") => {
    const { status, json, headers } = await service.ask(path, { as });
    expect(status).toBe(200);
    return { body: json as Limits, headers };
  };

  it("tells everybody the limits, each once, and the deployment's quotas", async () => {
    const { body, headers } = await ask();
    expect(body.limits).toMatchObject({ events_per_request_max: limits.eventsPerRequestMax, small_body_bytes_max: limits.smallBodyBytesMax });
    expect(body.settings).toMatchObject({ hot_days: 90, key_cache_seconds: 30 });
    expect(Object.keys(body.limits).filter((name) => name in body.settings)).toEqual([]);
    expect(body.quotas).toEqual({
      of: "deployment",
      ingest: { unit: "events", tenant: { per_second: 1000, burst: 10_000 }, caller: { per_second: 500, burst: 5000 } },
      reads: { unit: "requests", tenant: { per_second: 4, burst: 40 }, caller: { per_second: 2, burst: 20 } },
    });
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    expect(headers.get("vary")).toMatch(/authorization, apikey/i);
  });

  it("says what the answer depends on where pages of some origins only may ask, too", async () => {
    const strict = await startService({ database: service.database, env: { AUDIT_ALLOWED_ORIGINS: "https://pages.example" } });
    const { headers } = await strict.ask("/limits", { headers: { origin: "https://pages.example" } });
    await strict.stop();
    expect(headers.get("vary")?.toLowerCase().split(", ").sort()).toEqual(["apikey", "authorization", "origin"]);
  });

  it("tells a caller what is left of his own quotas, and keeps the answer out of caches", async () => {
    const key = await service.makeKey(tenantA, ["ingest", "read"]);
    const events = Array.from({ length: 300 }, () => ({ event_type: "quota.spent" }));
    expect((await service.ask("/events", { method: "POST", as: key.text, body: { events } })).status).toBe(201);
    // Ten reads are five seconds' worth: some of it is missing still, however slow the machine is.
    for (let turn = 0; turn < 9; turn++) await ask(key.text);
    const { body, headers } = await ask(key.text);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body.quotas.of).toBe("caller");
    // Refilled since at 500 and 1000 a second.
    expect(body.quotas.ingest.caller).toMatchObject({ per_second: 500, burst: 5000 });
    expect(body.quotas.ingest.tenant).toMatchObject({ per_second: 1000, burst: 10_000 });
    expect(body.quotas.reads.caller?.remaining).toBeLessThan(20);
  });

  it("shows a tenant's own quotas where the operator set some, for the tenant that is asked about", async () => {
    await service.admin.query("set role audit_job");
    await service.admin.query("select audit_log.set_rate_limits($1, 77, 7, null, null)", [tenantB]);
    await service.admin.query("reset role");
    const both = await tokenOf("viewer", [tenantA, tenantB]);
    expect((await ask(both)).body.quotas.ingest.tenant).toBeNull();
    const { ingest, reads } = (await ask(both, `/limits?tenant_id=${tenantB}`)).body.quotas;
    expect([ingest.tenant?.per_second, ingest.caller?.per_second, reads.tenant?.per_second]).toEqual([77, 500, 4]);
    const key = await service.makeKey(tenantB, ["read"]);
    expect((await ask(key.text)).body.quotas.ingest.caller?.per_second).toBe(7);
  });

  it("takes whoever shows a bad credential for a stranger, and refuses another tenant", async () => {
    expect((await ask("aud_not_a_key")).body.quotas.of).toBe("deployment");
    expect((await service.ask(`/limits?tenant_id=${tenantB}`, { as: await tokenOf("viewer") })).status).toBe(403);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";
import { sealAll } from "./seal-all.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

type Figure = { readonly query: string; readonly [name: string]: unknown };
type Report = {
  readonly from: string;
  readonly to: string;
  readonly record: { readonly id: string };
  readonly events: { readonly total: number; readonly query: string; readonly by_type: readonly (Figure & { readonly event_type: string })[] };
  readonly access: {
    readonly by_principal: readonly (Figure & { readonly count: number; readonly principal: string; readonly event_type: string })[];
    readonly query: string;
  };
  readonly seal: Figure;
  readonly verification: Figure & { readonly checkpoint?: { readonly size: number } };
  readonly retention: Figure;
};

describe("GET /reports/compliance", () => {
  let log: TestLog;
  let service: Service;
  let auditor: string;
  const sub = "44444444-4444-4444-8444-444444444444";
  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
    auditor = await tokenOf("auditor", [tenantA], sub);
    await service.store(tenantA, [{ event_type: "a.b" }, { event_type: "a.b", result: "failure" }, { event_type: "c.d", result: "warning" }]);
    await service.store(tenantB, [{ event_type: "foreign.event" }]);
  });
  afterAll(async () => {
    await service.stop();
    await log.close();
  });
  const report = async (query = "") => {
    const { status, json, text } = await service.ask(`/reports/compliance?${query}`, { as: auditor });
    if (status !== 200) throw new Error(`${status} ${text}`);
    return json as Report;
  };
  /** What the query behind a figure answers. */
  const follow = async ({ query }: { readonly query: string }) => {
    const { pathname, search } = new URL(query, "http://service/api/v1/audit/reports/compliance");
    const { status, json, text } = await service.ask(`/${pathname}${search}`, { as: auditor });
    if (status !== 200) throw new Error(`${query}: ${status} ${text}`);
    return json as { readonly total: number; readonly events: readonly { readonly principal: string; readonly event_type: string }[] };
  };

  it("says that nothing is signed before anything is", async () => {
    const { verification, seal } = await report();
    expect(verification).toMatchObject({ outcome: "nothing_signed" });
    expect(seal).toMatchObject({ tree_size: 0, sealed: 0 });
  });

  it("counts events and accesses, each with the query that gives the figure", async () => {
    await service.ask("/events?source=nothing", { as: auditor });
    await service.ask("/events/export?event_type=a.b", { as: auditor });
    await service.settled();
    await sealAll(log);
    const { events, access, seal, verification, retention, record } = await report();
    expect(events.by_type.filter(({ event_type }) => !event_type.startsWith("audit."))).toMatchObject([
      { event_type: "a.b", success: 1, failure: 1, warning: 0 },
      { event_type: "c.d", success: 0, failure: 0, warning: 1 },
    ]);
    for (const figure of events.by_type.filter(({ event_type }) => !event_type.startsWith("audit."))) {
      expect((await follow(figure)).events.length).toBe(["success", "failure", "warning"].reduce((sum, result) => sum + Number(figure[result]), 0));
    }
    expect(access.by_principal).toContainEqual(expect.objectContaining({ principal: `user:${sub}`, event_type: "audit.events.exported", count: 1, rows: 2 }));
    expect(access.by_principal).toContainEqual(expect.objectContaining({ principal: `user:${sub}`, event_type: "audit.events.viewed", count: 1 }));
    for (const figure of access.by_principal.filter(({ event_type }) => event_type === "audit.events.exported")) {
      const { events: found } = await follow(figure);
      expect(found).toHaveLength(figure.count);
      expect(found.every(({ principal, event_type }) => principal === figure.principal && event_type === figure.event_type)).toBe(true);
    }
    expect(seal).toMatchObject({ sealed: events.total, not_yet_sealed: 0, changed_before_sealing: 0, tree_problem: null });
    expect(verification).toMatchObject({ outcome: "verified", checkpoint: { size: seal["tree_size"], verifier_key: firstKey.verifierKey } });
    expect(retention).toMatchObject({ hot_days: 90, retention_years: 10 });
    expect(JSON.stringify(events)).not.toContain("foreign");
    expect((await service.ask(`/events/${record.id}`, { as: auditor })).json).toMatchObject({ event: { event_type: "audit.report.created" } });
  });

  it("counts what is not sealed yet", async () => {
    await service.store(tenantA, [{ event_type: "late.event" }]);
    expect((await report()).seal["not_yet_sealed"]).toBeGreaterThan(0);
  });

  it("says tampered when the tree is no longer the signed one", async () => {
    await sealAll(log);
    expect((await report()).verification).toMatchObject({ outcome: "verified" });
    await service.admin.query("alter table audit_log.tiles disable trigger all");
    await service.admin.query("update audit_log.tiles set hashes = overlay(hashes placing '\\x00'::bytea from 40 for 1) where tenant_id = $1 and level = 0", [
      tenantA,
    ]);
    expect((await report()).verification).toMatchObject({ outcome: "tampered" });
  });

  it("is for auditors, and is no report without a record of it", async () => {
    expect((await service.ask("/reports/compliance", { as: await tokenOf("viewer") })).status).toBe(403);
    await service.admin.query("revoke execute on all functions in schema audit_log from audit_ingest");
    expect(await service.ask("/reports/compliance", { as: auditor })).toMatchObject({ status: 503, json: { code: "not_recorded" } });
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabaseLog } from "../../scripts/audit/database-source.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyLog } from "../../verify/log.ts";
import { sealAll } from "../api/seal-all.ts";
import { type Service, startService, tenantA, tokenOf } from "../api/service.ts";
import { firstKey, openLog, type TestLog } from "../support/sealed-log.ts";

type Listed = { readonly events: readonly { readonly id: string; readonly leaf_hash: string; readonly deleted?: Record<string, string> }[] };

describe("DELETE /events/{id}", () => {
  let log: TestLog;
  let service: Service;
  let admin: string;
  let auditor: string;
  const sub = "55555555-5555-4555-8555-555555555555";
  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
    admin = await tokenOf("admin", [tenantA], sub);
    auditor = await tokenOf("auditor");
  });
  afterAll(async () => {
    await service.stop();
    await log.close();
  });
  const ask = async (path: string, as = auditor) => {
    const { status, json, text } = await service.ask(path, { as });
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return json;
  };
  const remove = (id: string, at: string, as = admin) => service.ask(`/events/${id}?at=${at}`, { method: "DELETE", as, body: { reason: "sent in error" } });

  it("hides an event from list, detail, export, stats, stream of figures and receipt, and shows it to admins who ask", async () => {
    const [gone, kept] = await service.store(tenantA, [{ source: "deleting", result: "failure" }, { source: "deleting" }]);
    if (gone === undefined || kept === undefined) throw new Error("store");
    await sealAll(log);
    const receiptBefore = (await service.ask(`/events/${gone.id}/receipt`, { as: auditor })).text;
    expect(await remove(gone.id, gone.occurred_at)).toMatchObject({ status: 200, json: { id: gone.id, status: "deleted" } });

    expect((await ask("/events?source=deleting") as Listed).events.map(({ id }) => id)).toEqual([kept.id]);
    expect((await service.ask(`/events/${gone.id}`, { as: auditor })).status).toBe(404);
    expect((await service.ask(`/events/${gone.id}/receipt`, { as: auditor })).status).toBe(404);
    expect((await service.ask("/events/export?format=ndjson&source=deleting", { as: auditor })).text).not.toContain(gone.id);
    expect(await ask("/stats?source=deleting")).toMatchObject({
      total: 1,
      facets: { counted_events: 1, values: { result: [{ value: "success", count: 1 }] } },
    });

    const listed = await ask("/events?source=deleting&include_deleted=true", admin) as Listed;
    expect(listed.events.find(({ id }) => id === gone.id)).toMatchObject({
      leaf_hash: gone.leaf_hash,
      deleted: { by: `user:${sub}`, reason: "sent in error" },
    });
    expect(listed.events.find(({ id }) => id === kept.id)).not.toHaveProperty("deleted");
    expect(await ask(`/events/${gone.id}?include_deleted=true`, admin)).toMatchObject({ event: { deleted: { by: `user:${sub}` } } });
    expect(await ask("/stats?source=deleting&include_deleted=true", admin)).toMatchObject({ total: 2 });
    expect((await service.ask("/events/export?format=ndjson&source=deleting&include_deleted=true", { as: admin })).text).toContain(gone.id);
    expect((await service.ask(`/events/${gone.id}/receipt?include_deleted=true`, { as: admin })).text).toBe(receiptBefore);
    for (const path of ["/events?include_deleted=true", `/events/${gone.id}?include_deleted=true`, `/events/${gone.id}/receipt?include_deleted=true`]) {
      expect((await service.ask(path, { as: auditor })).status).toBe(403);
    }
  });

  it("is in the log that verifies: with the record of who did it, sealed or not yet, and not without", async () => {
    const [event] = await service.store(tenantA, [{ occurred_at: new Date(Math.floor(Date.now() / 1000) * 1000).toISOString() }]);
    if (event === undefined) throw new Error("store");
    // The same moment in another spelling.
    expect((await remove(event.id, event.occurred_at.replace(".000Z", "%2B00:00"))).status).toBe(200);
    const hidden = async () => {
      const source = await openDatabaseLog(log.database.adminUrl);
      try {
        const report = await verifyLog(source, { ring: await followRotations([firstKey.verifierKey], source.rotations) });
        return report.findings.map(({ kind, id }) => [kind, id]);
      } finally {
        await source.close();
      }
    };
    expect(await hidden()).toEqual([]);
    await sealAll(log);
    expect(await hidden()).toEqual([]);
    const [other] = await service.store(tenantA, [{}]);
    await sealAll(log);
    await service.admin.query("insert into audit_log.deletions (tenant_id, occurred_at, id, reason, deleted_by) values ($1, $2, $3, 'forged', 'user:x')", [
      tenantA,
      other?.occurred_at,
      other?.id,
    ]);
    expect(await hidden()).toEqual([["event_hidden", other?.id]]);
  });

  it("changes no row, no hash and no tile", async () => {
    const [event] = await service.store(tenantA, [{}]);
    await sealAll(log);
    const state = async () =>
      (await service.admin.query(
        "select e::text, (select md5(string_agg(t::text, '' order by level, tile_index)) from audit_log.tiles t where level = 0 and tile_index = 0) as tiles from audit_log.events e where id = $1",
        [event?.id],
      )).rows;
    const before = await state();
    expect((await remove(event?.id ?? "", event?.occurred_at ?? "")).status).toBe(200);
    expect(await state()).toEqual(before);
    for (const text of ["delete from audit_log.deletions", "update audit_log.deletions set reason = 'x'", "truncate audit_log.deletions"]) {
      await expect(service.admin.query(text)).rejects.toMatchObject({ code: "42501" });
    }
  });

  it("is itself an event, once, and that event cannot be deleted", async () => {
    const [event] = await service.store(tenantA, [{}]);
    await remove(event?.id ?? "", event?.occurred_at ?? "");
    expect(await remove(event?.id ?? "", event?.occurred_at ?? "")).toMatchObject({ json: { status: "deleted_before" } });
    const { events } = await ask(`/events?event_type=audit.event.deleted&object_id=${event?.id}`) as { readonly events: readonly Record<string, string>[] };
    expect(events).toMatchObject([{ principal: `user:${sub}`, source: "audit-events", context: { occurred_at: event?.occurred_at, reason: "sent in error" } }]);
    expect(await remove(events[0]?.["id"] ?? "", events[0]?.["occurred_at"] ?? "")).toMatchObject({ status: 409, json: { code: "conflict" } });
  });

  it("does not reach an event of another time that has the same id", async () => {
    const id = "aaaaaaaa-0000-4000-8000-000000000001";
    const times = [3, 2].map((hours) => new Date(Date.now() - hours * 3_600_000).toISOString());
    await service.store(tenantA, times.map((occurred_at) => ({ id, occurred_at })));
    await remove(id, times[0] ?? "");
    expect((await ask(`/events?q=id:${id}`) as { readonly events: readonly Record<string, string>[] }).events.map((event) => event["occurred_at"])).toEqual([
      times[1],
    ]);
  });

  it("needs an admin, a reason and an event", async () => {
    const [event] = await service.store(tenantA, [{}]);
    expect((await remove(event?.id ?? "", event?.occurred_at ?? "", auditor)).status).toBe(403);
    const bare = (body: unknown) => service.ask(`/events/${event?.id}`, { method: "DELETE", as: admin, body });
    expect(await bare({})).toMatchObject({ status: 400, json: { errors: [{ pointer: "/reason" }] } });
    expect((await service.ask(`/events/${event?.id}`, { method: "DELETE", as: admin })).status).toBe(415);
    expect((await remove("01890000-0000-7000-8000-000000000000", new Date().toISOString())).status).toBe(404);
    expect((await ask(`/events/${event?.id}`) as { readonly event: unknown }).event).toBeDefined();
  });

  it("shows an auditor's SQL which events are deleted, and neither by whom nor why", async () => {
    const claims = { app_metadata: { tenant_ids: [tenantA], audit_role: "auditor" } };
    await service.admin.query("begin; set local role authenticated");
    await service.admin.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)]);
    const { rows } = await service.admin.query("select id from audit_log.deletions");
    expect(rows.length).toBeGreaterThan(0);
    const of = "select * from audit_log.deletions_of($1, array(select occurred_at from audit_log.deletions), array(select id from audit_log.deletions))";
    expect((await service.admin.query(of, [tenantA])).rows).toEqual([]);
    await expect(service.admin.query("select reason from audit_log.deletions")).rejects.toMatchObject({ code: "42501" });
    await service.admin.query("rollback");
  });
});

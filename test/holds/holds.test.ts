import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Service, startService, tenantA, tenantB, tokenOf } from "../api/service.ts";

type Hold = { readonly id: string; readonly status: string; readonly [name: string]: unknown };
type Stored = { readonly id: string; readonly occurred_at: string };

describe("holds", () => {
  let service: Service;
  let admin: string;
  let auditor: string;
  beforeAll(async () => {
    service = await startService();
    admin = await tokenOf("admin");
    auditor = await tokenOf("auditor");
  });
  afterAll(() => service.stop());

  const place = (body: Record<string, unknown>, as = admin) => service.ask("/holds", { method: "POST", as, body: { reason: "case 4711", ...body } });
  const placed = async (body: Record<string, unknown>) => {
    const { status, json, text } = await place(body);
    if (status !== 201) throw new Error(text);
    return (json as { readonly hold: Hold }).hold;
  };
  const release = (id: string, as = admin) => service.ask(`/holds/${id}/release`, { method: "POST", as, body: { reason: "case closed" } });
  const remove = ({ id, occurred_at }: Stored) =>
    service.ask(`/events/${id}?at=${occurred_at}`, { method: "DELETE", as: admin, body: { reason: "asked for" } });
  const eventsOf = async (type: string) => {
    const { json } = await service.ask(`/events?event_type=${type}`, { as: admin });
    return (json as { readonly events: readonly { readonly object_id: string; readonly context: Record<string, unknown> }[] }).events;
  };

  it("are placed and released by admins, read by auditors, and shown to no viewer", async () => {
    const hold = await placed({ actor_id: "mallory", from: "2026-01-01", to: "2026-01-31" });
    expect(hold).toMatchObject({ status: "active", from: "2026-01-01T00:00:00.000Z", to: "2026-01-31T23:59:59.999Z", archived_days: 0 });
    expect((await place({ actor_id: "x" }, auditor)).status).toBe(403);
    expect((await release(hold.id, auditor)).status).toBe(403);
    expect((await service.ask("/holds", { as: await tokenOf("viewer") })).status).toBe(403);
    const listed = await service.ask("/holds?status=active", { as: auditor });
    expect((listed.json as { readonly holds: readonly Hold[] }).holds.map(({ id }) => id)).toContain(hold.id);
    expect((await release(hold.id)).json).toMatchObject({ hold: { id: hold.id, status: "released", release_reason: "case closed" } });
    const active = await service.ask("/holds?status=active", { as: auditor });
    expect((active.json as { readonly holds: readonly Hold[] }).holds.map(({ id }) => id)).not.toContain(hold.id);
  });

  it("leave an event of each placing and release, and none of a release that changed nothing", async () => {
    const hold = await placed({ object_type: "Order", object_id: "o-9" });
    await release(hold.id);
    expect((await release(hold.id)).json).toMatchObject({ hold: { status: "released" } });
    expect((await eventsOf("audit.hold.placed")).find(({ object_id }) => object_id === hold.id)?.context).toEqual({
      reason: "case 4711",
      object_type: "order",
      object_id: "o-9",
    });
    expect((await eventsOf("audit.hold.released")).filter(({ object_id }) => object_id === hold.id)).toHaveLength(1);
  });

  it("are listed page by page, and no further from a hold that the tenant does not have", async () => {
    const list = async (query: string, as = auditor) => await service.ask(`/holds?${query}`, { as });
    const made = [await placed({ actor_id: "one" }), await placed({ actor_id: "two" })].map(({ id }) => id).reverse();
    const first = (await list("limit=1")).json as { readonly holds: readonly Hold[]; readonly next_cursor: string };
    expect([first.holds.map(({ id }) => id), first.next_cursor]).toEqual([[made[0]], made[0]]);
    expect((await list(`limit=1&cursor=${first.next_cursor}`)).json).toMatchObject({ holds: [{ id: made[1] }] });
    const foreign = await tokenOf("auditor", [tenantB]);
    for (const answer of [await list("cursor=00000000-0000-4000-8000-000000000000"), await list(`cursor=${made[0]}`, foreign)]) {
      expect(answer).toMatchObject({ status: 400, json: { code: "invalid_cursor", errors: [{ pointer: "cursor" }] } });
    }
    expect(await list("cursor=x")).toMatchObject({ status: 400, json: { code: "invalid_parameter", errors: [{ pointer: "cursor" }] } });
  });

  it("are not placed when the event of it is not stored", async () => {
    await service.admin.query("revoke execute on all functions in schema audit_log from audit_ingest");
    const { status } = await place({ actor_id: "nobody-knows" });
    await service.admin.query("grant execute on function audit_log.ingest to audit_ingest; grant execute on function audit_log.claim_batch to audit_ingest");
    expect(status).toBe(503);
    const { rows } = await service.admin.query("select count(*)::int as count from audit_log.holds where actor_id = 'nobody-knows'");
    expect(rows[0].count).toBe(0);
  });

  it.each([
    ["the actor", { actor_id: "alice" }, { actor_id: "alice" }, { actor_id: "bob" }],
    ["the object", { object_type: "order", object_id: "o-1" }, { object_type: "order", object_id: "o-1" }, { object_type: "order", object_id: "o-2" }],
    ["actor and object together", { actor_id: "carol", object_id: "o-3" }, { actor_id: "carol", object_id: "o-3" }, { actor_id: "carol" }],
  ])("keep what they cover from deletion, by %s, and nothing else", async (_, scope, covered, other) => {
    const [held, free] = await service.store(tenantA, [covered, other]);
    const hold = await placed(scope);
    expect(await remove(held as Stored)).toMatchObject({ status: 409, json: { code: "held" } });
    expect(await remove(free as Stored)).toMatchObject({ status: 200, json: { status: "deleted" } });
    await release(hold.id);
    expect(await remove(held as Stored)).toMatchObject({ status: 200, json: { status: "deleted" } });
    expect(await remove(held as Stored)).toMatchObject({ status: 200, json: { status: "deleted_before" } });
  });

  it("keep a time range, and a whole tenant, but no other tenant", async () => {
    const times = [2, 1].map((hours) => new Date(Date.now() - hours * 3_600_000).toISOString());
    const [older, newer] = await service.store(
      tenantA,
      times.map((occurred_at) => ({ occurred_at })).map((event, n) => ({ ...event, id: `01890000-0000-4000-8000-00000000000${n}` })),
    );
    const range = await placed({ to: times[0] });
    expect((await remove(older as Stored)).status).toBe(409);
    expect((await remove(newer as Stored)).status).toBe(200);
    const whole = await placed({});
    await release(range.id);
    expect((await remove(older as Stored)).status).toBe(409);
    const [foreign] = await service.store(tenantB, [{}]);
    const url = `/events/${foreign?.id}?at=${foreign?.occurred_at}`;
    expect((await service.ask(url, { method: "DELETE", as: await tokenOf("admin", [tenantB]), body: { reason: "x" } })).status).toBe(200);
    await release(whole.id);
    expect((await remove(older as Stored)).status).toBe(200);
  });

  it("are a hold's for good: nobody narrows, backdates or removes one, not even the owner of the table", async () => {
    const { id } = await placed({ actor_id: "dora" });
    for (
      const text of [
        "update audit_log.holds set actor_id = 'x'",
        "update audit_log.holds set released_at = now(), released_by = 'x', release_reason = 'x', actor_id = 'x'",
        "delete from audit_log.holds",
        "truncate audit_log.holds",
      ]
    ) await expect(service.admin.query(text)).rejects.toMatchObject({ code: "42501" });
    await release(id);
    await expect(service.admin.query("update audit_log.holds set released_at = null, released_by = null, release_reason = null")).rejects.toMatchObject({
      code: "42501",
    });
  });

  it.each([
    [{ reason: "" }, "/reason"],
    [{ reason: "x".repeat(2001) }, "/reason"],
    [{ from: "yesterday" }, "/from"],
    [{ from: "2026-02-01", to: "2026-01-01" }, "/from"],
    [{ object_type: "two words" }, "/object_type"],
    [{ actor: "alice" }, "/actor"],
    [{ object_id: "a\u0000b" }, "/object_id"],
  ])("say what is wrong with %j", async (body, pointer) => {
    expect(await place(body)).toMatchObject({ status: 400, json: { code: "invalid_request", errors: [{ pointer }] } });
  });

  it("are refused while archives that they would cover are being deleted, and placed beside them", async () => {
    await service.admin.query(
      `insert into audit_log.archives (tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root,
        manifest_key, manifest_sha256, archived_at, expires_at, expiring_at)
      values ($1, '2014-05-06', 'expiring', 1, 1, 1, 0, 0, 1, sha256(''), 'k', sha256(''), now(), now(), now())`,
      [tenantA],
    );
    expect(await place({ actor_id: "erin" })).toMatchObject({ status: 409, json: { code: "conflict", detail: expect.stringContaining("2014-05-06") } });
    expect(await eventsOf("audit.hold.placed").then((events) => events.filter(({ context }) => context["actor_id"] === "erin"))).toEqual([]);
    const beside = await placed({ actor_id: "erin", from: "2014-05-07" });
    await service.admin.query("update audit_log.archives set state = 'deleted', deleted_at = now() where day = '2014-05-06'");
    const whole = await placed({ actor_id: "erin" });
    await release(beside.id);
    await release(whole.id);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Service, startService, tenantA, tenantB, tokenOf } from "../api/service.ts";

describe("/retention", () => {
  let service: Service;
  let admin: string;
  beforeAll(async () => {
    service = await startService({ env: { AUDIT_RETENTION_FLOOR_YEARS: "3" } });
    admin = await tokenOf("admin", [tenantA], "66666666-6666-4666-8666-666666666666");
  });
  afterAll(() => service.stop());
  const put = (years: unknown, as = admin) => service.ask("/retention", { method: "PUT", as, body: { retention_years: years } });
  const get = async (as = admin) => (await service.ask("/retention", { as })).json;
  const archive = (tenantId: string) =>
    service.admin.query(
      `insert into audit_log.archives (tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root,
        manifest_key, manifest_sha256, archived_at, expires_at)
      values ($1, '2020-02-29', 'archived', 5, 1, 9, 0, 4, 5, sha256(''), 'k', sha256(''), now(), audit_log.archive_expiry($1, '2020-02-29', 10))`,
      [tenantId],
    );
  const expiryOf = async (tenantId: string) => {
    const { rows } = await service.admin.query("select expires_at from audit_log.archives where tenant_id = $1", [tenantId]);
    return rows[0].expires_at;
  };

  it("is the deployment's default until an admin sets it, and again after null", async () => {
    const unset = {
      tenant_id: tenantA,
      retention_years: 10,
      is_default: true,
      default_years: 10,
      floor_years: 3,
      hot_days: 90,
      changed_by: null,
      changed_at: null,
    };
    expect(await get(await tokenOf("viewer"))).toEqual(unset);
    expect((await put(7)).json).toMatchObject({ retention_years: 7, is_default: false, changed_by: "user:66666666-6666-4666-8666-666666666666" });
    expect(await get()).toMatchObject({ retention_years: 7 });
    expect(await get(await tokenOf("admin", [tenantB]))).toMatchObject({ retention_years: 10, is_default: true });
    expect((await put(null)).json).toMatchObject({ retention_years: 10, is_default: true });
  });

  it("moves the expiry of the tenant's archives, and of no other's", async () => {
    await archive(tenantA);
    await archive(tenantB);
    await put(4);
    expect([await expiryOf(tenantA), await expiryOf(tenantB)]).toEqual(["2024-03-01T00:00:00.000Z", "2030-03-01T00:00:00.000Z"]);
    await put(null);
    expect(await expiryOf(tenantA)).toBe("2030-03-01T00:00:00.000Z");
  });

  it("is recorded with what it was before", async () => {
    await put(5);
    await put(6);
    const { json } = await service.ask("/events?event_type=audit.retention.changed&limit=1", { as: admin });
    expect(json).toMatchObject({ events: [{ object_id: tenantA, context: { from_years: 5, to_years: 6 } }] });
  });

  it.each([[2, "/retention_years"], [101, "/retention_years"], [3.5, "/retention_years"], ["7", "/retention_years"], [undefined, "/retention_years"]])(
    "refuses %j years, the floor being 3",
    async (years, pointer) => {
      expect(await put(years)).toMatchObject({ status: 400, json: { code: "invalid_request", errors: [{ pointer }] } });
      expect((await put(3)).status).toBe(200);
    },
  );

  it("is changed by admins alone", async () => {
    expect((await put(9, await tokenOf("auditor"))).status).toBe(403);
    expect((await put(9, await tokenOf("viewer"))).status).toBe(403);
  });

  it("shows auditors their own archives, newest first, and whether each is held", async () => {
    const held = async () =>
      ((await service.ask("/archives", { as: await tokenOf("auditor") })).json as { archives: { day: string; tenant_id: string; held: boolean }[] }).archives;
    expect(await held()).toMatchObject([{ tenant_id: tenantA, day: "2020-02-29", state: "archived", rows: 5, held: false, manifest_key: "k" }]);
    const placed = await service.ask("/holds", { method: "POST", as: admin, body: { reason: "x", actor_id: "a", to: "2020-02-29" } });
    expect(placed.json).toMatchObject({ hold: { archived_days: 1 } });
    expect(await held()).toMatchObject([{ held: true }]);
    expect((await service.ask("/archives?from=2020-03-01", { as: admin })).json).toEqual({ archives: [], next_cursor: null });
    expect((await service.ask("/archives", { as: await tokenOf("viewer") })).status).toBe(403);
  });
});

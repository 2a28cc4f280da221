import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../command/run-command.ts";
import { tenantA, tenantB } from "../api/service.ts";
import { type Door, openDoor } from "../http/door.ts";

const user = "11111111-1111-4111-8111-111111111111";

describe("npm run audit -- keys create, members grant", () => {
  let door: Door;
  let login: pg.Client;
  beforeAll(async () => {
    door = await openDoor();
    login = new pg.Client({ connectionString: door.database.url });
    await login.connect();
    // What of Supabase Auth's table matters here; the login may change it, as on a hosted project.
    await door.admin("create table auth.users (id uuid primary key, email text, raw_app_meta_data jsonb)");
    await door.admin("grant usage on schema auth to postgres");
    await door.admin("grant select, update on auth.users to postgres");
    await door.admin("insert into auth.users values ($1, 'Ada@example.com', null)", [user]);
  });
  afterAll(async () => {
    await login.end();
    await door.close();
  });
  const run = (...args: string[]) => runCommand([...args, "--database", door.database.url]);
  const recorded = (objectId: string) =>
    door.admin("select tenant_id, event_type, principal, actor_type, context from audit_log.events where object_id = $1 order by seq", [objectId]);

  it("makes the first key of a tenant that is new, prints it once, and records it", async () => {
    const { status, out, err } = await run("keys", "create", "--tenant", tenantB, "--scope", "ingest", "read", "--name", "first");
    expect([status, err.includes(out.trim())]).toEqual([0, false]);
    const answer = await door.post([{ event_type: "first.used" }], { authorization: `Bearer ${out.trim()}` });
    expect(answer.status).toBe(201);
    const id = answer.body.principal.slice("key:".length);
    const context = { name: "first", scopes: ["ingest", "read"] };
    expect(await recorded(id)).toEqual([{ tenant_id: tenantB, event_type: "audit.key.created", principal: "login:postgres", actor_type: "operator", context }]);
  });

  it("refuses scopes that are none, and times that have passed, and makes nothing", async () => {
    expect((await run("keys", "create", "--tenant", tenantA, "--scope", "owner")).status).toBe(2);
    expect((await run("keys", "create", "--tenant", tenantA, "--scope", "read", "--expires", "2020-01-01T00:00:00Z")).status).toBe(2);
    expect((await run("keys", "create", "--tenant", "acme", "--scope", "read")).status).toBe(2);
    expect(await door.admin("select id from audit_log.api_keys where tenant_id = $1", [tenantA])).toEqual([]);
  });

  it("lets a user into one tenant after the other, and records it in each", async () => {
    expect((await run("members", "grant", "ada@example.com", "--tenant", tenantA, "--role", "viewer")).status).toBe(0);
    expect((await run("members", "grant", user, "--tenant", tenantB, "--role", "auditor")).status).toBe(0);
    expect((await run("members", "grant", user, "--tenant", tenantB, "--role", "auditor")).status).toBe(0);
    const [row] = await door.admin<{ raw_app_meta_data: unknown }>("select raw_app_meta_data from auth.users");
    expect(row?.raw_app_meta_data).toEqual({ audit_role: "auditor", tenant_ids: [tenantB, tenantA].sort() });
    expect((await recorded(user)).map(({ tenant_id, event_type, context }) => ({ tenant_id, event_type, context }))).toEqual([
      { tenant_id: tenantA, event_type: "audit.member.granted", context: { role: "viewer" } },
      { tenant_id: tenantB, event_type: "audit.member.granted", context: { role: "auditor" } },
      { tenant_id: tenantB, event_type: "audit.member.granted", context: { role: "auditor" } },
    ]);
  });

  it("says so when no user has the address, and records nothing", async () => {
    const { status, err } = await run("members", "grant", "nobody@example.com", "--tenant", tenantA, "--role", "viewer");
    expect(status).toBe(2);
    expect(err).toContain("0 users");
    expect(await recorded("nobody@example.com")).toEqual([]);
  });

  it("says so where there is no Supabase Auth, as on the local stack", async () => {
    await door.admin("alter table auth.users rename to users_elsewhere");
    const { status, err } = await run("members", "grant", "ada@example.com", "--tenant", tenantA, "--role", "viewer");
    await door.admin("alter table auth.users_elsewhere rename to users");
    expect([status, err]).toEqual([2, expect.stringContaining("this database has no users of Supabase Auth")]);
  });

  it("gives a tenant quotas, shows and records them, takes them away, and refuses what is none", async () => {
    const tenantC = "33333333-3333-4333-8333-333333333333";
    expect(await run("limits", "set", "--tenant", tenantC, "--ingest", "50000", "--reads-per-caller", "7")).toMatchObject({
      status: 0,
      err: expect.stringContaining("no tenant of this id was known"),
      out: expect.stringContaining("50000 events a second of the tenant, 7 reading requests a second of one caller"),
    });
    const own = { tenant_id: tenantC, ingest_per_second: 50000, ingest_per_second_per_caller: null, reads_per_second: null, reads_per_second_per_caller: 7 };
    expect(JSON.parse((await run("limits", "show", "--json")).out)).toEqual({ tenants: [own] });
    for (const wrong of [["--ingest", "0"], ["--ingest", "many"], ["--ingest", "5", "--defaults"], []]) {
      const refused = await run("limits", "set", "--tenant", tenantC, ...wrong, "--json");
      expect([refused.status, JSON.parse(refused.out).status]).toEqual([2, "failed"]);
    }
    const again = await run("limits", "set", "--tenant", tenantC, "--ingest", "50000", "--reads-per-caller", "7", "--json");
    expect([again.status, JSON.parse(again.out)]).toEqual([0, { tenant: own }]);
    expect(await run("limits", "set", "--tenant", tenantC, "--defaults")).toMatchObject({ status: 0, err: "" });
    expect(JSON.parse((await run("limits", "show", "--json")).out)).toEqual({ tenants: [] });
    expect((await recorded(tenantC)).map(({ event_type, context }) => [event_type, context])).toEqual([
      ["audit.limits.changed", { ingest_per_second: 50000, reads_per_second_per_caller: 7 }],
      ["audit.limits.changed", { ingest_per_second: 50000, reads_per_second_per_caller: 7 }],
      ["audit.limits.changed", {}],
    ]);
  });
});

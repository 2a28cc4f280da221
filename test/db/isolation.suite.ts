import { beforeAll, describe, expect, it } from "vitest";
import type { Claims } from "../../core/caller.ts";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { ingest, newRow, tenantA, tenantB } from "./ingest-call.ts";
import { outcomeOf, useDatabase, valueOf } from "./use-database.ts";

const canary = "canary-of-tenant-b";

function claims(app: Record<string, unknown>, rest: Record<string, unknown> = {}): Claims {
  return { sub: "someone", role: "authenticated", ...rest, app_metadata: app } as Claims;
}

/** How many of the two events of A and the three of B a caller sees; `undefined` claims: never set. */
const callers: Readonly<Record<string, readonly [claims: Claims | string | undefined, a: number, b: number]>> = {
  "no claims": [undefined, 0, 0],
  "the empty string that a finished transaction leaves": ["", 0, 0],
  "JSON null": ["null", 0, 0],
  "a JSON list": ["[]", 0, 0],
  "an empty object": ["{}", 0, 0],
  "a viewer of A": [claims({ tenant_id: tenantA, audit_role: "viewer" }), 2, 0],
  "an auditor of B": [claims({ tenant_id: tenantB, audit_role: "auditor" }), 0, 3],
  "an admin of A in upper case": [claims({ tenant_id: tenantA.toUpperCase(), audit_role: "admin" }), 2, 0],
  "a viewer of both, by list": [claims({ tenant_ids: [tenantA, tenantB], audit_role: "viewer" }), 2, 3],
  "a viewer of one by name and of one by list": [claims({ tenant_id: tenantA, tenant_ids: [tenantB], audit_role: "viewer" }), 2, 3],
  "a viewer of A by a list with rubbish in it": [claims({ tenant_ids: ["*", null, 1, {}, tenantA, "{" + tenantB + "}"], audit_role: "viewer" }), 2, 0],
  "a viewer of nothing": [claims({ tenant_ids: [], audit_role: "viewer" }), 0, 0],
  "a viewer of a tenant that is not there": [claims({ tenant_id: "00000000-0000-4000-8000-000000000000", audit_role: "viewer" }), 0, 0],
  "a viewer whose list is a string": [claims({ tenant_ids: tenantA, audit_role: "viewer" }), 0, 0],
  "a viewer whose list is an object": [claims({ tenant_ids: { [tenantA]: tenantA }, audit_role: "viewer" }), 0, 0],
  "a viewer whose tenant is a list": [claims({ tenant_id: [tenantA], audit_role: "viewer" }), 0, 0],
  "somebody of A without a role": [claims({ tenant_id: tenantA }), 0, 0],
  "somebody of A with an unknown role": [claims({ tenant_id: tenantA, audit_role: "owner" }), 0, 0],
  "somebody of A whose role is a list": [claims({ tenant_id: tenantA, audit_role: ["viewer"] }), 0, 0],
  "somebody of A with an empty role": [claims({ tenant_id: tenantA, audit_role: "" }), 0, 0],
  "somebody whose app_metadata is a string": [`{"app_metadata":"${tenantA}"}`, 0, 0],
  "somebody who wrote himself user_metadata": [claims({}, { user_metadata: { tenant_id: tenantA, tenant_ids: [tenantA], audit_role: "admin" } }), 0, 0],
  "somebody with the claims one level too high": [claims({}, { tenant_id: tenantA, tenant_ids: [tenantA], audit_role: "admin" }), 0, 0],
  "somebody whose role alone is in user_metadata": [claims({ tenant_id: tenantA }, { user_metadata: { audit_role: "admin" } }), 0, 0],
};

export function describeIsolation(major: PostgresMajor): void {
  describe("row-level security", () => {
    const database = useDatabase(major);

    beforeAll(async () => {
      const rows = [newRow(), newRow(), ...Array.from({ length: 3 }, () => newRow({ tenant_id: tenantB, actor_id: canary, message: canary }))];
      await ingest(await database.as("audit_ingest"), rows);
    });

    it.each(Object.entries(callers))("shows %s what is theirs, without an error", async (_, [theirs, a, b]) => {
      const client = await database.as("authenticated", theirs);
      const { rows } = await client.query("select tenant_id, count(*)::int as events from audit_log.events group by 1");
      expect(Object.fromEntries(rows.map((row) => [row.tenant_id, row.events]))).toEqual({ ...a > 0 && { [tenantA]: a }, ...b > 0 && { [tenantB]: b } });
      const { rows: tenants } = await client.query("select id from audit_log.tenants order by id");
      expect(tenants.map((row) => row.id)).toEqual([...a > 0 ? [tenantA] : [], ...b > 0 ? [tenantB] : []]);
    });

    it("shows nothing for claims that are no JSON, but an error", async () => {
      expect(await outcomeOf(await database.as("authenticated", "no JSON"), "select id from audit_log.events")).toBe("22P02");
    });

    it("leaves nothing to the next transaction of the connection", async () => {
      const client = await database.as("authenticated");
      await client.query("begin");
      await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims({ tenant_id: tenantB, audit_role: "admin" }))]);
      expect(await valueOf(client, "select count(*)::int from audit_log.events")).toBe(3);
      await client.query("commit");
      expect(await valueOf(client, "select count(*)::int from audit_log.events")).toBe(0);
    });

    it("lets nobody read a partition past the table", async () => {
      const client = await database.as("authenticated", claims({ tenant_id: tenantA, audit_role: "admin" }));
      expect(await outcomeOf(client, "select id from audit_log.events_20260301")).toBe("42501");
    });

    it("never shows seq, whose gaps count other tenants' events", async () => {
      const client = await database.as("authenticated", claims({ tenant_id: tenantA, audit_role: "admin" }));
      for (const text of ["select seq from audit_log.events", "select * from audit_log.events", "select id from audit_log.events order by seq"]) {
        expect(await outcomeOf(client, text)).toBe("42501");
      }
    });

    it("holds in public.audit_events too, once it is granted", async () => {
      await (await database.login()).query("grant select on public.audit_events to authenticated");
      const client = await database.as("authenticated", claims({ tenant_id: tenantA, audit_role: "viewer" }));
      expect(await valueOf(client, "select count(*)::int from public.audit_events")).toBe(2);
      expect(await outcomeOf(client, "insert into public.audit_events (id) values (gen_random_uuid())")).toBe("42501");
      expect(await outcomeOf(await database.as("anon"), "select id from public.audit_events")).toBe("42501");
    });

    it("hides what the planner knows of other tenants' values", async () => {
      const admin = await database.admin();
      await admin.query("analyze audit_log.events");
      const text = `select count(*)::int from pg_stats where schemaname = 'audit_log' and (tablename = 'events' or tablename like 'events\\_%')`;
      expect(await valueOf(admin, `${text} and most_common_vals::text like '%${canary}%'`)).toBeGreaterThan(0);
      for (const role of ["anon", "authenticated", "service_role", "audit_ingest", "audit_job", "audit_owner"]) {
        const client = await database.as(role, claims({ tenant_id: tenantA, audit_role: "admin" }));
        expect([role, await valueOf(client, text)]).toEqual([role, 0]);
      }
    });

    it("asks for the claims once a query, not once a row", async () => {
      const client = await database.as("authenticated", claims({ tenant_id: tenantA, audit_role: "viewer" }));
      const { rows } = await client.query("explain (costs off) select id from audit_log.events where tenant_id = $1", [tenantA]);
      const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      expect(plan.match(/^ *InitPlan/gm)).toHaveLength(2);
      expect(plan).not.toMatch(/Filter:.*(tenant_ids\(\)|has_role\()/);
    });
  });

  describe("has_role()", () => {
    const database = useDatabase(major);

    it("includes the lower roles in the higher ones, and knows no other word", async () => {
      const held: Record<string, readonly boolean[]> = {};
      for (const role of ["viewer", "auditor", "admin", "nobody"]) {
        const client = await database.as("authenticated", claims({ audit_role: role }));
        const text =
          "select array_agg(audit_log.has_role(asked) order by place) from unnest(array['viewer', 'auditor', 'admin', 'nobody', null]) with ordinality as a (asked, place)";
        held[role] = await valueOf(client, text);
      }
      expect(held).toEqual({
        viewer: [true, false, false, false, false],
        auditor: [true, true, false, false, false],
        admin: [true, true, true, false, false],
        nobody: [false, false, false, false, false],
      });
    });
  });
}

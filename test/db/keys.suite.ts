import { describe, expect, it } from "vitest";
import type { Claims } from "../../core/caller.ts";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { sha256, tenantA, tenantB } from "./ingest-call.ts";
import { useDatabase, valueOf } from "./use-database.ts";

const create = "select audit_log.create_key($1, $2, $3, $4, $5, $6)";
const find = "select * from audit_log.find_key($1)";

function adminOf(tenantId: string, role = "admin"): Claims {
  return { app_metadata: { tenant_ids: [tenantId], audit_role: role } } as Claims;
}

export function describeKeys(major: PostgresMajor): void {
  describe("API keys", () => {
    const database = useDatabase(major);
    let made = 0;
    const key = (tenantId = tenantA) => [tenantId, `key${String(++made).padStart(9, "0")}`, sha256(`key ${made}`), "a key", ["ingest"], null] as unknown[];
    const withTenants = async () => {
      const job = await database.as("audit_job");
      for (const tenantId of [tenantA, tenantB]) await job.query("select audit_log.create_tenant($1, 'A tenant')", [tenantId]);
      return job;
    };

    it("are found by their hash, with expiry and revocation for the caller to judge", async () => {
      const [job, door] = [await withTenants(), await database.as("audit_ingest")];
      const values = key().with(4, ["read", "export"]).with(5, "2030-01-01T00:00:00Z");
      await job.query(create, values);
      const found = { id: values[1], tenant_id: tenantA, scopes: ["read", "export"], expires_at: new Date("2030-01-01T00:00:00Z"), revoked_at: null };
      expect((await door.query(find, [values[2]])).rows).toEqual([found]);
      expect(await valueOf(job, "select audit_log.revoke_key($1, $2)", [tenantA, values[1]])).toBe(true);
      const [revoked] = (await door.query(find, [values[2]])).rows;
      expect(revoked).toEqual({ ...found, revoked_at: expect.any(Date) });
      expect(await valueOf(job, "select audit_log.revoke_key($1, $2)", [tenantA, values[1]])).toBe(true);
      expect((await door.query(find, [values[2]])).rows).toEqual([revoked]);
    });

    it("are not found by another hash", async () => {
      expect((await (await database.as("audit_ingest")).query(find, [sha256("never made")])).rows).toEqual([]);
    });

    it("can be made and revoked by an admin of the tenant, and by no other user", async () => {
      const job = await withTenants();
      const [theirs, values] = [key(tenantB), key()];
      await job.query(create, theirs);
      const admin = await database.as("authenticated", adminOf(tenantA));
      await admin.query(create, values);
      expect(await valueOf(admin, "select audit_log.revoke_key($1, $2)", [tenantA, values[1]])).toBe(true);
      expect(await valueOf(admin, "select audit_log.revoke_key($1, $2)", [tenantA, theirs[1]])).toBe(false);
      for (const claims of [adminOf(tenantB), adminOf(tenantA, "auditor"), adminOf(tenantA, "viewer"), {}, undefined, ""]) {
        const other = await database.as("authenticated", claims);
        await expect(other.query(create, key())).rejects.toMatchObject({ code: "42501" });
        await expect(other.query("select audit_log.revoke_key($1, $2)", [tenantA, values[1]])).rejects.toMatchObject({ code: "42501" });
        await expect(other.query("select audit_log.create_tenant($1, 'Mine now')", [tenantA])).rejects.toMatchObject({ code: "42501" });
      }
      const text = "select revoked_at is null from audit_log.api_keys where id = $1";
      expect(await valueOf(await database.admin(), text, [theirs[1]])).toBe(true);
    });

    it("cannot be made or listed by the roles that have no business with them", async () => {
      for (const role of ["anon", "service_role", "audit_ingest"]) {
        await expect((await database.as(role, adminOf(tenantA))).query(create, key())).rejects.toMatchObject({ code: "42501" });
      }
      for (const role of ["anon", "service_role", "audit_ingest", "audit_job"]) {
        await expect((await database.as(role, adminOf(tenantA))).query("select id from audit_log.api_keys")).rejects.toMatchObject({ code: "42501" });
      }
    });

    it("are listed for admins of their tenant and nobody else, and their hashes for nobody", async () => {
      const job = await withTenants();
      const [ours, theirs] = [key(), key(tenantB)];
      for (const values of [ours, theirs]) await job.query(create, values);
      const listed = async (claims: Claims) =>
        (await (await database.as("authenticated", claims)).query("select id from audit_log.api_keys")).rows.map(({ id }) => id);
      expect(await listed(adminOf(tenantA))).toContain(ours[1]);
      expect(await listed(adminOf(tenantA))).not.toContain(theirs[1]);
      for (const claims of [adminOf(tenantA, "auditor"), adminOf(tenantA, "viewer"), {}]) expect(await listed(claims)).toEqual([]);
      const admin = await database.as("authenticated", adminOf(tenantA));
      await expect(admin.query("select key_hash from audit_log.api_keys")).rejects.toMatchObject({ code: "42501" });
    });

    it("make their tenant when it is new, and leave the name of one that is known", async () => {
      const [job, admin] = [await withTenants(), await database.admin()];
      const unknown = "00000000-0000-4000-8000-00000000000c";
      for (const tenantId of [tenantA, unknown]) await job.query(create, key(tenantId));
      const name = (tenantId: string) => valueOf(admin, "select name from audit_log.tenants where id = $1", [tenantId]);
      expect([await name(tenantA), await name(unknown)]).toEqual(["A tenant", unknown]);
    });

    it("are at most 1000 in use of a tenant; those that ended or were revoked do not count", async () => {
      const [job, admin] = [await withTenants(), await database.admin()];
      const tenantId = "00000000-0000-4000-8000-00000000000d";
      await job.query(create, key(tenantId));
      await admin.query(
        `insert into audit_log.api_keys (id, tenant_id, key_hash, name, scopes, expires_at)
        select 'full' || lpad(n::text, 8, '0'), $1, sha256(int4send(n)), 'one of many', '{read}', case when n > 1000 then now() - interval '1 day' end
        from generate_series(2, 1010) as n`,
        [tenantId],
      );
      await expect(job.query(create, key(tenantId))).rejects.toMatchObject({ code: "53400" });
      await job.query("select audit_log.revoke_key($1, 'full00000007')", [tenantId]);
      await job.query(create, key(tenantId));
    });

    it("note when they were last used, at most once a minute", async () => {
      const [job, door, admin] = [await withTenants(), await database.as("audit_ingest"), await database.admin()];
      const values = key();
      await job.query(create, values);
      const seen: unknown[] = [];
      for (const time of ["12:00:00", "12:00:59", "12:01:00", "11:00:00"]) {
        await door.query("select audit_log.touch_key($1, $2)", [values[1], `2026-11-22T${time}Z`]);
        seen.push(await valueOf(admin, "select to_char(last_used_at at time zone 'UTC', 'HH24:MI:SS') from audit_log.api_keys where id = $1", [values[1]]));
      }
      expect(seen).toEqual(["12:00:00", "12:00:00", "12:01:00", "12:01:00"]);
    });

    it("are refused when they are not what they should be", async () => {
      const job = await withTenants();
      for (
        const [constraint, change] of [
          ["api_key_id_is_12_lower_case_letters_or_digits", [1, "short"]],
          ["api_key_hash_is_a_sha256", [2, Buffer.alloc(31)]],
          ["api_key_name_is_1_to_255_bytes", [3, "ä".repeat(128)]],
          ["api_key_has_known_scopes", [4, ["ingest", "all"]]],
          ["api_key_has_known_scopes", [4, []]],
        ] as const
      ) {
        await expect(job.query(create, key().with(change[0], change[1]))).rejects.toMatchObject({ constraint });
      }
    });
  });

  describe("create_tenant()", () => {
    const database = useDatabase(major);

    it("creates a tenant, and renames it when it is there", async () => {
      const job = await database.as("audit_job");
      const names = [];
      for (const name of ["Acme", "Acme GmbH", "Acme GmbH"]) {
        await job.query("select audit_log.create_tenant($1, $2)", [tenantA, name]);
        names.push(await valueOf(job, "select name from audit_log.tenants where id = $1", [tenantA]));
      }
      expect(names).toEqual(["Acme", "Acme GmbH", "Acme GmbH"]);
    });

    it("refuses a name of no byte and one of 256", async () => {
      const job = await database.as("audit_job");
      for (const name of ["", "x".repeat(256)]) {
        await expect(job.query("select audit_log.create_tenant($1, $2)", [tenantB, name])).rejects.toMatchObject({
          constraint: "tenant_name_is_1_to_255_bytes",
        });
      }
    });
  });
}

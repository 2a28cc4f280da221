import type pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import type { PostgresMajor } from "../../scripts/stack/postgres-binaries.ts";
import { allowed } from "./privileges.ts";
import { useDatabase, valueOf } from "./use-database.ts";

/** `public` stands for any role at all. */
const roles = ["public", "anon", "authenticated", "service_role", "audit_ingest", "audit_job", "audit_owner"] as const;

const tablePrivileges = ["select", "insert", "update", "delete", "truncate", "references", "trigger"];

/**
 * What each role may do with each object that the catalogue has, by grants, memberships and ownership together. A privilege on columns names
 * them, or those that are left out.
 */
const privilegesSql = `
  with objects as (
    select c.oid, case relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind, format('%s.%s', nspname, relname) as name
    from pg_class as c join pg_namespace as n on n.oid = relnamespace
    where relkind in ('r', 'p', 'v', 'm', 'S', 'f') and (relnamespace = 'audit_log'::regnamespace or c.oid = to_regclass('public.audit_events'))
  ),
  on_relations as (
    select kind || ' ' || name as object, role, privilege,
      case when kind = 'sequence' then has_sequence_privilege(role, oid, privilege) else has_table_privilege(role, oid, privilege) end as whole,
      case when kind <> 'sequence' and privilege in ('select', 'insert', 'update', 'references') then
        (select array_agg(attname::text order by attnum) from pg_attribute where attrelid = oid and attnum > 0 and not attisdropped and has_column_privilege(role, oid, attnum, privilege))
      end as columns,
      (select array_agg(attname::text order by attnum) from pg_attribute where attrelid = oid and attnum > 0 and not attisdropped) as all_columns
    from objects cross join unnest($1::text[]) as role
    cross join lateral unnest(case when kind = 'sequence' then array['usage', 'select', 'update'] else $2::text[] end) as privilege
  ),
  held as (
    select object, role, case
      when whole then privilege
      when columns is null then null
      when cardinality(columns) * 2 > cardinality(all_columns)
        then format('%s(all but %s)', privilege, array_to_string(array(select unnest(all_columns) except select unnest(columns) order by 1), ', '))
      else format('%s(%s)', privilege, array_to_string(columns, ', ')) end as privilege
    from on_relations
    union all
    select 'function ' || oid::regproc, role, case when has_function_privilege(role, oid, 'execute') then 'execute' end
    from pg_proc cross join unnest($1::text[]) as role where pronamespace = 'audit_log'::regnamespace
    union all
    select 'schema ' || nspname, role, case when has_schema_privilege(role, oid, privilege) then privilege end
    from pg_namespace cross join unnest($1::text[]) as role cross join unnest(array['usage', 'create']) as privilege where nspname = 'audit_log'
  )
  select object, role, string_agg(privilege, ', ' order by privilege) as privileges from held group by object, role`;

async function privilegesOf(client: pg.Client): Promise<Record<string, Record<string, string>>> {
  const maintain = await valueOf<boolean>(client, "select current_setting('server_version_num')::int >= 170000");
  const { rows } = await client.query(privilegesSql, [roles, maintain ? [...tablePrivileges, "maintain"] : tablePrivileges]);
  const table: Record<string, Record<string, string>> = {};
  for (const { object, role, privileges } of rows) {
    const held = table[object] ??= {};
    if (privileges !== null) held[role] = privileges;
  }
  return table;
}

export function describePrivileges(major: PostgresMajor): void {
  describe("privileges", () => {
    const database = useDatabase(major);

    beforeAll(async () => {
      const admin = await database.admin();
      await admin.query("select audit_log.ensure_partitions('2026-03-01', '2026-03-02')");
      await admin.query("alter table audit_log.events detach partition audit_log.events_20260302");
    });

    it("are those of the list, on every object that the catalogue has, for every role", async () => {
      expect(await privilegesOf(await database.admin())).toEqual(allowed);
    });

    it("are seen by this test when somebody grants one too many", async () => {
      const admin = await database.admin();
      await admin.query("begin; grant delete on audit_log.events_20260302 to service_role; grant update (message) on audit_log.events to audit_ingest");
      const found = await privilegesOf(admin);
      await admin.query("rollback");
      expect(found["table audit_log.events_20260302"]).toEqual({ service_role: "delete" });
      expect(found["table audit_log.events"]).toMatchObject({ audit_ingest: "update(message)" });
    });

    it("hold for functions whose search_path is empty, and that run as audit_owner when they run as another", async () => {
      const { rows } = await (await database.admin()).query(`
        select oid::regprocedure::text as name from pg_proc
        where pronamespace = 'audit_log'::regnamespace
          and (proowner <> 'audit_owner'::regrole or not coalesce('search_path=""' = any (proconfig), false))`);
      expect(rows).toEqual([]);
    });

    it("stand beside row-level security, forced, on every table and partition", async () => {
      const { rows } = await (await database.admin()).query(`
        select oid::regclass::text as name from pg_class
        where relnamespace = 'audit_log'::regnamespace and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)`);
      expect(rows).toEqual([]);
    });

    it("are explained: every table, column and function has a comment", async () => {
      const { rows } = await (await database.admin()).query(`
        select oid::regclass::text as name from pg_class where relnamespace = 'audit_log'::regnamespace and relkind in ('r', 'p', 'S', 'v')
          and obj_description(oid, 'pg_class') is null and not relispartition and relname !~ '^events_\\d+$'
        union all
        select oid::regprocedure::text from pg_proc where pronamespace = 'audit_log'::regnamespace and obj_description(oid, 'pg_proc') is null
        union all
        select attrelid::regclass || '.' || attname from pg_attribute join pg_class as c on c.oid = attrelid
        where relnamespace = 'audit_log'::regnamespace and relkind in ('r', 'p') and attnum > 0 and not attisdropped and col_description(attrelid, attnum) is null`);
      expect(rows).toEqual([]);
    });

    it("leave the roles without login, superuser or BYPASSRLS, and none of them a member of another", async () => {
      const { rows } = await (await database.admin()).query(`
        select rolname from pg_roles as r where rolname like 'audit\\_%'
          and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole or exists (select from pg_auth_members where member = r.oid))`);
      expect(rows).toEqual([]);
    });
  });
}

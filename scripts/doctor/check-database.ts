import type pg from "pg";
import type { Migration } from "../stack/migrate.ts";
import { finder, type Finding } from "./finding.ts";
import { isReadable } from "./is-readable.ts";

const oldestMajor = 15;

type Catalogue = {
  readonly version: number;
  readonly may_create_roles: boolean;
  readonly schema_owner: string | null;
  readonly has_supa_audit: boolean;
  /** What stands at public.audit_events: a view on our events, something else, or nothing. */
  readonly view: "ours" | "theirs" | null;
};

const catalogueSql = `
  select current_setting('server_version_num')::integer as version,
    (select r.rolcreaterole or r.rolsuper from pg_roles as r where r.rolname = current_user) as may_create_roles,
    (select pg_get_userbyid(n.nspowner) from pg_namespace as n where n.nspname = 'audit_log') as schema_owner,
    to_regnamespace('audit') is not null as has_supa_audit,
    (select case when c.relkind = 'v' and pg_get_viewdef(c.oid) like '%audit_log.events%' then 'ours' else 'theirs' end
      from pg_class as c where c.oid = to_regclass('public.audit_events')) as view`;

/** The server, the login, and what is there already: names that others have taken, and which of `migrations` are due. */
export async function checkDatabase(client: pg.Client, migrations: readonly Migration[]): Promise<readonly Finding[]> {
  const { ok, fault } = finder("database");
  const { rows: [found] } = await client.query<Catalogue>(catalogueSql);
  if (found === undefined) throw new Error("read catalogue: no row came back");
  const major = Math.floor(found.version / 10_000);
  return [
    major < oldestMajor ? fault(`PostgreSQL ${major}: is older than ${oldestMajor}`, "upgrade the project") : ok(`PostgreSQL ${major}`),
    ...checkNames(found),
    ...await checkMigrations(client, found, migrations),
  ];
}

function checkNames(found: Catalogue): readonly Finding[] {
  const { ok, fault, warning } = finder("names");
  const findings: Finding[] = [];
  if (found.schema_owner !== null && found.schema_owner !== "audit_owner") {
    findings.push(fault(`the schema audit_log belongs to ${found.schema_owner}: it is not ours`, "rename it: alter schema audit_log rename to …"));
  }
  if (found.view === "theirs") findings.push(warning("public.audit_events is the project's own: it stays, and our view of that name is not made"));
  if (found.has_supa_audit) findings.push(ok("a schema audit is there, such as supa_audit's: ours is audit_log, both can stay"));
  return findings.length > 0 ? findings : [ok("audit_log and public.audit_events are free or ours")];
}

async function checkMigrations(client: pg.Client, found: Catalogue, migrations: readonly Migration[]): Promise<readonly Finding[]> {
  const { ok, pending, fault } = finder("migrations");
  if (!found.may_create_roles && found.schema_owner === null) return [fault("the login may not create roles, which the first one does", "log in as postgres")];
  const record = await isReadable(client, "supabase_migrations", "schema_migrations")
    ? (await client.query<{ version: string; name: string | null }>("select version, name from supabase_migrations.schema_migrations")).rows
    : [];
  // A project that `init` added them to has them under versions of its own and a longer name.
  const isApplied = ({ version, name }: Migration) => record.some((row) => row.version === version || row.name === `audit_log_${name}`);
  const due = migrations.filter((migration) => !isApplied(migration));
  return [
    due.length === 0 ? ok(`all ${migrations.length} are applied`) : pending(`${due.length} of ${migrations.length} are to be applied`, "deploy applies them"),
  ];
}

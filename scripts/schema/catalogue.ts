/** `grant … on …` lines of one object: every grantee, the owner too, because what an owner has given up matters here. */
function grantsOf(object: string, acl: string): string {
  return `(
    select string_agg(format(E'\\ngrant %s on %s to %s;', privileges, ${object}, grantee), '' order by grantee collate "C")
    from (
      select coalesce(nullif(grantee, 0)::regrole::text, 'public') as grantee,
        string_agg(lower(privilege_type) || case when is_grantable then ' with grant option' else '' end, ', ' order by privilege_type collate "C") as privileges
      from aclexplode(${acl})
      where privilege_type <> 'MAINTAIN'
      group by 1
    ) as granted
  )`;
}

/** `comment on …` of one object, or null. */
function commentOf(object: string, description: string): string {
  return `(select format(E'\\ncomment on %s is %L;', ${object}, d) from (select ${description}) as described (d) where d is not null)`;
}

/** Our roles, what they may not do, and who may become them. */
export const rolesSql = `
  select format('create role %s %s;', rolname, concat_ws(' ',
      case when rolcanlogin then 'login' else 'nologin' end, case when rolsuper then 'superuser' end, case when rolcreaterole then 'createrole' end,
      case when rolcreatedb then 'createdb' end, case when rolreplication then 'replication' end, case when rolbypassrls then 'bypassrls' end))
    || coalesce((
      select string_agg(format(E'\\ngrant %s to %s;', rolname, member), '' order by member collate "C")
      from (select distinct member::regrole::text as member from pg_auth_members where roleid = r.oid) as members
    ), '')
    || coalesce((
      select string_agg(format(E'\\ngrant %s to %s;', other, rolname), '' order by other collate "C")
      from (select distinct roleid::regrole::text as other from pg_auth_members where member = r.oid) as groups
    ), '') as definition
  from pg_roles as r
  where rolname in ('audit_owner', 'audit_ingest', 'audit_job')
  order by rolname collate "C"`;

/** The schema with its default privileges. */
export const schemasSql = `
  select format('create schema %I authorization %s;', nspname, nspowner::regrole)
    || coalesce(${commentOf("'schema ' || quote_ident(nspname)", "obj_description(n.oid, 'pg_namespace')")}, '')
    || coalesce(${grantsOf("'schema ' || quote_ident(nspname)", "coalesce(nspacl, acldefault('n', nspowner))")}, '')
    || coalesce((
      select string_agg(format(E'\\n-- default privileges of %s for objects of type %s: %s', defaclrole::regrole, defaclobjtype, defaclacl), '')
      from pg_default_acl where defaclnamespace = n.oid
    ), '') as definition
  from pg_namespace as n
  where nspname = $1`;

const columnSql = `
  format('  %I %s', attname, format_type(atttypid, atttypmod))
    || case when attcollation <> typcollation then format(' collate %s', attcollation::regcollation) else '' end
    || case when attstorage <> typstorage then format(' storage %s', case attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end) else '' end
    || case when attnotnull then ' not null' else '' end
    || coalesce((select format(case attgenerated when 's' then ' generated always as (%s) stored' else ' default %s' end, pg_get_expr(adbin, adrelid))
      from pg_attrdef where adrelid = attrelid and adnum = attnum), '')`;

/**
 * A view's text differs in how names are qualified from version to version: what cannot differ is printed, its columns and what they depend on.
 */
const bodySql = `
  case relkind
    when 'S' then (select format(' as %s increment %s minvalue %s start %s cache %s%s', seqtypid::regtype, seqincrement, seqmin, seqstart, seqcache, case when seqcycle then ' cycle' else '' end)
      from pg_sequence where seqrelid = c.oid)
    when 'v' then ' as ' || regexp_replace(pg_get_viewdef(c.oid), '\\m(events|audit_log\\.events)\\.(?=\\w)', '', 'g')
    else format(E' (\\n%s\\n)', (
      select string_agg(line, E',\\n' order by place, line collate "C") from (
        select attnum::integer as place, ${columnSql} as line
        from pg_attribute join pg_type on pg_type.oid = atttypid where attrelid = c.oid and attnum > 0 and not attisdropped
        union all
        select 10000, format('  constraint %I %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conrelid = c.oid and contype not in ('n', 't')
      ) as body
    ))
  end`;

const kindSql = "case relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end";

/** The relations that are printed: all of the schema but partitions, the sample, and the view in `public`. Indexes come with their tables. */
const printedSql = `
  relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    and (
      (relnamespace = $1::regnamespace and (not relispartition or relname = $2))
      or c.oid = to_regclass('public.audit_events')
    )`;

/** Tables, views and sequences with columns, constraints, indexes, comments, row-level security and grants. */
export const relationsSql = `
  select format('create %s %s%s', ${kindSql}, c.oid::regclass, ${bodySql})
    || case when relkind = 'p' then format(' partition by %s', pg_get_partkeydef(c.oid)) else '' end
    || case when reloptions is not null then format(E'\\n-- with (%s)', array_to_string(reloptions, ', ')) else '' end || ';'
    || case when relispartition then format(E'\\nalter table %s attach partition %s %s;', (select inhparent::regclass from pg_inherits where inhrelid = c.oid), c.oid::regclass, pg_get_expr(relpartbound, c.oid)) else '' end
    || format(E'\\nalter %s %s owner to %s;', ${kindSql}, c.oid::regclass, relowner::regrole)
    || case when relrowsecurity then format(E'\\nalter table %s enable row level security;', c.oid::regclass) else '' end
    || case when relforcerowsecurity then format(E'\\nalter table %s force row level security;', c.oid::regclass) else '' end
    || coalesce((
      select string_agg(format(E'\\n%s;', pg_get_indexdef(indexrelid)), '' order by indexrelid::regclass::text collate "C")
      from pg_index where indrelid = c.oid and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))
    ), '')
    || coalesce(${commentOf(`${kindSql} || ' ' || c.oid::regclass`, "obj_description(c.oid, 'pg_class')")}, '')
    || coalesce((
      select string_agg(format(E'\\ncomment on column %s.%I is %L;', c.oid::regclass, attname, col_description(c.oid, attnum)), '' order by attnum)
      from pg_attribute where attrelid = c.oid and attnum > 0 and col_description(c.oid, attnum) is not null
    ), '')
    || coalesce(${
  grantsOf(`${kindSql} || ' ' || c.oid::regclass`, "coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::\"char\", relowner))")
}, '')
    || coalesce((
      select string_agg(format(E'\\ngrant %s (%s) on %s to %s;', privilege, columns, c.oid::regclass, grantee), '' order by privilege, grantee collate "C")
      from (
        select lower(privilege_type) as privilege, coalesce(nullif(grantee, 0)::regrole::text, 'public') as grantee, string_agg(attname, ', ' order by attnum) as columns
        from pg_attribute cross join aclexplode(attacl) where attrelid = c.oid and not attisdropped group by 1, 2
      ) as granted
    ), '') as definition
  from pg_class as c
  where ${printedSql}
  order by c.oid::regclass::text collate "C"`;

/** Policies and triggers of the printed relations, one block a relation. */
export const triggerAndPolicySql = `
  select format('-- on %s', c.oid::regclass)
    || coalesce((
      select string_agg(format(E'\\ncreate policy %I on %s%s for %s to %s%s%s;', polname, c.oid::regclass, case when polpermissive then '' else ' as restrictive' end,
        case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select string_agg(coalesce(nullif(role, 0)::regrole::text, 'public'), ', ' order by role::regrole::text collate "C") from unnest(polroles) as role),
        coalesce(E'\\n  using ' || pg_get_expr(polqual, polrelid), ''), coalesce(E'\\n  with check ' || pg_get_expr(polwithcheck, polrelid), '')
      ), '' order by polname collate "C")
      from pg_policy where polrelid = c.oid
    ), '')
    || coalesce((
      select string_agg(format(E'\\n%s; -- %s', pg_get_triggerdef(oid),
        case tgenabled when 'A' then 'always' when 'O' then 'origin' when 'R' then 'replica' else 'disabled' end), '' order by tgname collate "C")
      from pg_trigger where tgrelid = c.oid and not tgisinternal
    ), '') as definition
  from pg_class as c
  where ${printedSql} and (exists (select from pg_policy where polrelid = c.oid) or exists (select from pg_trigger where tgrelid = c.oid and not tgisinternal))
  order by c.oid::regclass::text collate "C"`;

/** Functions with their bodies. */
export const functionsSql = `
  select pg_get_functiondef(p.oid) || format(E';\\nalter function %s owner to %s;', p.oid::regprocedure, proowner::regrole)
    || coalesce(${commentOf("'function ' || p.oid::regprocedure", "obj_description(p.oid, 'pg_proc')")}, '')
    || coalesce(${grantsOf("'function ' || p.oid::regprocedure", "coalesce(proacl, acldefault('f', proowner))")}, '') as definition
  from pg_proc as p
  where pronamespace = $1::regnamespace
  order by p.oid::regprocedure::text collate "C"`;

-- Supabase's roles, schemas and auth functions, as far as our migrations can see them: what a hosted project has before its first migration.
-- Runs as the superuser, once per database, and may run again. Roles belong to the whole cluster, the rest to one database.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role', 'authenticator', 'postgres'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      execute pg_catalog.format('create role %I', wanted);
    end if;
  end loop;
end
$$;

alter role anon nologin inherit;
alter role authenticated nologin inherit;
alter role service_role nologin inherit bypassrls;
alter role authenticator login noinherit;
-- As on hosted projects: it makes roles and databases and bypasses row-level security, but it is no superuser.
alter role postgres login createrole createdb replication bypassrls;
alter role postgres set search_path to "$user", public, extensions;
grant anon, authenticated, service_role to authenticator, postgres;

do $$
begin
  execute pg_catalog.format('alter database %I owner to postgres', pg_catalog.current_database());
end
$$;

grant usage on schema public to anon, authenticated, service_role;
-- Projects made before 30 October 2026 have these default grants: with them, a migration that forgets a revoke in public shows.
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;

create schema if not exists extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;

create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role, postgres;

-- A setting that was never set is null; one that a finished transaction had set is '': both mean "no claims".
create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(nullif(pg_catalog.current_setting('request.jwt.claims', true), ''), '{}')::jsonb
$$;
create or replace function auth.uid() returns uuid language sql stable as $$
  select nullif(auth.jwt() ->> 'sub', '')::uuid
$$;
create or replace function auth.role() returns text language sql stable as $$
  select nullif(auth.jwt() ->> 'role', '')
$$;

-- Purpose: who the caller is to row-level security, and the tenants whose events are kept.
-- Locks: none; everything here is new.

-- The tenants of the caller, from `app_metadata` alone: users can edit their own `user_metadata`. No claims, an empty string (what a
-- transaction-local setting leaves behind), a list of the wrong type, or an entry that is no UUID give no tenant; claims that are no JSON are an error.
create function audit_log.tenant_ids() returns uuid[]
language sql stable parallel safe set search_path = ''
as $$
  select coalesce(array_agg(listed.tenant_id::uuid), '{}')
  from (
    select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' as app
  ) as claims
  cross join lateral (
    select claims.app ->> 'tenant_id' as tenant_id
    union
    select element.value
    from jsonb_array_elements_text(
      case when jsonb_typeof(claims.app -> 'tenant_ids') = 'array' then claims.app -> 'tenant_ids' else '[]' end
    ) as element (value)
  ) as listed
  where listed.tenant_id ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$'
$$;
alter function audit_log.tenant_ids() owner to audit_owner;
comment on function audit_log.tenant_ids() is
  'Tenants that the caller''s claims name in app_metadata.tenant_id or app_metadata.tenant_ids; empty when there are none. In policies: (select audit_log.tenant_ids()), so that it runs once a query.';

-- Each role includes the ones before it. A word that is no role, on either side, is false.
create function audit_log.has_role(p_role text) returns boolean
language sql stable parallel safe set search_path = ''
as $$
  select coalesce(
    array_position(array['viewer', 'auditor', 'admin'], p_role)
      <= array_position(
        array['viewer', 'auditor', 'admin'],
        nullif(current_setting('request.jwt.claims', true), '')::jsonb #>> '{app_metadata,audit_role}'
      ),
    false
  )
$$;
alter function audit_log.has_role(text) owner to audit_owner;
comment on function audit_log.has_role(text) is
  'True when the caller''s claims carry the role p_role or a higher one in app_metadata.audit_role: viewer < auditor < admin.';

revoke all on function audit_log.tenant_ids(), audit_log.has_role(text) from public;
grant execute on function audit_log.tenant_ids(), audit_log.has_role(text) to authenticated;

create table audit_log.tenants (
  id uuid not null,
  name text not null,
  created_at timestamptz not null default now(),
  constraint tenants_are_named_by_id primary key (id),
  constraint tenant_name_is_1_to_255_bytes check (octet_length(name) between 1 and 255)
);
alter table audit_log.tenants owner to audit_owner;
comment on table audit_log.tenants is 'Customers whose events are kept: the isolation boundary. Events do not reference it by a foreign key.';
comment on column audit_log.tenants.id is 'The tenant''s UUID, chosen by whoever creates it.';
comment on column audit_log.tenants.name is 'What people call the tenant; its id as text when a batch of events created it.';
comment on column audit_log.tenants.created_at is 'When the tenant was first known here.';

alter table audit_log.tenants enable row level security;
alter table audit_log.tenants force row level security;
create policy "functions of audit_owner read every tenant" on audit_log.tenants
  for select to audit_owner using (true);
create policy "functions of audit_owner create tenants" on audit_log.tenants
  for insert to audit_owner with check (true);
create policy "functions of audit_owner rename tenants" on audit_log.tenants
  for update to audit_owner using (true) with check (true);
create policy "jobs read every tenant" on audit_log.tenants
  for select to audit_job using (true);
create policy "viewers read their own tenants" on audit_log.tenants
  for select to authenticated
  using (id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer')));

revoke all on table audit_log.tenants from public, audit_owner;
grant select, insert, update, references on table audit_log.tenants to audit_owner;
grant select on table audit_log.tenants to audit_job, authenticated;

-- Whoever may act as audit_job may administer every tenant; a user only a tenant of whose claims he is admin. Inside a definer function
-- `current_user` is the owner, so the caller is the role that was set, or else the login.
create function audit_log.may_administer(p_tenant_id uuid) returns boolean
language sql stable set search_path = ''
as $$
  select pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user), 'audit_job', 'member')
    or (audit_log.has_role('admin') and coalesce(p_tenant_id = any (audit_log.tenant_ids()), false))
$$;
alter function audit_log.may_administer(uuid) owner to audit_owner;
comment on function audit_log.may_administer(uuid) is
  'True when the caller is a job, or claims to be admin of that tenant. For security-definer functions to ask; nobody else may execute it.';
revoke all on function audit_log.may_administer(uuid) from public;

create function audit_log.create_tenant(p_id uuid, p_name text) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if not audit_log.may_administer(p_id) then
    raise exception 'create tenant: caller is not admin of it' using errcode = 'insufficient_privilege';
  end if;
  insert into audit_log.tenants as t (id, name) values (p_id, p_name)
  on conflict (id) do update set name = excluded.name where t.name <> excluded.name;
end
$$;
alter function audit_log.create_tenant(uuid, text) owner to audit_owner;
comment on function audit_log.create_tenant(uuid, text) is 'Creates a tenant, or renames the one that has this id.';
revoke all on function audit_log.create_tenant(uuid, text) from public;
grant execute on function audit_log.create_tenant(uuid, text) to audit_job, authenticated;

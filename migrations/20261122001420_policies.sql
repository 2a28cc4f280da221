-- Purpose: how long each tenant's events are kept.
-- Locks: none on what exists. Later, changing a tenant's policy locks the rows of its archives.

create table audit_log.retention_policies (
  tenant_id uuid not null,
  retention_years integer,
  changed_by text not null,
  changed_at timestamptz not null default now(),
  constraint policies_are_one_per_tenant primary key (tenant_id),
  constraint retention_is_1_to_100_years check (retention_years between 1 and 100)
);
alter table audit_log.retention_policies owner to audit_owner;
comment on table audit_log.retention_policies is 'How long a tenant''s events are kept, where that was ever set; each change is also an event of the tenant''s log.';
comment on column audit_log.retention_policies.tenant_id is 'Whose events.';
comment on column audit_log.retention_policies.retention_years is 'Years after the end of a day before its archive expires; null: as long as the deployment says.';
comment on column audit_log.retention_policies.changed_by is 'Principal that set it last.';
comment on column audit_log.retention_policies.changed_at is 'When that was.';

alter table audit_log.retention_policies enable row level security;
alter table audit_log.retention_policies force row level security;
create policy "functions of audit_owner set policies" on audit_log.retention_policies for all to audit_owner using (true) with check (true);
create policy "jobs read every policy" on audit_log.retention_policies for select to audit_job using (true);
create policy "viewers read policies of their own tenants" on audit_log.retention_policies for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer')));
revoke all on table audit_log.retention_policies from public, audit_owner;
grant select, insert, update on table audit_log.retention_policies to audit_owner;
grant select on table audit_log.retention_policies to audit_job, authenticated;

create or replace function audit_log.archive_expiry(p_tenant_id uuid, p_day date, p_default_years integer) returns timestamptz
language sql stable security definer set search_path = ''
as $$
  select ((p_day + 1) + make_interval(
    years => coalesce((select p.retention_years from audit_log.retention_policies as p where p.tenant_id = p_tenant_id), p_default_years)
  ))::timestamp at time zone 'UTC'
$$;
comment on function audit_log.archive_expiry(uuid, date, integer) is
  'When a tenant''s day has been kept long enough: as many years after its end as the tenant''s policy says, or p_default_years where there is none.';

create function audit_log.set_retention(p_tenant_id uuid, p_years integer, p_default_years integer, p_changed_by text)
returns table (was_years integer, archives bigint)
language plpgsql security definer set search_path = ''
as $$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'set retention: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  -- Against expiry: an archive is judged by the policy before or the one after, and its date agrees with it.
  perform audit_log.lock_holds(p_tenant_id);
  was_years := (select p.retention_years from audit_log.retention_policies as p where p.tenant_id = p_tenant_id);
  insert into audit_log.retention_policies as p (tenant_id, retention_years, changed_by) values (p_tenant_id, p_years, p_changed_by)
  on conflict (tenant_id) do update set retention_years = excluded.retention_years, changed_by = excluded.changed_by, changed_at = excluded.changed_at;
  update audit_log.archives as a set expires_at = audit_log.archive_expiry(a.tenant_id, a.day, p_default_years)
  where a.tenant_id = p_tenant_id and a.state in ('archived', 'restored');
  get diagnostics archives = row_count;
  return next;
end
$$;
alter function audit_log.set_retention(uuid, integer, integer, text) owner to audit_owner;
comment on function audit_log.set_retention(uuid, integer, integer, text) is
  'Sets how many years the tenant''s events are kept, null for the deployment''s default, and moves the expiry of its archives with it: what it was before, and how many archives.';
revoke all on function audit_log.set_retention(uuid, integer, integer, text) from public;
grant execute on function audit_log.set_retention(uuid, integer, integer, text) to audit_job, authenticated;

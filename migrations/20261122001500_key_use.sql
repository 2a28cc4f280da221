-- Purpose: when an API key was last used, admins who see the keys of their tenants, and bounds on how many there are.
-- Locks: ACCESS EXCLUSIVE on api_keys for a moment; the new column is null, so nothing is rewritten.

alter table audit_log.api_keys add column last_used_at timestamptz;
comment on column audit_log.api_keys.last_used_at is 'When it was last used, to a minute; it never was, when null.';
grant update (last_used_at) on table audit_log.api_keys to audit_owner;

-- All but key_hash: not even an admin has a use for it.
create policy "admins read the keys of their own tenants" on audit_log.api_keys
  for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('admin')));
grant select (id, tenant_id, name, scopes, created_at, expires_at, last_used_at, revoked_at) on table audit_log.api_keys to authenticated;
create index api_keys_by_tenant_and_age on audit_log.api_keys (tenant_id, created_at, id);
-- Keys are few, the new index stands already, and CONCURRENTLY does not run in a transaction.
-- squawk-ignore require-concurrent-index-deletion
drop index audit_log.api_keys_by_tenant;

create or replace function audit_log.create_key(p_tenant_id uuid, p_id text, p_key_hash bytea, p_name text, p_scopes text[], p_expires_at timestamptz) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'create key: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  -- Like a batch of events, a key makes a tenant that is not known yet.
  insert into audit_log.tenants (id, name) values (p_tenant_id, p_tenant_id::text) on conflict (id) do nothing;
  -- Two creations wait for each other, or together they could pass the bound. Weaker than what a delete takes: foreign keys do not wait.
  perform from audit_log.tenants as t where t.id = p_tenant_id for no key update;
  if (
    select count(*) >= 1000 from audit_log.api_keys as k
    where k.tenant_id = p_tenant_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  ) then
    raise exception 'create key: the tenant has 1000 keys in use' using errcode = 'configuration_limit_exceeded';
  end if;
  insert into audit_log.api_keys (id, tenant_id, key_hash, name, scopes, expires_at)
  values (p_id, p_tenant_id, p_key_hash, p_name, p_scopes, p_expires_at);
end
$$;
comment on function audit_log.create_key(uuid, text, bytea, text, text[], timestamptz) is
  'Records a new key by its hash, and its tenant when that is new; at most 1000 keys of a tenant are in use. For jobs, and for admins of the tenant.';

create function audit_log.touch_key(p_id text, p_used_at timestamptz) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  -- A lost minute is no loss: whoever was called does not wait for the disk on account of this.
  perform set_config('synchronous_commit', 'off', true);
  update audit_log.api_keys as k set last_used_at = p_used_at
  where k.id = (
    select t.id from audit_log.api_keys as t
    where t.id = p_id and (t.last_used_at is null or t.last_used_at <= p_used_at - interval '1 minute')
    -- Another process is writing the same minute.
    for no key update skip locked
  );
end
$$;
alter function audit_log.touch_key(text, timestamptz) owner to audit_owner;
comment on function audit_log.touch_key(text, timestamptz) is 'Notes that a key was used; at most once a minute, whatever the number of processes.';
revoke all on function audit_log.touch_key(text, timestamptz) from public;
grant execute on function audit_log.touch_key(text, timestamptz) to audit_ingest;

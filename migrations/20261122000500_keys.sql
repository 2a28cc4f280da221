-- Purpose: API keys, of which only the SHA-256 is kept.
-- Locks: none; everything here is new.

create table audit_log.api_keys (
  id text not null,
  tenant_id uuid not null,
  key_hash bytea not null,
  name text not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint api_keys_are_named_by_id primary key (id),
  constraint api_keys_are_found_by_hash unique (key_hash),
  constraint api_key_belongs_to_a_tenant foreign key (tenant_id) references audit_log.tenants (id),
  constraint api_key_id_is_12_lower_case_letters_or_digits check (id ~ '^[0-9a-z]{12}$'),
  constraint api_key_hash_is_a_sha256 check (octet_length(key_hash) = 32),
  constraint api_key_name_is_1_to_255_bytes check (octet_length(name) between 1 and 255),
  constraint api_key_has_known_scopes check (cardinality(scopes) > 0 and scopes <@ array['ingest', 'read', 'export', 'admin'])
);
alter table audit_log.api_keys owner to audit_owner;
comment on table audit_log.api_keys is 'Keys of programs, each for one tenant. A key is shown once, when it is made; here is only its hash.';
comment on column audit_log.api_keys.id is 'The part of the key between aud_ and the secret; the principal is key:<id>.';
comment on column audit_log.api_keys.tenant_id is 'The one tenant that the key opens.';
comment on column audit_log.api_keys.key_hash is 'SHA-256 of the whole key.';
comment on column audit_log.api_keys.name is 'What people call the key.';
comment on column audit_log.api_keys.scopes is 'What it allows: ingest, read, export, admin.';
comment on column audit_log.api_keys.created_at is 'When it was made.';
comment on column audit_log.api_keys.expires_at is 'When it ends; never, when null.';
comment on column audit_log.api_keys.revoked_at is 'When it was revoked; it is not, when null.';
create index api_keys_by_tenant on audit_log.api_keys (tenant_id);

alter table audit_log.api_keys enable row level security;
alter table audit_log.api_keys force row level security;
create policy "functions of audit_owner find every key" on audit_log.api_keys
  for select to audit_owner using (true);
create policy "functions of audit_owner create keys" on audit_log.api_keys
  for insert to audit_owner with check (true);
create policy "functions of audit_owner revoke keys" on audit_log.api_keys
  for update to audit_owner using (true) with check (true);
revoke all on table audit_log.api_keys from public, audit_owner;
grant select, insert, update (revoked_at) on table audit_log.api_keys to audit_owner;

create function audit_log.find_key(p_key_hash bytea)
returns table (id text, tenant_id uuid, scopes text[], expires_at timestamptz, revoked_at timestamptz)
language sql stable security definer set search_path = ''
as $$
  select k.id, k.tenant_id, k.scopes, k.expires_at, k.revoked_at from audit_log.api_keys as k where k.key_hash = p_key_hash
$$;
alter function audit_log.find_key(bytea) owner to audit_owner;
comment on function audit_log.find_key(bytea) is 'The key with this SHA-256, also when it has expired or was revoked: the caller decides, and does the same work for each.';

create function audit_log.create_key(p_tenant_id uuid, p_id text, p_key_hash bytea, p_name text, p_scopes text[], p_expires_at timestamptz) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'create key: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  insert into audit_log.api_keys (id, tenant_id, key_hash, name, scopes, expires_at)
  values (p_id, p_tenant_id, p_key_hash, p_name, p_scopes, p_expires_at);
end
$$;
alter function audit_log.create_key(uuid, text, bytea, text, text[], timestamptz) owner to audit_owner;
comment on function audit_log.create_key(uuid, text, bytea, text, text[], timestamptz) is
  'Records a new key by its hash. For jobs, and for admins of the tenant.';

create function audit_log.revoke_key(p_tenant_id uuid, p_id text) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'revoke key: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  update audit_log.api_keys as k set revoked_at = coalesce(k.revoked_at, now()) where k.tenant_id = p_tenant_id and k.id = p_id;
  return found;
end
$$;
alter function audit_log.revoke_key(uuid, text) owner to audit_owner;
comment on function audit_log.revoke_key(uuid, text) is
  'Revokes a key of the tenant, for good; false when the tenant has no such key. Callers may believe a cached key for up to 60 s.';

revoke all on function
  audit_log.find_key(bytea), audit_log.create_key(uuid, text, bytea, text, text[], timestamptz), audit_log.revoke_key(uuid, text)
from public;
grant execute on function audit_log.find_key(bytea) to audit_ingest;
grant execute on function audit_log.create_key(uuid, text, bytea, text, text[], timestamptz), audit_log.revoke_key(uuid, text) to audit_job, authenticated;

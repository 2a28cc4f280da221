-- Purpose: what archives need once their day was dropped: their tiles follow them into object storage, and at the end they expire.
-- Locks: none on what exists.

alter table audit_log.archives add column tiles_moved_at timestamptz;
comment on column audit_log.archives.tiles_moved_at is 'When the last full tile whose leaves were all archived by then had left Postgres; null while some may be left.';
create index archives_with_tiles on audit_log.archives (day, tenant_id) where state = 'archived' and tiles_moved_at is null;

-- As before, but a full tile of level 0 may go when every day it holds leaves of has been dropped.
create or replace function audit_log.refuse_rewriting_a_tree() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and tg_table_name = 'tree_state' then
    if new.tenant_id = old.tenant_id and new.size > old.size then
      return new;
    end if;
  elsif tg_op = 'UPDATE' and tg_table_name = 'tiles' then
    if (new.tenant_id, new.level, new.tile_index) = (old.tenant_id, old.level, old.tile_index)
      and octet_length(new.hashes) > octet_length(old.hashes)
      and substring(new.hashes from 1 for octet_length(old.hashes)) = old.hashes
      and new.seqs[1:cardinality(old.seqs)] is not distinct from old.seqs
      and new.occurred_ats[1:cardinality(old.occurred_ats)] is not distinct from old.occurred_ats
      and new.ids[1:cardinality(old.ids)] is not distinct from old.ids then
      return new;
    end if;
  elsif tg_op = 'DELETE' and tg_table_name = 'tiles' then
    if old.level = 0 and octet_length(old.hashes) = 8192 and not exists (
      select from (select distinct (at at time zone 'UTC')::date as day from unnest(old.occurred_ats) as at) as held
      where not exists (select from audit_log.archive_days as d where d.day = held.day and d.state = 'dropped')
    ) then
      return old;
    end if;
  end if;
  raise exception '% on %.%: a tree is append-only', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$$;
comment on function audit_log.refuse_rewriting_a_tree() is
  'Lets a tree grow, a tile be appended to, and a full tile of level 0 go once all its days were dropped; refuses every other UPDATE and DELETE, and every TRUNCATE.';
grant delete on table audit_log.tiles to audit_owner;

create function audit_log.claim_archive_tiles(p_lease_seconds integer) returns table (tenant_id uuid, day date, lease uuid, first_tile bigint, last_tile bigint)
language sql security definer set search_path = ''
as $$
  update audit_log.archives as a set lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  from (
    select c.tenant_id, c.day from audit_log.archives as c
    where c.state = 'archived' and c.tiles_moved_at is null
      and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
    order by c.day, c.tenant_id
    limit 1
    for update skip locked
  ) as next
  where a.tenant_id = next.tenant_id and a.day = next.day
  returning a.tenant_id, a.day, a.lease, a.first_log_index / 256, a.last_log_index / 256
$$;
comment on function audit_log.claim_archive_tiles(integer) is 'The next archive whose tiles may follow it, leased to the caller, and between which tiles of level 0 its leaves stand.';

create function audit_log.movable_tiles(p_tenant_id uuid, p_first_tile bigint, p_last_tile bigint, p_limit integer) returns table (tile_index bigint)
language sql stable security definer set search_path = ''
as $$
  select t.tile_index from audit_log.tiles as t
  where t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index between p_first_tile and p_last_tile and octet_length(t.hashes) = 8192
    and not exists (
      select from (select distinct (at at time zone 'UTC')::date as day from unnest(t.occurred_ats) as at) as held
      where not exists (select from audit_log.archive_days as d where d.day = held.day and d.state = 'dropped')
    )
  order by t.tile_index
  limit p_limit
$$;
comment on function audit_log.movable_tiles(uuid, bigint, bigint, integer) is 'Full tiles of level 0 between two, all of whose days were dropped, at most p_limit.';

create function audit_log.move_tiles(p_tenant_id uuid, p_day date, p_lease uuid, p_tile_indexes bigint[], p_sha256s bytea[], p_is_last boolean) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archives as a
  set tiles_moved_at = case when p_is_last then clock_timestamp() end, lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where a.tenant_id = p_tenant_id and a.day = p_day and a.lease = p_lease and a.state = 'archived';
  if not found then
    return false;
  end if;
  -- What was uploaded must be what stands here.
  delete from audit_log.tiles as t using unnest(p_tile_indexes, p_sha256s) as moved (tile_index, sha256)
  where t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index = moved.tile_index and sha256(t.hashes) = moved.sha256;
  return true;
end
$$;
comment on function audit_log.move_tiles(uuid, date, uuid, bigint[], bytea[], boolean) is
  'Deletes tiles of level 0 that were found whole in object storage; false when the lease is another worker''s by now.';

-- Expiry: whoever places a hold sees the state that is committed here, or is_held() sees the hold; it excludes both at once.
create function audit_log.claim_archive_expiry(p_lease_seconds integer)
returns table (tenant_id uuid, day date, lease uuid, expiring_at timestamptz, rows bigint, bytes bigint, files integer, manifest_key text, manifest_sha256 bytea)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_next record;
begin
  perform audit_log.require_durable_commit();
  for v_next in
    select c.tenant_id, c.day, c.state from audit_log.archives as c
    where (c.state = 'expiring' or c.state = 'archived' and c.expires_at <= clock_timestamp())
      and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
    order by c.state desc, c.expires_at
    limit 100
    for update skip locked
  loop
    -- A held archive is looked at again in an hour, so that it does not stand before those that may go.
    if v_next.state = 'archived' and audit_log.is_held(v_next.tenant_id, v_next.day) is distinct from false then
      update audit_log.archives as a set retry_at = clock_timestamp() + interval '1 hour' where a.tenant_id = v_next.tenant_id and a.day = v_next.day;
      continue;
    end if;
    return query
    update audit_log.archives as a
    set state = 'expiring', expiring_at = coalesce(a.expiring_at, date_trunc('milliseconds', clock_timestamp())),
      lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
    where a.tenant_id = v_next.tenant_id and a.day = v_next.day
    returning a.tenant_id, a.day, a.lease, a.expiring_at, a.rows, a.bytes, a.files, a.manifest_key, a.manifest_sha256;
    return;
  end loop;
end
$$;
comment on function audit_log.claim_archive_expiry(integer) is
  'The next archive whose time is over and that no hold covers, leased to the caller and from now on expiring: no hold can be placed on it any more.';

create function audit_log.record_archive_deleted(p_tenant_id uuid, p_day date, p_lease uuid) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archives as a
  set state = 'deleted', deleted_at = clock_timestamp(), lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where a.tenant_id = p_tenant_id and a.day = p_day and a.lease = p_lease and a.state = 'expiring';
  return found;
end
$$;
comment on function audit_log.record_archive_deleted(uuid, date, uuid) is 'Records that an expiring archive''s files are gone; false when the lease is another worker''s by now.';

do $$
declare
  v_function text;
begin
  foreach v_function in array array[
    'claim_archive_tiles(integer)', 'movable_tiles(uuid, bigint, bigint, integer)', 'move_tiles(uuid, date, uuid, bigint[], bytea[], boolean)',
    'claim_archive_expiry(integer)', 'record_archive_deleted(uuid, date, uuid)'
  ] loop
    execute format('alter function audit_log.%s owner to audit_owner', v_function);
    execute format('revoke all on function audit_log.%s from public', v_function);
    execute format('grant execute on function audit_log.%s to audit_job', v_function);
  end loop;
end
$$;

-- Purpose: a restored day leaves Postgres again, its tiles stay while it is here, and places of many restored leaves are found at once.
-- Locks: ACCESS EXCLUSIVE on archive_days, a row a day, for the moment of changing its constraint.

set local lock_timeout = '2s';
alter table audit_log.archive_days drop constraint a_day_is_closed_planned_or_dropped;
alter table audit_log.archive_days
  -- squawk-ignore constraint-missing-not-valid
  add constraint a_day_is_closed_planned_dropped_or_restored check (state in ('closed', 'planned', 'dropped', 'restored'));
comment on column audit_log.archive_days.state is
  'closed: takes no more events. planned: cut into files, which are being written and checked. dropped: its partition is gone, its archives are what is read. restored: events of some tenants are back, until return_restored_day().';
update audit_log.archive_days as d set state = 'restored'
where d.state = 'dropped' and exists (select from audit_log.archives as a where a.day = d.day and a.state = 'restored');

-- As before, and the day is marked: while events of it are here, a tile that names their seq must not go.
create or replace function audit_log.begin_restore(
  p_tenant_id uuid, p_day date, p_rows bigint, p_files integer, p_bytes bigint, p_first bigint, p_last bigint, p_checkpoint_size bigint,
  p_checkpoint_root bytea, p_manifest_key text, p_manifest_sha256 bytea, p_default_years integer
) returns text
language plpgsql security definer set search_path = ''
as $$
declare
  v_archive record;
begin
  perform audit_log.require_durable_commit();
  -- Until commit: a second restore of the day waits here, and then finds it restored.
  perform pg_advisory_xact_lock(1635083369, p_day - date '2000-01-01');
  select a.state, a.manifest_sha256 into v_archive from audit_log.archives as a where a.tenant_id = p_tenant_id and a.day = p_day for update;
  if not found then
    insert into audit_log.tenants (id, name) values (p_tenant_id, p_tenant_id::text) on conflict do nothing;
    insert into audit_log.closed_days (day) values (p_day) on conflict do nothing;
    insert into audit_log.archive_days (day, state, rows, planned_at, dropped_at) values (p_day, 'dropped', p_rows, clock_timestamp(), clock_timestamp())
    on conflict do nothing;
    insert into audit_log.archives (
      tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root, manifest_key, manifest_sha256,
      archived_at, expires_at
    ) values (
      p_tenant_id, p_day, 'archived', p_rows, p_files, p_bytes, p_first, p_last, p_checkpoint_size, p_checkpoint_root, p_manifest_key, p_manifest_sha256,
      clock_timestamp(), audit_log.archive_expiry(p_tenant_id, p_day, p_default_years)
    );
  elsif v_archive.state <> 'archived' then
    return v_archive.state;
  elsif v_archive.manifest_sha256 <> p_manifest_sha256 then
    return 'other';
  end if;
  -- From a day that is on its way back it takes the turn away: the next return_restored_day() is for all of its tenants.
  update audit_log.archive_days as d set state = 'restored', retry_at = null, problem = null where d.day = p_day and d.state in ('dropped', 'planned');
  perform audit_log.ensure_partition(p_day);
  return 'begun';
end
$$;

-- A tile that goes while a restore reads it would leave that restore a seq that no tile names; so the days of tiles are kept from being restored until commit.
create or replace function audit_log.move_tiles(p_tenant_id uuid, p_day date, p_lease uuid, p_tile_indexes bigint[], p_sha256s bytea[], p_is_last boolean) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform audit_log.require_durable_commit();
  begin
    perform from audit_log.archive_days as d
    where d.day in (
      select (held.at at time zone 'UTC')::date from audit_log.tiles as t cross join lateral unnest(t.occurred_ats) as held (at)
      where t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index = any (p_tile_indexes)
    )
    order by d.day for share nowait;
  exception when lock_not_available then
    -- A restore is under way: the lease runs out, and the tiles are looked at again.
    return false;
  end;
  update audit_log.archives as a
  set tiles_moved_at = case when p_is_last then clock_timestamp() end, lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where a.tenant_id = p_tenant_id and a.day = p_day and a.lease = p_lease and a.state = 'archived';
  if not found then
    return false;
  end if;
  -- What was uploaded must be what stands here, and of days that were all dropped by now.
  delete from audit_log.tiles as t using unnest(p_tile_indexes, p_sha256s) as moved (tile_index, sha256)
  where t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index = moved.tile_index and sha256(t.hashes) = moved.sha256
    and not exists (
      select from (select distinct (at at time zone 'UTC')::date as day from unnest(t.occurred_ats) as at) as held
      where not exists (select from audit_log.archive_days as d where d.day = held.day and d.state = 'dropped')
    );
  return true;
end
$$;
comment on function audit_log.move_tiles(uuid, date, uuid, bigint[], bytea[], boolean) is
  'Deletes tiles of level 0 that were found whole in object storage; false when the lease is another worker''s by now, or a day of them is being restored.';

create function audit_log.book_restored_files(
  p_tenant_id uuid, p_day date, p_keys text[], p_sha256s bytea[], p_bytes bigint[], p_rows bigint[], p_firsts bigint[], p_lasts bigint[]
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  execute $query$
    with file as (
      select f.*, sum(f.rows) over (order by f.place) as upto
      from unnest($4, $5, $6, $7, $8, $9) with ordinality as f (key, sha256, bytes, rows, first_log_index, last_log_index, place)
    ), placed as materialized (
      select e.occurred_at, e.id, row_number() over (order by e.occurred_at, e.id) as at from audit_log.events as e
      where e.tenant_id = $1 and e.occurred_at >= $2 and e.occurred_at < $3
    )
    insert into audit_log.archive_files (
      tenant_id, day, part, state, rows, from_occurred_at, from_id, to_occurred_at, to_id, key, sha256, bytes, first_log_index, last_log_index
    )
    select $1, $10, file.place - 1, 'checked', file.rows, first.occurred_at, first.id, last.occurred_at, last.id, file.key, file.sha256, file.bytes,
      file.first_log_index, file.last_log_index
    from file join placed as first on first.at = file.upto - file.rows + 1 join placed as last on last.at = file.upto
    on conflict do nothing
  $query$ using p_tenant_id, p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC',
    p_keys, p_sha256s, p_bytes, p_rows, p_firsts, p_lasts, p_day;
end
$$;
alter function audit_log.book_restored_files(uuid, date, text[], bytea[], bigint[], bigint[], bigint[], bigint[]) owner to audit_owner;
comment on function audit_log.book_restored_files(uuid, date, text[], bytea[], bigint[], bigint[], bigint[], bigint[]) is
  'Enters the files of a restored archive, in order, where the database does not know them, so that the day can leave again; between restore_events() and end_restore().';

create function audit_log.return_restored_day(p_day date) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  v_rows bigint;
begin
  perform audit_log.require_durable_commit();
  perform pg_advisory_xact_lock(1635083369, p_day - date '2000-01-01');
  perform from audit_log.archive_days as d where d.day = p_day and d.state = 'restored' for update;
  if not found then
    return null;
  end if;
  if exists (
    select from audit_log.archives as a
    where a.day = p_day and a.state = 'restored'
      and a.rows is distinct from (select sum(f.rows) from audit_log.archive_files as f where f.tenant_id = a.tenant_id and f.day = a.day)
  ) then
    raise exception 'return restored day: the files of an archive are not known here' using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- Nothing that was true when the day first left is believed: each file is read back and compared again, and the manifest signed anew.
  update audit_log.archive_files as f
  set state = 'written', lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  from audit_log.archives as a
  where a.day = p_day and a.state = 'restored' and f.tenant_id = a.tenant_id and f.day = a.day;
  update audit_log.archives as a
  set state = 'open', tiles_moved_at = null, lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where a.day = p_day and a.state = 'restored';
  update audit_log.archive_days set state = 'planned', planned_at = clock_timestamp(), retry_at = null, problem = null where day = p_day;
  select coalesce(sum(a.rows), 0) into v_rows from audit_log.archives as a where a.day = p_day and a.state in ('open', 'ready');
  return v_rows;
end
$$;
alter function audit_log.return_restored_day(date) owner to audit_owner;
comment on function audit_log.return_restored_day(date) is
  'Lets a restored day leave Postgres again, for all tenants that it was restored for: the archiver checks every file anew, then drops the day. How many events that is; null when the day is not restored.';

-- As before, and of a day that comes back only those archives count that were restored: the others never came.
create or replace function audit_log.drop_archived_day(p_day date, p_default_years integer, p_lock_ms integer) returns text
language plpgsql security definer set search_path = '' set timezone = 'UTC'
as $$
declare
  v_partition text := 'events_' || to_char(p_day, 'YYYYMMDD');
  v_differing bigint;
begin
  perform audit_log.require_durable_commit();
  perform set_config('lock_timeout', least(p_lock_ms, 2000)::text, true);
  -- One at a time: each of two has read events when it counted, and would wait for the other to let go of it.
  if not pg_try_advisory_xact_lock(1635083369, -3) then
    return 'busy';
  end if;
  perform from audit_log.archive_days as d where d.day = p_day and d.state = 'planned' for update skip locked;
  if not found then
    return 'busy';
  end if;
  perform from audit_log.archives as a where a.day = p_day order by a.tenant_id for update;
  if exists (select from audit_log.archives as a where a.day = p_day and a.state in ('open', 'restored')) then
    return 'unready';
  end if;
  if to_regclass('audit_log.' || v_partition) is not null then
    -- Stops whoever would write to the day, and no reader: the lock is what is wanted of this statement, since the owner has no privilege to LOCK TABLE.
    execute format('alter table audit_log.%I enable always trigger day_refuses_change', v_partition);
    execute 'select count(*)
      from (select e.tenant_id, count(*) as rows from audit_log.events as e where e.occurred_at >= $1 and e.occurred_at < $2 group by e.tenant_id) as here
      full join (select a.tenant_id, a.rows from audit_log.archives as a where a.day = $3 and a.state = ''ready'') as there on there.tenant_id = here.tenant_id
      where here.rows is distinct from there.rows'
      into v_differing
      using p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC', p_day;
    if v_differing > 0 then
      update audit_log.archive_days
      set problem = format('%s tenants have another number of events in Postgres than in their archives', v_differing), problem_at = clock_timestamp(),
        retry_at = clock_timestamp() + interval '1 hour'
      where day = p_day;
      return 'differs';
    end if;
    execute format('alter table audit_log.events detach partition audit_log.%I', v_partition);
    execute format('drop table audit_log.%I', v_partition);
  end if;
  update audit_log.archives as a
  set state = 'archived', archived_at = clock_timestamp(), expires_at = audit_log.archive_expiry(a.tenant_id, a.day, p_default_years)
  where a.day = p_day and a.state = 'ready';
  update audit_log.archive_days set state = 'dropped', dropped_at = clock_timestamp(), retry_at = null, problem = null where day = p_day;
  return 'dropped';
end
$$;

-- As before, and where a restored event says its place itself, as find_leaf() does.
create or replace function audit_log.find_leaves(p_tenant_id uuid, p_occurred_ats timestamptz[], p_ids uuid[]) returns table (place bigint, leaf_index bigint)
language plpgsql stable security definer set search_path = ''
as $$
begin
  if coalesce(p_tenant_id = any (audit_log.tenant_ids()) and audit_log.has_role('auditor'), false) is not true then
    return;
  end if;
  return query execute $query$
    with wanted as materialized (
      select w.place, w.id, e.seq
      from unnest($2, $3) with ordinality as w (occurred_at, id, place)
      cross join lateral (
        select s.seq from audit_log.events as s
        where s.tenant_id = $1 and s.occurred_at = w.occurred_at and s.id = w.id and s.occurred_at between $4 and $5
        limit 1
      ) as e
    ), hit as materialized (
      -- Which tiles, by their index alone; then the list of each tile once, however many of its leaves are asked for.
      select distinct near.tile_index
      from wanted
      cross join lateral (
        select t.tile_index from audit_log.tiles as t
        where t.tenant_id = $1 and t.level = 0 and t.first_seq <= wanted.seq
        order by t.first_seq desc
        limit 1
      ) as near
      where wanted.seq >= 0
    )
    select wanted.place, t.tile_index * 256 + leaf.at - 1
    from hit
    join audit_log.tiles as t on t.tenant_id = $1 and t.level = 0 and t.tile_index = hit.tile_index
    cross join lateral unnest(t.seqs, t.ids) with ordinality as leaf (seq, id, at)
    join wanted on wanted.seq = leaf.seq and wanted.id = leaf.id
    union all
    select wanted.place, wanted.seq + 4503599627370496 from wanted where wanted.seq < 0
  $query$ using p_tenant_id, p_occurred_ats, p_ids, (select min(at) from unnest(p_occurred_ats) as at), (select max(at) from unnest(p_occurred_ats) as at);
end
$$;

revoke all on function
  audit_log.book_restored_files(uuid, date, text[], bytea[], bigint[], bigint[], bigint[], bigint[]), audit_log.return_restored_day(date) from public;
grant execute on function
  audit_log.book_restored_files(uuid, date, text[], bytea[], bigint[], bigint[], bigint[], bigint[]), audit_log.return_restored_day(date) to audit_job;

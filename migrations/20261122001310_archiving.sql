-- Purpose: what the archiver does: close days, cut them into files, hand out work under leases, record it, and drop a day whose archives are all checked.
-- Locks: drop_archived_day() takes SHARE ROW EXCLUSIVE on the day's partition while it counts, then ACCESS EXCLUSIVE on events for the moment of detaching; it waits 2 s at most.

create function audit_log.close_days(p_before date, p_limit integer) returns setof date
language plpgsql security definer set search_path = ''
as $$
declare
  v_day date;
  v_closed integer := 0;
begin
  perform audit_log.require_durable_commit();
  for v_day in
    select to_date(substring(c.relname from 8), 'YYYYMMDD') as day
    from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'audit_log.events'::regclass and c.relname ~ '^events_\d{8}$'
    order by 1
  loop
    exit when v_day >= p_before or v_closed >= p_limit;
    continue when exists (select from audit_log.closed_days as d where d.day = v_day);
    -- A batch is being stored there: next time.
    continue when not pg_try_advisory_xact_lock(1635083369, v_day - date '2000-01-01');
    -- Under the lock, and so after every import that noted itself.
    continue when exists (select from audit_log.imported_days as m where m.day = v_day and m.imported_at > clock_timestamp() - interval '24 hours');
    insert into audit_log.closed_days (day) values (v_day) on conflict do nothing;
    insert into audit_log.archive_days (day) values (v_day) on conflict do nothing;
    v_closed := v_closed + 1;
    return next v_day;
  end loop;
end
$$;
alter function audit_log.close_days(date, integer) owner to audit_owner;
comment on function audit_log.close_days(date, integer) is
  'Closes at most p_limit UTC days before p_before that have a partition, oldest first, and returns them: not those that are being written to now, nor those imported into within 24 hours.';

-- A file holds at most p_rows_max events and about p_bytes_max bytes of them, so that a small function can hold it whole.
create function audit_log.plan_archive_day(p_day date, p_rows_max integer, p_bytes_max bigint) returns text
language plpgsql security definer set search_path = ''
as $$
declare
  v_rows bigint;
begin
  perform audit_log.require_durable_commit();
  perform from audit_log.archive_days as d where d.day = p_day and d.state = 'closed' for update skip locked;
  if not found then
    return 'busy';
  end if;
  if exists (
    select from audit_log.events as e
    where e.occurred_at >= p_day::timestamp at time zone 'UTC' and e.occurred_at < (p_day + 1)::timestamp at time zone 'UTC'
      and e.seq > (select s.sealed_seq from audit_log.sealer as s)
  ) then
    return 'unsealed';
  end if;
  execute $query$
    with sized as (
      select e.tenant_id, e.occurred_at, e.id, row_number() over in_order as at,
        sum(500 + coalesce(octet_length(e.message), 0) + coalesce(octet_length(e.context::text), 0) + coalesce(octet_length(e.user_agent), 0))
          over in_order as bytes
      from audit_log.events as e
      where e.occurred_at >= $1 and e.occurred_at < $2
      window in_order as (partition by e.tenant_id order by e.occurred_at, e.id rows unbounded preceding)
    ), cut as (
      -- Either bound begins a new piece, so no piece is beyond one of them.
      select s.*, (s.at - 1) / $3 + s.bytes / $4 as piece from sized as s
    ), edge as (
      select c.*, c.piece is distinct from lag(c.piece) over along as begins, c.piece is distinct from lead(c.piece) over along as ends
      from cut as c window along as (partition by c.tenant_id order by c.at)
    ), first as (
      select f.*, row_number() over (partition by f.tenant_id order by f.at) - 1 as part from edge as f where f.begins
    ), last as (
      select l.*, row_number() over (partition by l.tenant_id order by l.at) - 1 as part from edge as l where l.ends
    ), filed as (
      insert into audit_log.archive_files (tenant_id, day, part, rows, from_occurred_at, from_id, to_occurred_at, to_id)
      select f.tenant_id, $5, f.part, l.at - f.at + 1, f.occurred_at, f.id, l.occurred_at, l.id
      from first as f join last as l on l.tenant_id = f.tenant_id and l.part = f.part
      returning archive_files.tenant_id, archive_files.rows
    )
    insert into audit_log.archives (tenant_id, day, rows, files)
    select filed.tenant_id, $5, sum(filed.rows), count(*) from filed group by filed.tenant_id
  $query$ using p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC', p_rows_max, p_bytes_max, p_day;
  select coalesce(sum(a.rows), 0) into v_rows from audit_log.archives as a where a.day = p_day;
  update audit_log.archive_days set state = 'planned', planned_at = clock_timestamp(), rows = v_rows where day = p_day;
  return 'planned';
end
$$;
alter function audit_log.plan_archive_day(date, integer, bigint) owner to audit_owner;
comment on function audit_log.plan_archive_day(date, integer, bigint) is
  'Cuts each tenant''s events of a closed day into files. planned, or unsealed while an event of it is not sealed, or busy when it is planned already or by another worker now.';

-- Work is handed out by the piece: writing or checking one file, or signing one manifest. A worker that dies keeps its piece until the lease ends; one
-- that wakes up later finds its lease replaced.
create function audit_log.claim_archive_work(p_lease_seconds integer)
returns table (work text, tenant_id uuid, day date, part integer, lease uuid)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  update audit_log.archive_files as f set lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  from (
    select c.tenant_id, c.day, c.part from audit_log.archive_files as c
    where c.state <> 'checked' and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
    order by c.day, c.tenant_id, c.part
    limit 1
    for update skip locked
  ) as next
  where f.tenant_id = next.tenant_id and f.day = next.day and f.part = next.part
  returning case f.state when 'planned' then 'write' else 'check' end, f.tenant_id, f.day, f.part, f.lease;
  if found then
    return;
  end if;
  return query
  update audit_log.archives as a set lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  from (
    select c.tenant_id, c.day from audit_log.archives as c
    where c.state = 'open' and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
      and not exists (select from audit_log.archive_files as f where f.tenant_id = c.tenant_id and f.day = c.day and f.state <> 'checked')
    order by c.day, c.tenant_id
    limit 1
    for update skip locked
  ) as next
  where a.tenant_id = next.tenant_id and a.day = next.day
  returning 'sign'::text, a.tenant_id, a.day, null::integer, a.lease;
end
$$;
alter function audit_log.claim_archive_work(integer) owner to audit_owner;
comment on function audit_log.claim_archive_work(integer) is
  'The next piece of work, leased to the caller: write or check a file, or sign the manifest of an archive whose files are all checked; no row when there is none.';

create function audit_log.record_archive_file(
  p_tenant_id uuid, p_day date, p_part integer, p_lease uuid, p_key text, p_sha256 bytea, p_bytes bigint, p_first bigint, p_last bigint
) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archive_files
  set state = 'written', key = p_key, sha256 = p_sha256, bytes = p_bytes, first_log_index = p_first, last_log_index = p_last,
    lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where tenant_id = p_tenant_id and day = p_day and part = p_part and lease = p_lease and state = 'planned';
  return found;
end
$$;
comment on function audit_log.record_archive_file(uuid, date, integer, uuid, text, bytea, bigint, bigint, bigint) is
  'Records that a file was uploaded, as far as the store says; false when the lease is another worker''s by now.';

create function audit_log.record_archive_check(p_tenant_id uuid, p_day date, p_part integer, p_lease uuid) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archive_files set state = 'checked', lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where tenant_id = p_tenant_id and day = p_day and part = p_part and lease = p_lease and state = 'written';
  return found;
end
$$;
comment on function audit_log.record_archive_check(uuid, date, integer, uuid) is
  'Records that a file was read back and holds what the signed tree says; false when the lease is another worker''s by now.';

create function audit_log.record_archive_manifest(
  p_tenant_id uuid, p_day date, p_lease uuid, p_key text, p_sha256 bytea, p_checkpoint_size bigint, p_checkpoint_root bytea
) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archives as a
  set state = 'ready', manifest_key = p_key, manifest_sha256 = p_sha256, checkpoint_size = p_checkpoint_size, checkpoint_root = p_checkpoint_root,
    bytes = f.bytes, first_log_index = f.first_log_index, last_log_index = f.last_log_index,
    lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  from (
    select sum(c.bytes) as bytes, min(c.first_log_index) as first_log_index, max(c.last_log_index) as last_log_index, sum(c.rows) as rows,
      bool_and(c.state = 'checked') as all_checked
    from audit_log.archive_files as c where c.tenant_id = p_tenant_id and c.day = p_day
  ) as f
  where a.tenant_id = p_tenant_id and a.day = p_day and a.lease = p_lease and a.state = 'open' and f.all_checked and f.rows = a.rows;
  return found;
end
$$;
comment on function audit_log.record_archive_manifest(uuid, date, uuid, text, bytea, bigint, bytea) is
  'Records a manifest that was signed, uploaded and read back; false when the lease is another worker''s by now or a file is not checked.';

-- A read-back that differs may be a stale copy that heals, or an object that is wrong for good: then p_give_up asks for another object.
create function audit_log.fail_archive_work(
  p_tenant_id uuid, p_day date, p_part integer, p_lease uuid, p_problem text, p_retry_seconds integer, p_give_up boolean
) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  if p_part is null then
    update audit_log.archives
    set lease = null, leased_until = null, attempts = attempts + 1, problem = left(p_problem, 1000), problem_at = clock_timestamp(),
      retry_at = clock_timestamp() + make_interval(secs => p_retry_seconds)
    where tenant_id = p_tenant_id and day = p_day and lease = p_lease;
  else
    update audit_log.archive_files
    set lease = null, leased_until = null, attempts = case when p_give_up then 0 else attempts + 1 end, problem = left(p_problem, 1000),
      problem_at = clock_timestamp(), retry_at = clock_timestamp() + make_interval(secs => p_retry_seconds),
      state = case when p_give_up then 'planned' else state end,
      generation = generation + p_give_up::integer
    where tenant_id = p_tenant_id and day = p_day and part = p_part and lease = p_lease;
  end if;
  return found;
end
$$;
comment on function audit_log.fail_archive_work(uuid, date, integer, uuid, text, integer, boolean) is
  'Gives a piece of work back with what went wrong; p_give_up makes a file be written anew, under another name. False when the lease is another worker''s by now.';

-- The one step that takes events out of Postgres. All or nothing: until it commits they are read here, from then on in the archive.
create function audit_log.drop_archived_day(p_day date, p_default_years integer, p_lock_ms integer) returns text
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
  if exists (select from audit_log.archives as a where a.day = p_day and a.state <> 'ready') then
    return 'unready';
  end if;
  if to_regclass('audit_log.' || v_partition) is not null then
    -- Stops whoever would write to the day, and no reader: the lock is what is wanted of this statement, since the owner has no privilege to LOCK TABLE.
    execute format('alter table audit_log.%I enable always trigger day_refuses_change', v_partition);
    execute 'select count(*)
      from (select e.tenant_id, count(*) as rows from audit_log.events as e where e.occurred_at >= $1 and e.occurred_at < $2 group by e.tenant_id) as here
      full join (select a.tenant_id, a.rows from audit_log.archives as a where a.day = $3) as there on there.tenant_id = here.tenant_id
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
  where a.day = p_day;
  update audit_log.archive_days set state = 'dropped', dropped_at = clock_timestamp(), retry_at = null, problem = null where day = p_day;
  return 'dropped';
end
$$;
comment on function audit_log.drop_archived_day(date, integer, integer) is
  'Drops a day whose archives are all ready from events and makes them archived, in one transaction, after counting under lock. dropped, or: busy, unready, differs (nothing was dropped, and archive_days says why).';

do $$
declare
  v_function text;
begin
  foreach v_function in array array[
    'close_days(date, integer)', 'plan_archive_day(date, integer, bigint)', 'claim_archive_work(integer)',
    'record_archive_file(uuid, date, integer, uuid, text, bytea, bigint, bigint, bigint)', 'record_archive_check(uuid, date, integer, uuid)',
    'record_archive_manifest(uuid, date, uuid, text, bytea, bigint, bytea)', 'fail_archive_work(uuid, date, integer, uuid, text, integer, boolean)',
    'drop_archived_day(date, integer, integer)'
  ] loop
    execute format('alter function audit_log.%s owner to audit_owner', v_function);
    execute format('revoke all on function audit_log.%s from public', v_function);
    execute format('grant execute on function audit_log.%s to audit_job', v_function);
  end loop;
end
$$;

-- Purpose: bring an archived day of a tenant back into Postgres, into the database that it left or into an empty one.
-- Locks: as ensure_partition(); a restored day takes no new events.

-- A restored event needs a seq that no sealer looks at and that says where its leaf stands. Where the tile is still here it gets back the seq that the tile
-- names; where the tile has moved, its place in the tree minus 2^52.
create function audit_log.begin_restore(
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
  perform audit_log.ensure_partition(p_day);
  return 'begun';
end
$$;
comment on function audit_log.begin_restore(uuid, date, bigint, integer, bigint, bigint, bigint, bigint, bytea, text, bytea, integer) is
  'Opens the restoring of a tenant''s archived day in the running transaction, and enters the archive in the catalogue of a database that does not know it. begun, or the state that forbids it, or other when the catalogue means another manifest.';

create function audit_log.restore_events(
  p_tenant_id uuid, p_log_indexes bigint[], p_received_ats timestamptz[], p_principals text[], p_occurred_ats timestamptz[], p_ids uuid[], p_sources text[],
  p_actor_ids text[], p_actor_types text[], p_event_types text[], p_object_types text[], p_object_ids text[], p_results text[], p_messages text[],
  p_durations_ms integer[], p_contexts jsonb[], p_ip_addresses inet[], p_user_agents text[], p_device_fingerprints text[], p_request_ids text[],
  p_producer_ids text[], p_producer_seqs bigint[], p_leaf_hashes bytea[]
) returns void
language sql security definer set search_path = ''
as $$
  insert into audit_log.events (
    tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
    duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
  )
  select p_tenant_id, e.occurred_at, e.id, coalesce(t.seqs[e.log_index % 256 + 1], e.log_index - 4503599627370496), e.received_at, e.principal, e.source,
    e.actor_id, e.actor_type, e.event_type, e.object_type, e.object_id, e.result, e.message, e.duration_ms, e.context, e.ip_address, e.user_agent,
    e.device_fingerprint, e.request_id, e.producer_id, e.producer_seq, e.leaf_hash
  from unnest(
    p_log_indexes, p_received_ats, p_principals, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types, p_object_ids,
    p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids, p_producer_ids, p_producer_seqs,
    p_leaf_hashes
  ) as e (
    log_index, received_at, principal, occurred_at, id, source, actor_id, actor_type, event_type, object_type, object_id, result, message, duration_ms,
    context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
  )
  left join audit_log.tiles as t on t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index = e.log_index / 256
$$;
comment on function audit_log.restore_events(
  uuid, bigint[], timestamptz[], text[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
  text[], text[], text[], text[], bigint[], bytea[]
) is 'Inserts events of an archive between begin_restore() and end_restore(), as they were; fails when one is there.';

create function audit_log.end_restore(p_tenant_id uuid, p_day date) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_rows bigint;
begin
  execute 'select count(*) from audit_log.events as e where e.tenant_id = $1 and e.occurred_at >= $2 and e.occurred_at < $3'
    into v_rows using p_tenant_id, p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC';
  update audit_log.archives as a set state = 'restored', lease = null, leased_until = null
  where a.tenant_id = p_tenant_id and a.day = p_day and a.state = 'archived' and a.rows = v_rows;
  if not found then
    raise exception 'restore archive: % events are in Postgres, not as many as in the archive', v_rows using errcode = 'object_not_in_prerequisite_state';
  end if;
end
$$;
comment on function audit_log.end_restore(uuid, date) is
  'Ends the restoring of a tenant''s day: from the commit on its events are read in Postgres and no longer in the archive. Raises when they are not all there.';

-- As before, and where a restored event says its place itself.
create or replace function audit_log.find_leaf(p_tenant_id uuid, p_occurred_at timestamptz, p_id uuid) returns table (leaf_index bigint, leaf_hash bytea)
language sql stable security definer set search_path = ''
as $$
  select t.tile_index * 256 + position.at - 1, substring(t.hashes from position.at * 32 - 31 for 32)
  from audit_log.events as e
  cross join lateral (
    select f.tile_index, f.hashes, f.seqs, f.ids from audit_log.tiles as f
    where f.tenant_id = p_tenant_id and f.level = 0 and f.first_seq <= e.seq
    order by f.first_seq desc
    limit 1
  ) as t
  cross join lateral (select array_position(t.seqs, e.seq) as at) as position
  where e.tenant_id = p_tenant_id and e.occurred_at = p_occurred_at and e.id = p_id and t.ids[position.at] = e.id
    and p_tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor'))
  union
  select e.seq + 4503599627370496, e.leaf_hash
  from audit_log.events as e
  where e.tenant_id = p_tenant_id and e.occurred_at = p_occurred_at and e.id = p_id and e.seq < 0
    and p_tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor'))
$$;

do $$
declare
  v_function text;
begin
  foreach v_function in array array[
    'begin_restore(uuid, date, bigint, integer, bigint, bigint, bigint, bigint, bytea, text, bytea, integer)',
    'restore_events(uuid, bigint[], timestamptz[], text[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[], text[], text[], text[], text[], bigint[], bytea[])',
    'end_restore(uuid, date)'
  ] loop
    execute format('alter function audit_log.%s owner to audit_owner', v_function);
    execute format('revoke all on function audit_log.%s from public', v_function);
    execute format('grant execute on function audit_log.%s to audit_job', v_function);
  end loop;
end
$$;

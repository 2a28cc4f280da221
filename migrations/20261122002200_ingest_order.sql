-- Purpose: batches that hold the same events in different orders are stored without a deadlock, which took a second each and ended some of them after seven.
-- Locks: as before.

-- As before, and in one order.
create or replace function audit_log.ingest_what_is_missing(
  p_received_at timestamptz,
  p_principal text,
  p_tenant_ids uuid[],
  p_occurred_ats timestamptz[],
  p_ids uuid[],
  p_sources text[],
  p_actor_ids text[],
  p_actor_types text[],
  p_event_types text[],
  p_object_types text[],
  p_object_ids text[],
  p_results text[],
  p_messages text[],
  p_durations_ms integer[],
  p_contexts jsonb[],
  p_ip_addresses inet[],
  p_user_agents text[],
  p_device_fingerprints text[],
  p_request_ids text[],
  p_producer_ids text[],
  p_producer_seqs bigint[],
  p_leaf_hashes bytea[]
) returns table (
  tenant_id uuid,
  occurred_at timestamptz,
  id uuid,
  received_at timestamptz,
  principal text,
  ip_address inet,
  user_agent text,
  device_fingerprint text,
  leaf_hash bytea
)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_count integer := cardinality(p_ids);
  v_days date[];
  v_closed date[];
  v_seqs bigint[];
  v_inserted bigint;
begin
  if (v_count = all (array[
    cardinality(p_tenant_ids), cardinality(p_occurred_ats), cardinality(p_sources), cardinality(p_actor_ids), cardinality(p_actor_types),
    cardinality(p_event_types), cardinality(p_object_types), cardinality(p_object_ids), cardinality(p_results), cardinality(p_messages),
    cardinality(p_durations_ms), cardinality(p_contexts), cardinality(p_ip_addresses), cardinality(p_user_agents),
    cardinality(p_device_fingerprints), cardinality(p_request_ids), cardinality(p_producer_ids), cardinality(p_producer_seqs),
    cardinality(p_leaf_hashes)
  ])) is not true then
    raise exception 'ingest: arrays differ in length' using errcode = 'invalid_parameter_value';
  end if;
  perform audit_log.require_durable_commit();
  -- The xid before the first number of the sequence: whoever reads the sequence and then takes an xid as gate knows that every smaller
  -- number belongs to a transaction that ended once no transaction older than the gate is running.
  perform pg_current_xact_id();

  v_days := array(select distinct (at at time zone 'UTC')::date from unnest(p_occurred_ats) as at order by 1);
  -- Shared with every other ingest; a day being closed waits for us, or we for it and then see it closed: the next statement's snapshot is newer.
  perform pg_advisory_xact_lock_shared(1635083369, day - date '2000-01-01') from unnest(v_days) as day;
  v_closed := array(select c.day from audit_log.closed_days as c where c.day = any (v_days));
  perform audit_log.ensure_partition(day)
  from unnest(v_days) as day
  where to_regclass('audit_log.events_' || to_char(day, 'YYYYMMDD')) is null and day <> all (v_closed);

  insert into audit_log.tenants (id, name)
  select listed.id, listed.id::text from (select distinct t from unnest(p_tenant_ids) as t) as listed (id)
  where not exists (select from audit_log.tenants as known where known.id = listed.id)
  order by listed.id
  on conflict do nothing;

  -- A row is ours when it carries the number drawn for it, whatever else this transaction did before.
  v_seqs := array(select nextval('audit_log.event_seq') from generate_series(1, v_count));
  insert into audit_log.events (
    tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
    duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
  )
  select
    e.tenant_id, e.occurred_at, e.id, e.seq, p_received_at, p_principal, e.source, e.actor_id, e.actor_type, e.event_type, e.object_type, e.object_id,
    e.result, e.message, e.duration_ms, e.context, e.ip_address, e.user_agent, e.device_fingerprint, e.request_id, e.producer_id, e.producer_seq,
    e.leaf_hash
  from (
    -- In the select list arrays are read in step, without the tuplestore that a function in FROM fills first: 9 % of a batch.
    select
      unnest(p_tenant_ids) as tenant_id, unnest(p_occurred_ats) as occurred_at, unnest(p_ids) as id, unnest(v_seqs) as seq,
      unnest(p_sources) as source, unnest(p_actor_ids) as actor_id, unnest(p_actor_types) as actor_type, unnest(p_event_types) as event_type,
      unnest(p_object_types) as object_type, unnest(p_object_ids) as object_id, unnest(p_results) as result, unnest(p_messages) as message,
      unnest(p_durations_ms) as duration_ms, unnest(p_contexts) as context, unnest(p_ip_addresses) as ip_address,
      unnest(p_user_agents) as user_agent, unnest(p_device_fingerprints) as device_fingerprint, unnest(p_request_ids) as request_id,
      unnest(p_producer_ids) as producer_id, unnest(p_producer_seqs) as producer_seq, unnest(p_leaf_hashes) as leaf_hash
  ) as e
  where v_closed = '{}' or (e.occurred_at at time zone 'UTC')::date <> all (v_closed)
  -- Every batch that comes here locks its rows in this one order, so none waits for another in a circle; each keeps its own order in seq,
  -- and of equal events the first is stored.
  order by e.id, e.tenant_id, e.occurred_at, e.seq
  on conflict do nothing;
  get diagnostics v_inserted = row_count;
  if v_inserted = v_count then
    return;
  end if;

  -- ON CONFLICT DO NOTHING has waited for whoever inserted the same key first; only a new statement's snapshot sees that row.
  return query
  select e.tenant_id, e.occurred_at, e.id, stored.received_at, stored.principal, stored.ip_address, stored.user_agent, stored.device_fingerprint,
    stored.leaf_hash
  from unnest(p_tenant_ids, p_occurred_ats, p_ids, v_seqs) as e (tenant_id, occurred_at, id, seq)
  left join lateral (
    select s.* from audit_log.events as s
    where s.tenant_id = e.tenant_id and s.occurred_at = e.occurred_at and s.id = e.id
      -- The same for every row, so partitions of other days are left out before the first: with 100 of them, 0.2 ms a retry instead of 0.8.
      and s.occurred_at >= v_days[1]::timestamp at time zone 'UTC'
      and s.occurred_at < (v_days[cardinality(v_days)] + 1)::timestamp at time zone 'UTC'
    limit 1
  ) as stored on true
  where stored.seq is distinct from e.seq;
end
$$;

-- As before, and it does not wait long while it holds rows in the order of its batch.
create or replace function audit_log.ingest(
  p_received_at timestamptz,
  p_principal text,
  p_tenant_ids uuid[],
  p_occurred_ats timestamptz[],
  p_ids uuid[],
  p_sources text[],
  p_actor_ids text[],
  p_actor_types text[],
  p_event_types text[],
  p_object_types text[],
  p_object_ids text[],
  p_results text[],
  p_messages text[],
  p_durations_ms integer[],
  p_contexts jsonb[],
  p_ip_addresses inet[],
  p_user_agents text[],
  p_device_fingerprints text[],
  p_request_ids text[],
  p_producer_ids text[],
  p_producer_seqs bigint[],
  p_leaf_hashes bytea[]
) returns table (
  tenant_id uuid,
  occurred_at timestamptz,
  id uuid,
  received_at timestamptz,
  principal text,
  ip_address inet,
  user_agent text,
  device_fingerprint text,
  leaf_hash bytea
)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_count integer := cardinality(p_ids);
  v_days date[];
  v_seqs bigint[];
  v_lock_timeout text := current_setting('lock_timeout');
begin
  if (v_count = all (array[
    cardinality(p_tenant_ids), cardinality(p_occurred_ats), cardinality(p_sources), cardinality(p_actor_ids), cardinality(p_actor_types),
    cardinality(p_event_types), cardinality(p_object_types), cardinality(p_object_ids), cardinality(p_results), cardinality(p_messages),
    cardinality(p_durations_ms), cardinality(p_contexts), cardinality(p_ip_addresses), cardinality(p_user_agents),
    cardinality(p_device_fingerprints), cardinality(p_request_ids), cardinality(p_producer_ids), cardinality(p_producer_seqs),
    cardinality(p_leaf_hashes)
  ])) is not true then
    raise exception 'ingest: arrays differ in length' using errcode = 'invalid_parameter_value';
  end if;
  perform audit_log.require_durable_commit();
  -- The xid before the first number of the sequence: whoever reads the sequence and then takes an xid as gate knows that every smaller
  -- number belongs to a transaction that ended once no transaction older than the gate is running.
  perform pg_current_xact_id();

  v_days := array(select distinct (at at time zone 'UTC')::date from unnest(p_occurred_ats) as at order by 1);
  -- Shared with every other ingest; a day being closed waits for us, or we for it and then see it closed: the next statement's snapshot is newer.
  perform pg_advisory_xact_lock_shared(1635083369, day - date '2000-01-01') from unnest(v_days) as day;
  if exists (select from audit_log.closed_days as c where c.day = any (v_days)) then
    return query select * from audit_log.ingest_what_is_missing(
      p_received_at, p_principal, p_tenant_ids, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types,
      p_object_ids, p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids,
      p_producer_ids, p_producer_seqs, p_leaf_hashes
    );
    return;
  end if;
  perform audit_log.ensure_partition(day)
  from unnest(v_days) as day
  where to_regclass('audit_log.events_' || to_char(day, 'YYYYMMDD')) is null;

  insert into audit_log.tenants (id, name)
  select listed.id, listed.id::text from (select distinct t from unnest(p_tenant_ids) as t) as listed (id)
  where not exists (select from audit_log.tenants as known where known.id = listed.id)
  order by listed.id
  on conflict do nothing;

  v_seqs := array(select nextval('audit_log.event_seq') from generate_series(1, v_count));
  -- A batch is nearly always new. An INSERT that may fail spares each row the look into the primary key that ON CONFLICT takes beforehand, an eighth of the
  -- whole; when it does fail the block is rolled back, and what it wrote is left to VACUUM.
  -- Two batches that hold the same events in different orders would wait for each other. One that waits for a row lets its own rows go long before
  -- deadlock_timeout (a second) and comes again in the order of the other way.
  begin
    perform set_config('lock_timeout', '200ms', true);
    insert into audit_log.events (
      tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
      duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
    )
    select
      e.tenant_id, e.occurred_at, e.id, e.seq, p_received_at, p_principal, e.source, e.actor_id, e.actor_type, e.event_type, e.object_type, e.object_id,
      e.result, e.message, e.duration_ms, e.context, e.ip_address, e.user_agent, e.device_fingerprint, e.request_id, e.producer_id, e.producer_seq,
      e.leaf_hash
    from (
      -- In the select list arrays are read in step, without the tuplestore that a function in FROM fills first: 9 % of a batch.
      select
        unnest(p_tenant_ids) as tenant_id, unnest(p_occurred_ats) as occurred_at, unnest(p_ids) as id, unnest(v_seqs) as seq,
        unnest(p_sources) as source, unnest(p_actor_ids) as actor_id, unnest(p_actor_types) as actor_type, unnest(p_event_types) as event_type,
        unnest(p_object_types) as object_type, unnest(p_object_ids) as object_id, unnest(p_results) as result, unnest(p_messages) as message,
        unnest(p_durations_ms) as duration_ms, unnest(p_contexts) as context, unnest(p_ip_addresses) as ip_address,
        unnest(p_user_agents) as user_agent, unnest(p_device_fingerprints) as device_fingerprint, unnest(p_request_ids) as request_id,
        unnest(p_producer_ids) as producer_id, unnest(p_producer_seqs) as producer_seq, unnest(p_leaf_hashes) as leaf_hash
    ) as e;
    perform set_config('lock_timeout', v_lock_timeout, true);
  exception when unique_violation or lock_not_available or deadlock_detected then
    return query select * from audit_log.ingest_what_is_missing(
      p_received_at, p_principal, p_tenant_ids, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types,
      p_object_ids, p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids,
      p_producer_ids, p_producer_seqs, p_leaf_hashes
    );
  end;
end
$$;

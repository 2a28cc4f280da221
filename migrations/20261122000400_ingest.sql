-- Purpose: the one way in for events, and the claims on Idempotency-Keys.
-- Locks: ingest() takes ROW EXCLUSIVE on events, and a shared advisory lock on each UTC day of the batch until commit.

-- A function's own `set synchronous_commit = on` ends with the function, before COMMIT: the setting must be the transaction's. In a function of
-- its own, so that the control run of the durability test can replace this and nothing else, and see losses.
create function audit_log.require_durable_commit() returns void
language plpgsql set search_path = ''
as $$
begin
  if current_setting('synchronous_commit') not in ('on', 'remote_apply') then
    perform set_config('synchronous_commit', 'on', true);
  end if;
end
$$;
alter function audit_log.require_durable_commit() owner to audit_owner;
comment on function audit_log.require_durable_commit() is
  'Makes the COMMIT of the running transaction wait for the disk, whatever the session, role or database says; remote_apply stays.';
revoke all on function audit_log.require_durable_commit() from public;

create function audit_log.ingest(
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
alter function audit_log.ingest(
  timestamptz, text, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
  text[], text[], text[], text[], bigint[], bytea[]
) owner to audit_owner;
comment on function audit_log.ingest(
  timestamptz, text, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
  text[], text[], text[], text[], bigint[], bytea[]
) is
  'Inserts events in array order, all or none, and returns those that it did not insert: the row that was there before, or, when the day is closed, nothing but the key. Makes missing partitions and tenants.';
revoke all on function audit_log.ingest(
  timestamptz, text, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
  text[], text[], text[], text[], bigint[], bytea[]
) from public;
grant execute on function audit_log.ingest(
  timestamptz, text, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
  text[], text[], text[], text[], bigint[], bytea[]
) to audit_ingest, service_role;

create table audit_log.batches (
  principal text not null,
  key_hash bytea not null,
  body_hash bytea not null,
  received_at timestamptz not null,
  claimed_at timestamptz not null default now(),
  constraint batches_are_claimed_once_per_principal_and_key primary key (principal, key_hash),
  constraint key_hash_is_a_sha256 check (octet_length(key_hash) = 32),
  constraint body_hash_is_a_sha256 check (octet_length(body_hash) = 32)
);
alter table audit_log.batches owner to audit_owner;
comment on table audit_log.batches is
  'Claims on Idempotency-Keys, made in the transaction that stores the batch. The answer is not kept: from received_at and the key it is computed again.';
comment on column audit_log.batches.principal is 'The verified caller; keys of two callers never meet.';
comment on column audit_log.batches.key_hash is 'SHA-256 of the Idempotency-Key.';
comment on column audit_log.batches.body_hash is 'SHA-256 of the body that first came with the key.';
comment on column audit_log.batches.received_at is 'When that first request arrived, by the clock of the function that took it.';
comment on column audit_log.batches.claimed_at is 'The same by the database''s clock: after 24 hours the claim counts as absent, whatever the clock of any function says.';
create index batches_by_age on audit_log.batches (claimed_at);

alter table audit_log.batches enable row level security;
alter table audit_log.batches force row level security;
create policy "functions of audit_owner claim and forget batches" on audit_log.batches
  for all to audit_owner using (true) with check (true);
revoke all on table audit_log.batches from public, audit_owner;
grant select, insert, update, delete on table audit_log.batches to audit_owner;

create function audit_log.claim_batch(p_principal text, p_key_hash bytea, p_body_hash bytea, p_received_at timestamptz)
returns table (first boolean, same_body boolean, received_at timestamptz)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  perform audit_log.require_durable_commit();
  -- A second request with the key waits here until the first has committed or rolled back.
  return query
  insert into audit_log.batches as b (principal, key_hash, body_hash, received_at)
  values (p_principal, p_key_hash, p_body_hash, p_received_at)
  on conflict (principal, key_hash) do update
    set body_hash = excluded.body_hash, received_at = excluded.received_at, claimed_at = excluded.claimed_at
    where b.claimed_at < excluded.claimed_at - interval '24 hours'
  returning true, true, b.received_at;
  if not found then
    return query
    select false, b.body_hash = p_body_hash, b.received_at
    from audit_log.batches as b
    where b.principal = p_principal and b.key_hash = p_key_hash;
  end if;
end
$$;
alter function audit_log.claim_batch(text, bytea, bytea, timestamptz) owner to audit_owner;
comment on function audit_log.claim_batch(text, bytea, bytea, timestamptz) is
  'Claims an Idempotency-Key for the running transaction: first when it was free or its claim older than 24 h; else whether the body is the same, and when the first request arrived.';

create function audit_log.forget_batches(p_before timestamptz) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  v_forgotten bigint;
begin
  delete from audit_log.batches as b
  using (
    select old.principal, old.key_hash from audit_log.batches as old
    where old.claimed_at < least(p_before, now() - interval '24 hours')
    order by old.claimed_at
    limit 10000
    for update skip locked
  ) as old
  where b.principal = old.principal and b.key_hash = old.key_hash;
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end
$$;
alter function audit_log.forget_batches(timestamptz) owner to audit_owner;
comment on function audit_log.forget_batches(timestamptz) is
  'Deletes at most 10,000 claims older than p_before, and never one younger than 24 hours; how many it deleted.';

revoke all on function audit_log.claim_batch(text, bytea, bytea, timestamptz), audit_log.forget_batches(timestamptz) from public;
grant execute on function audit_log.claim_batch(text, bytea, bytea, timestamptz) to audit_ingest;
grant execute on function audit_log.forget_batches(timestamptz) to audit_job;

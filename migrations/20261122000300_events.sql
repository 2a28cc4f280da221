-- Purpose: the events, in one partition per UTC day of `occurred_at`, from birth closed to any change.
-- Locks: none on what exists. Later, ensure_partition() takes SHARE UPDATE EXCLUSIVE on the parent: it stops neither readers nor writers.

create sequence audit_log.event_seq as bigint cache 1;
alter sequence audit_log.event_seq owner to audit_owner;
comment on sequence audit_log.event_seq is
  'Numbers events in the order of insertion. Cache 1 and drawn after the transaction has its xid: the sealer''s gate rests on both. Never shown to tenants.';
revoke all on sequence audit_log.event_seq from public, audit_owner;
grant usage on sequence audit_log.event_seq to audit_owner;
grant select on sequence audit_log.event_seq to audit_job;

-- The checks are those that keep a row's leaf recomputable, at 2 % of a row's 10 µs. Lengths and patterns are the door's:
-- here they cost 4 % and 120 %.
-- No foreign key to tenants (a lock and a lookup per row) and no identity column (a partition with one cannot be attached on 18).
-- Collation "C": equality and prefixes are all that is asked of names and ids, byte order makes both index conditions and saves 15 % of an
-- insert against ICU's, and no upgrade of an ICU or C library can put an index of ten years out of order.
create table audit_log.events (
  tenant_id uuid not null,
  occurred_at timestamptz not null,
  id uuid not null,
  seq bigint not null,
  received_at timestamptz not null,
  principal text collate "C" not null,
  source text collate "C",
  actor_id text collate "C",
  actor_type text collate "C",
  event_type text collate "C" not null,
  object_type text collate "C",
  object_id text collate "C",
  result text collate "C" not null,
  message text,
  duration_ms integer,
  context jsonb,
  ip_address inet,
  user_agent text,
  device_fingerprint text collate "C",
  request_id text collate "C",
  producer_id text collate "C",
  producer_seq bigint,
  leaf_hash bytea not null,
  constraint events_are_identified_by_tenant_time_and_id primary key (tenant_id, occurred_at, id),
  constraint result_is_success_failure_or_warning check (result in ('success', 'failure', 'warning')),
  constraint leaf_hash_is_a_sha256 check (octet_length(leaf_hash) = 32),
  constraint context_is_an_object check (jsonb_typeof(context) = 'object'),
  constraint ip_address_is_a_host check (masklen(ip_address) = case family(ip_address) when 4 then 32 else 128 end)
) partition by range (occurred_at);
alter table audit_log.events owner to audit_owner;

comment on table audit_log.events is 'What somebody did, immutable once stored; one partition per UTC day of occurred_at. Written by audit_log.ingest() alone.';
comment on column audit_log.events.tenant_id is 'Whose event it is; from the credential, never from the body alone.';
comment on column audit_log.events.occurred_at is 'When it happened, as the producer says, cut to milliseconds. Part of the identity: never stamped anew on a retry.';
comment on column audit_log.events.id is 'The producer''s id of the event, or a version-7 UUID made at the door.';
comment on column audit_log.events.seq is 'Position in the order of insertion over all tenants; the sealer reads by it. Not in the leaf, never returned.';
comment on column audit_log.events.received_at is 'When the request that stored the event arrived, by the server''s clock, in milliseconds.';
comment on column audit_log.events.principal is 'The verified caller that sent it: key:<id>, user:<sub>, secret:<name> or anon.';
comment on column audit_log.events.source is 'Which service or part of it reports the event; lower case.';
comment on column audit_log.events.actor_id is 'Who did it, as the producer names them.';
comment on column audit_log.events.actor_type is 'What kind of actor: user, service, …; lower case.';
comment on column audit_log.events.event_type is 'What was done; lower case.';
comment on column audit_log.events.object_type is 'What kind of thing it was done to; lower case.';
comment on column audit_log.events.object_id is 'Which thing it was done to.';
comment on column audit_log.events.result is 'success, failure or warning.';
comment on column audit_log.events.message is 'A sentence for people.';
comment on column audit_log.events.duration_ms is 'How long it took, in whole milliseconds.';
comment on column audit_log.events.context is 'Anything else, a JSON object. What was hashed is its canonical form.';
comment on column audit_log.events.ip_address is 'Address of the actor; a host, no network.';
comment on column audit_log.events.user_agent is 'User agent of the actor.';
comment on column audit_log.events.device_fingerprint is 'What tells the actor''s device from others, often a hash of request headers.';
comment on column audit_log.events.request_id is 'The request in whose course it happened.';
comment on column audit_log.events.producer_id is 'Which process of the producer sent it.';
comment on column audit_log.events.producer_seq is 'Number of the event in that process: a gap means that one was lost on the way.';
comment on column audit_log.events.leaf_hash is 'SHA-256(0x00 || leaf), RFC 6962; the leaf is the canonical JSON of the row without seq and leaf_hash.';

create index events_by_object on audit_log.events (tenant_id, object_type, object_id, occurred_at);
create index events_by_actor on audit_log.events (tenant_id, actor_id, occurred_at);
create index events_by_seq on audit_log.events (seq);

alter table audit_log.events enable row level security;
alter table audit_log.events force row level security;
create policy "ingest() inserts events" on audit_log.events
  for insert to audit_owner with check (true);
create policy "functions of audit_owner read every event" on audit_log.events
  for select to audit_owner using (true);
create policy "jobs read every event" on audit_log.events
  for select to audit_job using (true);
create policy "viewers read events of their own tenants" on audit_log.events
  for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer')));

create function audit_log.refuse_change() returns trigger
language plpgsql set search_path = ''
as $$
begin
  raise exception '% on %.%: events are append-only', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$$;
alter function audit_log.refuse_change() owner to audit_owner;
comment on function audit_log.refuse_change() is 'Refuses UPDATE, DELETE and TRUNCATE, also when session_replication_role is replica.';
revoke all on function audit_log.refuse_change() from public;

-- Statement triggers refuse a change that would meet no row, and TRUNCATE; the row trigger reaches partitions, and changes that a
-- subscription applies. ENABLE ALWAYS: an ordinary trigger sleeps while session_replication_role is replica.
create trigger events_refuse_change before update or delete or truncate on audit_log.events
  for each statement execute function audit_log.refuse_change();
create trigger events_refuse_change_of_row before update or delete on audit_log.events
  for each row execute function audit_log.refuse_change();
alter table audit_log.events enable always trigger events_refuse_change;
alter table audit_log.events enable always trigger events_refuse_change_of_row;

-- Not even the owner keeps UPDATE, DELETE or TRUNCATE. It could grant them to itself: that is what the triggers and verification are for.
revoke all on table audit_log.events from public, audit_owner;
grant select, insert on table audit_log.events to audit_owner;
grant select on table audit_log.events to audit_job;
-- All but seq, whose gaps tell of other tenants' volume.
grant select (
  tenant_id, occurred_at, id, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
  duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
) on table audit_log.events to authenticated;

create table audit_log.closed_days (
  day date not null,
  closed_at timestamptz not null default now(),
  constraint days_close_once primary key (day)
);
alter table audit_log.closed_days owner to audit_owner;
comment on table audit_log.closed_days is
  'UTC days that take no more events. Whoever closes one holds pg_advisory_xact_lock(1635083369, day - date ''2000-01-01'') until commit; ingest() holds it shared.';
comment on column audit_log.closed_days.day is 'UTC day of occurred_at.';
comment on column audit_log.closed_days.closed_at is 'When it was closed.';
alter table audit_log.closed_days enable row level security;
alter table audit_log.closed_days force row level security;
create policy "functions of audit_owner read closed days" on audit_log.closed_days
  for select to audit_owner using (true);
create policy "functions of audit_owner close days" on audit_log.closed_days
  for insert to audit_owner with check (true);
create policy "jobs read closed days" on audit_log.closed_days
  for select to audit_job using (true);
revoke all on table audit_log.closed_days from public, audit_owner;
grant select, insert on table audit_log.closed_days to audit_owner;
grant select on table audit_log.closed_days to audit_job;

-- Everything that protects a day belongs to its own table, because DETACH takes away what was inherited: row-level security without a policy,
-- triggers of its own names (ATTACH refuses names that the parent has), and no privilege for anyone: through the parent none is needed.
create function audit_log.ensure_partition(p_day date) returns boolean
language plpgsql security definer set search_path = '' set timezone = 'UTC' set lock_timeout = '2s'
as $$
declare
  v_name text := 'events_' || to_char(p_day, 'YYYYMMDD');
  v_table text := 'audit_log.' || v_name;
  v_from text := to_char(p_day, 'YYYY-MM-DD') || ' 00:00:00+00';
  v_to text := to_char(p_day + 1, 'YYYY-MM-DD') || ' 00:00:00+00';
begin
  if to_regclass(v_table) is not null then
    return false;
  end if;
  -- Held until commit: the second of two callers finds the table that the first has made. It must look with a new snapshot: to_regclass() would
  -- answer from the catalogue cache that it filled before it waited.
  perform pg_advisory_xact_lock(1635083369, -1);
  if exists (select from pg_class where relnamespace = 'audit_log'::regnamespace and relname = v_name) then
    return false;
  end if;
  execute format(
    'create table %s (like audit_log.events including comments including constraints including indexes including storage,
       constraint occurred_on_this_utc_day check (occurred_at >= %L and occurred_at < %L))', v_table, v_from, v_to);
  execute format('alter table %s enable row level security, force row level security', v_table);
  execute format(
    'create trigger day_refuses_change before update or delete or truncate on %s
       for each statement execute function audit_log.refuse_change()', v_table);
  execute format(
    'create trigger day_refuses_change_of_row before update or delete on %s
       for each row execute function audit_log.refuse_change()', v_table);
  execute format('alter table %s enable always trigger day_refuses_change, enable always trigger day_refuses_change_of_row', v_table);
  execute format('alter table audit_log.events attach partition %s for values from (%L) to (%L)', v_table, v_from, v_to);
  -- Last, because the owner needs TRIGGER until here; nobody has seen the table before this transaction commits.
  execute format('revoke all on table %s from public, anon, authenticated, service_role, audit_ingest, audit_job, audit_owner', v_table);
  return true;
end
$$;
alter function audit_log.ensure_partition(date) owner to audit_owner;
comment on function audit_log.ensure_partition(date) is
  'Makes the partition of a UTC day, protected from birth, unless it exists; true when it was made. Waits at most 2 s for a lock.';

create function audit_log.ensure_partitions(p_from date, p_to date) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_made integer := 0;
begin
  if p_to - p_from > 400 then
    raise exception 'ensure partitions: % days are more than 400', p_to - p_from using errcode = 'invalid_parameter_value';
  end if;
  for v_days in 0 .. p_to - p_from loop
    v_made := v_made + audit_log.ensure_partition(p_from + v_days)::integer;
  end loop;
  return v_made;
end
$$;
alter function audit_log.ensure_partitions(date, date) owner to audit_owner;
comment on function audit_log.ensure_partitions(date, date) is 'Makes the missing partitions of the UTC days p_from to p_to, both included; how many it made.';

revoke all on function audit_log.ensure_partition(date), audit_log.ensure_partitions(date, date) from public;
grant execute on function audit_log.ensure_partition(date), audit_log.ensure_partitions(date, date) to audit_job;

-- The seeds' table under its own name and columns, for whom it is still free. Read as its caller, so row-level security holds; nobody may read it
-- until somebody grants it (`grant select on public.audit_events to authenticated`).
do $$
begin
  if to_regclass('public.audit_events') is null then
    create view public.audit_events with (security_invoker = true) as
    select
      id, occurred_at as "timestamp", tenant_id, source, actor_id as operator, event_type as operation_type, result, message, context as extra_info,
      actor_id, actor_type, object_type, object_id, event_type, context, ip_address, user_agent, occurred_at, received_at, duration_ms, request_id
    from audit_log.events;
    comment on view public.audit_events is
      'Events of the caller''s tenants under both former tables'' column names. Read only; granted to nobody until you grant it.';
    revoke all on table public.audit_events from public, anon, authenticated, service_role;
  end if;
end
$$;

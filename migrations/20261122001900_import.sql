-- Purpose: the history of another log taken over into this one, into the days it belongs to: what is under way, and how far.
-- Locks: none on what exists.

create table audit_log.imports (
  id uuid not null,
  tenant_id uuid,
  source text not null,
  format text not null,
  position text,
  counts jsonb not null default '{}',
  started_by text not null default session_user,
  started_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint imports_are_identified_by_their_source primary key (id),
  constraint counts_are_an_object check (jsonb_typeof(counts) = 'object')
);
alter table audit_log.imports owner to audit_owner;
comment on table audit_log.imports is
  'Imports of other logs. Events of one have the principal import:<id>; its position is committed together with them, so that a killed import goes on where it was.';
comment on column audit_log.imports.id is 'Derived from source, tenant and mapping: the same import gets the same id.';
comment on column audit_log.imports.tenant_id is 'The only tenant it may write to; null when each record names its own.';
comment on column audit_log.imports.source is 'The file, folder or table it reads, without credentials.';
comment on column audit_log.imports.format is 'How the source is read.';
comment on column audit_log.imports.position is 'How far the source is stored, in the importer''s terms; null before the first batch.';
comment on column audit_log.imports.counts is 'What became of the records up to the position.';
comment on column audit_log.imports.started_by is 'Login that began it.';
comment on column audit_log.imports.started_at is 'When it began.';
comment on column audit_log.imports.updated_at is 'When it last came further.';
comment on column audit_log.imports.finished_at is 'When it reached the end of its source; null before.';

alter table audit_log.imports enable row level security;
alter table audit_log.imports force row level security;
create policy "functions of audit_owner keep track of imports" on audit_log.imports
  for all to audit_owner using (true) with check (true);
create policy "jobs read imports" on audit_log.imports
  for select to audit_job using (true);
revoke all on table audit_log.imports from public, audit_owner;
grant select, insert, update on table audit_log.imports to audit_owner;
grant select on table audit_log.imports to audit_job;

create function audit_log.begin_import(p_id uuid, p_tenant_id uuid, p_source text, p_format text, p_again boolean)
returns table (place text, counts jsonb, finished_at timestamptz)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
begin
  insert into audit_log.imports as i (id, tenant_id, source, format) values (p_id, p_tenant_id, p_source, p_format)
  on conflict (id) do update set updated_at = now(), finished_at = null,
    position = case when p_again then null else i.position end, counts = case when p_again then '{}' else i.counts end
    where p_again;
  return query select i.position, i.counts, i.finished_at from audit_log.imports as i where i.id = p_id;
end
$$;
alter function audit_log.begin_import(uuid, uuid, text, text, boolean) owner to audit_owner;
comment on function audit_log.begin_import(uuid, uuid, text, text, boolean) is
  'Begins an import, or finds one that was begun: how far it is and what it counted. p_again makes it begin from the front; its events are known again by their ids.';

-- The one way past the door's window of time, and so not for the roles that the door works as: only audit_job, which the operator's login may take.
create function audit_log.import_events(
  p_import_id uuid,
  p_from text,
  p_received_at timestamptz,
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
  v_tenant_id uuid;
begin
  v_tenant_id := audit_log.lock_import(p_import_id, p_from);
  if v_tenant_id <> any (p_tenant_ids) then
    raise exception 'import events: a record is of another tenant than the import' using errcode = 'insufficient_privilege';
  end if;
  perform audit_log.note_import(array(select distinct (at at time zone 'UTC')::date from unnest(p_occurred_ats) as at));
  return query
  select * from audit_log.ingest(
    p_received_at, 'import:' || p_import_id, p_tenant_ids, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types,
    p_object_ids, p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids,
    p_producer_ids, p_producer_seqs, p_leaf_hashes
  );
end
$$;

create function audit_log.lock_import(p_import_id uuid, p_from text) returns uuid
language plpgsql security definer set search_path = ''
as $$
declare
  v_import audit_log.imports;
begin
  select * into v_import from audit_log.imports as i where i.id = p_import_id for update;
  if v_import.id is null then
    raise exception 'import events: the import was not begun' using errcode = 'no_data_found';
  end if;
  -- Two processes on one source: the second finds that it is not where it was.
  if v_import.position is distinct from p_from then
    raise exception 'import events: another process has gone on with this import' using errcode = 'object_not_in_prerequisite_state';
  end if;
  return v_import.tenant_id;
end
$$;
alter function audit_log.lock_import(uuid, text) owner to audit_owner;
comment on function audit_log.lock_import(uuid, text) is 'Keeps an import to one process until commit, and refuses one that is not at p_from; its tenant.';

alter function audit_log.import_events(
  uuid, text, timestamptz, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
  text[], text[], text[], text[], bigint[], bytea[]
) owner to audit_owner;
comment on function audit_log.import_events(
  uuid, text, timestamptz, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
  text[], text[], text[], text[], bigint[], bytea[]
) is
  'ingest() for an import that is at p_from: of any time, under the principal import:<id>, and with a note that keeps the days open for 24 hours more. Returns what ingest() returns.';

create function audit_log.advance_import(p_import_id uuid, p_from text, p_to text, p_counts jsonb, p_finished boolean) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform audit_log.require_durable_commit();
  perform audit_log.lock_import(p_import_id, p_from);
  update audit_log.imports as i
  set position = p_to, counts = p_counts, updated_at = now(), finished_at = case when p_finished then now() end
  where i.id = p_import_id;
end
$$;
alter function audit_log.advance_import(uuid, text, text, jsonb, boolean) owner to audit_owner;
comment on function audit_log.advance_import(uuid, text, text, jsonb, boolean) is
  'Moves an import from p_from to p_to, in the transaction that stores what lies between.';

revoke all on function
  audit_log.begin_import(uuid, uuid, text, text, boolean),
  audit_log.lock_import(uuid, text),
  audit_log.advance_import(uuid, text, text, jsonb, boolean),
  audit_log.import_events(
    uuid, text, timestamptz, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
    text[], text[], text[], text[], bigint[], bytea[]
  ) from public;
grant execute on function
  audit_log.begin_import(uuid, uuid, text, text, boolean),
  audit_log.advance_import(uuid, text, text, jsonb, boolean),
  audit_log.import_events(
    uuid, text, timestamptz, uuid[], timestamptz[], uuid[], text[], text[], text[], text[], text[], text[], text[], text[], integer[], jsonb[], inet[],
    text[], text[], text[], text[], bigint[], bytea[]
  ) to audit_job;

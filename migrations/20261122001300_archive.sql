-- Purpose: what becomes of days that have left the hot window: which tenant's events of which day are in object storage, and how far the work is.
-- Locks: none on what exists.

-- An import writes into days that are long past; such a day stays open until nothing was imported into it for a day.
create table audit_log.imported_days (
  day date not null,
  imported_at timestamptz not null default now(),
  constraint imported_days_are_noted_once primary key (day)
);
alter table audit_log.imported_days owner to audit_owner;
comment on table audit_log.imported_days is 'UTC days into which events were imported, and when last: such a day is closed 24 hours later at the earliest.';
comment on column audit_log.imported_days.day is 'UTC day of occurred_at.';
comment on column audit_log.imported_days.imported_at is 'When events were last imported into it.';

create table audit_log.archive_days (
  day date not null,
  state text not null default 'closed',
  rows bigint,
  planned_at timestamptz,
  dropped_at timestamptz,
  retry_at timestamptz,
  problem text,
  problem_at timestamptz,
  constraint archive_days_are_one_per_day primary key (day),
  constraint a_day_is_closed_planned_or_dropped check (state in ('closed', 'planned', 'dropped'))
);
alter table audit_log.archive_days owner to audit_owner;
comment on table audit_log.archive_days is 'How far the archiving of each closed UTC day is; a day leaves Postgres for all tenants at once.';
comment on column audit_log.archive_days.day is 'UTC day of occurred_at.';
comment on column audit_log.archive_days.state is
  'closed: takes no more events. planned: cut into files, which are being written and checked. dropped: its partition is gone, its archives are what is read.';
comment on column audit_log.archive_days.rows is 'Events of the day over all tenants, counted when it was planned.';
comment on column audit_log.archive_days.planned_at is 'When it was planned.';
comment on column audit_log.archive_days.dropped_at is 'When its partition was dropped.';
comment on column audit_log.archive_days.retry_at is 'Nothing is tried with the day before that.';
comment on column audit_log.archive_days.problem is 'Why it could not go on when it was last tried; null when it could.';
comment on column audit_log.archive_days.problem_at is 'When that was.';

create table audit_log.archives (
  tenant_id uuid not null,
  day date not null,
  state text not null default 'open',
  rows bigint not null,
  files integer not null,
  bytes bigint,
  first_log_index bigint,
  last_log_index bigint,
  checkpoint_size bigint,
  checkpoint_root bytea,
  manifest_key text,
  manifest_sha256 bytea,
  archived_at timestamptz,
  expires_at timestamptz,
  expiring_at timestamptz,
  deleted_at timestamptz,
  lease uuid,
  leased_until timestamptz,
  attempts integer not null default 0,
  retry_at timestamptz,
  problem text,
  problem_at timestamptz,
  constraint archives_are_one_per_tenant_and_day primary key (tenant_id, day),
  constraint an_archive_has_a_known_state check (state in ('open', 'ready', 'archived', 'restored', 'expiring', 'deleted')),
  constraint what_is_archived_has_a_checked_manifest check (
    state = 'open' or num_nulls(bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root, manifest_key, manifest_sha256) = 0
  ),
  constraint what_left_postgres_has_its_time check (state in ('open', 'ready') or num_nulls(archived_at, expires_at) = 0),
  constraint hashes_are_sha256 check (octet_length(checkpoint_root) = 32 and octet_length(manifest_sha256) = 32)
);
alter table audit_log.archives owner to audit_owner;
create index archives_by_state on audit_log.archives (day, tenant_id) where state in ('open', 'ready', 'expiring');
create index archives_by_expiry on audit_log.archives (expires_at) where state = 'archived';
comment on table audit_log.archives is
  'One tenant''s events of one UTC day in object storage. A row becomes archived in the transaction that drops the day from events: read events first, then this table, in one transaction, and every event is found exactly once.';
comment on column audit_log.archives.tenant_id is 'Whose events they are.';
comment on column audit_log.archives.day is 'UTC day of occurred_at.';
comment on column audit_log.archives.state is
  'open: being written, read Postgres. ready: written and checked, read Postgres. archived: read the archive. restored: back in Postgres, read there. expiring: being deleted, read neither. deleted: gone.';
comment on column audit_log.archives.rows is 'Events in it.';
comment on column audit_log.archives.files is 'Parquet files that hold them.';
comment on column audit_log.archives.bytes is 'Bytes of these files.';
comment on column audit_log.archives.first_log_index is 'Least place of its leaves in the tenant''s tree.';
comment on column audit_log.archives.last_log_index is 'Greatest place of its leaves in the tenant''s tree; between the two there may be leaves of other days.';
comment on column audit_log.archives.checkpoint_size is 'Leaves of the signed checkpoint with which every event was compared after it was read back.';
comment on column audit_log.archives.checkpoint_root is 'Root hash of that checkpoint.';
comment on column audit_log.archives.manifest_key is 'Key of the signed manifest in object storage; it stays after deletion.';
comment on column audit_log.archives.manifest_sha256 is 'SHA-256 of the manifest''s bytes.';
comment on column audit_log.archives.archived_at is 'When the day was dropped from Postgres.';
comment on column audit_log.archives.expires_at is 'When it may be deleted, unless a hold covers it.';
comment on column audit_log.archives.expiring_at is 'When its deletion began, which is also the time of the event that records it.';
comment on column audit_log.archives.deleted_at is 'When its files were deleted.';
comment on column audit_log.archives.lease is 'Drawn by the worker that has the row now; what another worker records under an older one is refused.';
comment on column audit_log.archives.leased_until is 'From then on another worker may take it.';
comment on column audit_log.archives.attempts is 'Tries that failed since the last success.';
comment on column audit_log.archives.retry_at is 'Nothing is tried before that.';
comment on column audit_log.archives.problem is 'What went wrong last; null when nothing did since.';
comment on column audit_log.archives.problem_at is 'When that was.';

create table audit_log.archive_files (
  tenant_id uuid not null,
  day date not null,
  part integer not null,
  state text not null default 'planned',
  rows bigint not null,
  from_occurred_at timestamptz not null,
  from_id uuid not null,
  to_occurred_at timestamptz not null,
  to_id uuid not null,
  generation integer not null default 0,
  key text,
  sha256 bytea,
  bytes bigint,
  first_log_index bigint,
  last_log_index bigint,
  lease uuid,
  leased_until timestamptz,
  attempts integer not null default 0,
  retry_at timestamptz,
  problem text,
  problem_at timestamptz,
  constraint archive_files_are_one_per_part primary key (tenant_id, day, part),
  constraint file_belongs_to_an_archive foreign key (tenant_id, day) references audit_log.archives (tenant_id, day),
  constraint a_file_is_planned_written_or_checked check (state in ('planned', 'written', 'checked')),
  constraint what_is_written_has_a_name check (state = 'planned' or num_nulls(key, sha256, bytes, first_log_index, last_log_index) = 0),
  constraint file_hash_is_a_sha256 check (octet_length(sha256) = 32)
);
alter table audit_log.archive_files owner to audit_owner;
create index archive_files_to_do on audit_log.archive_files (day, tenant_id, part) where state <> 'checked';
comment on table audit_log.archive_files is 'The files into which a tenant''s day is cut: events from one key to another, both included, in the order of (occurred_at, id).';
comment on column audit_log.archive_files.tenant_id is 'Whose events they are.';
comment on column audit_log.archive_files.day is 'UTC day of occurred_at.';
comment on column audit_log.archive_files.part is 'Which file of the archive, from 0.';
comment on column audit_log.archive_files.state is
  'planned: to be written. written: uploaded, to be read back. checked: read back, and every event in it stands in the tree that the checkpoint signs.';
comment on column audit_log.archive_files.rows is 'Events in it.';
comment on column audit_log.archive_files.from_occurred_at is 'Time of its first event.';
comment on column audit_log.archive_files.from_id is 'Id of its first event.';
comment on column audit_log.archive_files.to_occurred_at is 'Time of its last event.';
comment on column audit_log.archive_files.to_id is 'Id of its last event.';
comment on column audit_log.archive_files.generation is 'How many objects were given up before this one, because the store held other bytes under their names.';
comment on column audit_log.archive_files.key is 'Key of the object.';
comment on column audit_log.archive_files.sha256 is 'SHA-256 of its bytes as they were made.';
comment on column audit_log.archive_files.bytes is 'Its size.';
comment on column audit_log.archive_files.first_log_index is 'Least place of its leaves in the tenant''s tree.';
comment on column audit_log.archive_files.last_log_index is 'Greatest place of its leaves in the tenant''s tree.';
comment on column audit_log.archive_files.lease is 'Drawn by the worker that has the file now.';
comment on column audit_log.archive_files.leased_until is 'From then on another worker may take it.';
comment on column audit_log.archive_files.attempts is 'Tries that failed since the last success.';
comment on column audit_log.archive_files.retry_at is 'Nothing is tried before that.';
comment on column audit_log.archive_files.problem is 'What went wrong last; null when nothing did since.';
comment on column audit_log.archive_files.problem_at is 'When that was.';

do $$
declare
  v_table text;
begin
  foreach v_table in array array['imported_days', 'archive_days', 'archives', 'archive_files'] loop
    execute format('alter table audit_log.%I enable row level security, force row level security', v_table);
    execute format('create policy "functions of audit_owner keep the archive''s books" on audit_log.%I for all to audit_owner using (true) with check (true)', v_table);
    execute format('create policy "jobs read the archive''s books" on audit_log.%I for select to audit_job using (true)', v_table);
    execute format('revoke all on table audit_log.%I from public, audit_owner', v_table);
    execute format('grant select, insert, update on table audit_log.%I to audit_owner', v_table);
    execute format('grant select on table audit_log.%I to audit_job', v_table);
  end loop;
end
$$;
grant references on table audit_log.archives to audit_owner;
create policy "viewers read archives of their own tenants" on audit_log.archives for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer')));
-- Of the work nothing but its outcome: leases and faults are the operator's.
grant select (
  tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root, manifest_key, manifest_sha256,
  archived_at, expires_at, expiring_at, deleted_at
) on table audit_log.archives to authenticated;

create function audit_log.note_import(p_days date[]) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  -- Shared with ingest(), against whoever closes a day: either that one sees this note, or this transaction's events find the day closed.
  perform pg_advisory_xact_lock_shared(1635083369, listed.day - date '2000-01-01') from (select distinct d from unnest(p_days) as d order by 1) as listed (day);
  insert into audit_log.imported_days as i (day, imported_at) select distinct d, clock_timestamp() from unnest(p_days) as d
  on conflict (day) do update set imported_at = greatest(i.imported_at, excluded.imported_at);
end
$$;
alter function audit_log.note_import(date[]) owner to audit_owner;
comment on function audit_log.note_import(date[]) is
  'Notes that the running transaction imports events into these UTC days: they stay open for 24 hours more. To be called in each transaction of an import, before ingest().';

-- Whether a hold keeps this tenant's day from deletion. Without holds nobody can know, so everything is held: fail closed.
create function audit_log.is_held(p_tenant_id uuid, p_day date) returns boolean
language sql stable security definer set search_path = ''
as $$ select true $$;
alter function audit_log.is_held(uuid, date) owner to audit_owner;
comment on function audit_log.is_held(uuid, date) is 'True when a hold covers anything of that tenant''s day, or when that cannot be known.';

create function audit_log.archive_expiry(p_tenant_id uuid, p_day date, p_default_years integer) returns timestamptz
language sql stable security definer set search_path = ''
as $$ select ((p_day + 1) + make_interval(years => p_default_years))::timestamp at time zone 'UTC' $$;
alter function audit_log.archive_expiry(uuid, date, integer) owner to audit_owner;
comment on function audit_log.archive_expiry(uuid, date, integer) is 'When a tenant''s day has been kept long enough: so many years after its end.';

revoke all on function audit_log.note_import(date[]), audit_log.is_held(uuid, date), audit_log.archive_expiry(uuid, date, integer) from public;
grant execute on function audit_log.note_import(date[]) to audit_job, audit_ingest;
grant execute on function audit_log.is_held(uuid, date), audit_log.archive_expiry(uuid, date, integer) to audit_job;

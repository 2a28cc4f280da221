-- Purpose: signed checkpoints of every tenant's tree, the keys that sign them, and what readers need to prove an event.
-- Locks: none on what exists.

create table audit_log.signing_keys (
  verifier_key text not null,
  log_origin text not null,
  since timestamptz not null default now(),
  retired_at timestamptz,
  constraint signing_keys_are_named_by_themselves primary key (verifier_key)
);
alter table audit_log.signing_keys owner to audit_owner;
comment on table audit_log.signing_keys is
  'Public keys that have signed checkpoints here. Whoever can write to the database could replace them: an independent check brings its own.';
comment on column audit_log.signing_keys.verifier_key is 'The key in C2SP signed-note''s text form, <name>+<id>+<Base 64>.';
comment on column audit_log.signing_keys.log_origin is 'Origin of the logs it signs; a checkpoint''s origin is <log_origin>/<tenant_id>.';
comment on column audit_log.signing_keys.since is 'When it was first used or announced here.';
comment on column audit_log.signing_keys.retired_at is 'When it ceases to sign, as its rotation statement says; null while nothing has succeeded it.';

create table audit_log.key_rotations (
  retired_key text not null,
  successor_key text not null,
  retired_at timestamptz not null,
  statement text not null,
  announced_at timestamptz not null default now(),
  constraint a_key_has_one_successor primary key (retired_key),
  constraint a_key_succeeds_once unique (successor_key),
  constraint retired_key_is_known foreign key (retired_key) references audit_log.signing_keys (verifier_key),
  constraint successor_key_is_known foreign key (successor_key) references audit_log.signing_keys (verifier_key)
);
alter table audit_log.key_rotations owner to audit_owner;
comment on table audit_log.key_rotations is 'Statements by which one signing key hands over to the next, signed by both.';
comment on column audit_log.key_rotations.retired_key is 'The key that hands over.';
comment on column audit_log.key_rotations.successor_key is 'The key that takes over.';
comment on column audit_log.key_rotations.retired_at is 'Nothing that retired_key signs after this counts.';
comment on column audit_log.key_rotations.statement is 'The signed note that says so; what verifiers believe, instead of the columns.';
comment on column audit_log.key_rotations.announced_at is 'When it was recorded here.';

create table audit_log.checkpoints (
  tenant_id uuid not null,
  size bigint not null,
  signed_at timestamptz not null,
  verifier_key text not null,
  root bytea not null,
  note text not null,
  constraint checkpoints_are_one_per_size_and_key primary key (tenant_id, size, verifier_key),
  constraint checkpoint_key_is_known foreign key (verifier_key) references audit_log.signing_keys (verifier_key),
  constraint root_is_a_sha256 check (octet_length(root) = 32)
);
alter table audit_log.checkpoints owner to audit_owner;
create index checkpoints_by_time on audit_log.checkpoints (signed_at, tenant_id);
comment on table audit_log.checkpoints is 'Signed statements of each tenant''s tree (C2SP tlog-checkpoint). After 48 hours one an hour is kept.';
comment on column audit_log.checkpoints.tenant_id is 'Whose tree it is.';
comment on column audit_log.checkpoints.size is 'Leaves that it covers.';
comment on column audit_log.checkpoints.signed_at is 'When it was signed, as its cosignature says.';
comment on column audit_log.checkpoints.verifier_key is 'The key that signed it.';
comment on column audit_log.checkpoints.root is 'Root hash that it states.';
comment on column audit_log.checkpoints.note is 'The signed note, verbatim: what verifiers believe, instead of the columns.';

-- Which bundles of checkpoints have left the database; bundles themselves are in object storage.
create table audit_log.checkpoint_bundles (
  name text not null,
  written_at timestamptz not null default now(),
  constraint bundles_are_written_once primary key (name)
);
alter table audit_log.checkpoint_bundles owner to audit_owner;
comment on table audit_log.checkpoint_bundles is 'Bundles of checkpoints that were put into object storage, so that a tick need not ask the store.';
comment on column audit_log.checkpoint_bundles.name is 'The object''s key.';
comment on column audit_log.checkpoint_bundles.written_at is 'When it was found durable there.';

alter table audit_log.signing_keys enable row level security;
alter table audit_log.signing_keys force row level security;
alter table audit_log.key_rotations enable row level security;
alter table audit_log.key_rotations force row level security;
alter table audit_log.checkpoints enable row level security;
alter table audit_log.checkpoints force row level security;
alter table audit_log.checkpoint_bundles enable row level security;
alter table audit_log.checkpoint_bundles force row level security;
create policy "functions of audit_owner record signing keys" on audit_log.signing_keys for all to audit_owner using (true) with check (true);
create policy "functions of audit_owner record rotations" on audit_log.key_rotations for all to audit_owner using (true) with check (true);
create policy "functions of audit_owner add and thin checkpoints" on audit_log.checkpoints for all to audit_owner using (true) with check (true);
create policy "functions of audit_owner record bundles" on audit_log.checkpoint_bundles for all to audit_owner using (true) with check (true);
create policy "jobs read every signing key" on audit_log.signing_keys for select to audit_job using (true);
create policy "jobs read every rotation" on audit_log.key_rotations for select to audit_job using (true);
create policy "jobs read every checkpoint" on audit_log.checkpoints for select to audit_job using (true);
create policy "jobs read which bundles were written" on audit_log.checkpoint_bundles for select to audit_job using (true);
create policy "whoever is signed in reads public keys" on audit_log.signing_keys for select to authenticated using (true);
create policy "whoever is signed in reads rotations of public keys" on audit_log.key_rotations for select to authenticated using (true);
create policy "viewers read checkpoints of their own tenants" on audit_log.checkpoints for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer')));

-- What is signed stays; only old checkpoints of an hour that keeps another may go, whoever asks.
create function audit_log.refuse_losing_a_checkpoint() returns trigger
language plpgsql set search_path = ''
as $$
declare
  v_next_hour timestamptz;
begin
  if tg_op = 'DELETE' and tg_table_name = 'checkpoints' then
    -- The next larger one tells: sizes and times grow together, and looking for any would read a tenant's whole history.
    select date_trunc('hour', kept.signed_at, 'UTC') into v_next_hour
    from audit_log.checkpoints as kept
    where kept.tenant_id = old.tenant_id and kept.size > old.size
    order by kept.size
    limit 1;
    if old.signed_at < now() - interval '48 hours' and v_next_hour = date_trunc('hour', old.signed_at, 'UTC') then
      return old;
    end if;
  end if;
  raise exception '% on %.%: checkpoints are append-only', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$$;
alter function audit_log.refuse_losing_a_checkpoint() owner to audit_owner;
comment on function audit_log.refuse_losing_a_checkpoint() is
  'Refuses UPDATE, DELETE and TRUNCATE; but a checkpoint older than 48 hours may go when a larger one of its tenant and hour stays.';
revoke all on function audit_log.refuse_losing_a_checkpoint() from public;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['key_rotations', 'checkpoints', 'checkpoint_bundles'] loop
    execute format('create trigger checkpoints_refuse_loss before update or delete on audit_log.%I
      for each row execute function audit_log.refuse_losing_a_checkpoint()', v_table);
    execute format('create trigger checkpoints_refuse_truncate before truncate on audit_log.%I
      for each statement execute function audit_log.refuse_losing_a_checkpoint()', v_table);
    execute format('alter table audit_log.%I enable always trigger checkpoints_refuse_loss, enable always trigger checkpoints_refuse_truncate', v_table);
  end loop;
end
$$;

revoke all on table audit_log.signing_keys, audit_log.key_rotations, audit_log.checkpoints, audit_log.checkpoint_bundles from public, audit_owner;
grant select, insert, update, references on table audit_log.signing_keys to audit_owner;
grant select, insert on table audit_log.key_rotations, audit_log.checkpoint_bundles to audit_owner;
grant select, insert, delete on table audit_log.checkpoints to audit_owner;
grant select on table audit_log.signing_keys, audit_log.key_rotations, audit_log.checkpoints to audit_job, authenticated;
grant select on table audit_log.checkpoint_bundles to audit_job;

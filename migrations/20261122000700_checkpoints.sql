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

-- The last checkpoint of each tenant: the sealer compares a tree with it before it appends, and so never signs over a change.
create function audit_log.seal_trees(p_tenant_ids uuid[])
returns table (tenant_id uuid, size bigint, edge bytea, widths integer[], note text, verifier_key text, problem text)
language sql stable security definer set search_path = ''
as $$
  select t.tenant_id, coalesce(s.size, 0), coalesce(s.edge, ''),
    -- Widths of the last tile of each level, null where there is none: to be compared with those of a tree of this size.
    array(
      select (
        select octet_length(e.hashes) / 32 from audit_log.tiles as e
        where e.tenant_id = t.tenant_id and e.level = l.level
          and e.tile_index = div(coalesce(s.size, 0), 256::numeric ^ (l.level + 1))::bigint
      )
      from generate_series(0, 6) as l (level) order by l.level
    ),
    c.note, c.verifier_key, p.problem
  from unnest(p_tenant_ids) as t (tenant_id)
  left join audit_log.tree_state as s on s.tenant_id = t.tenant_id
  left join audit_log.tree_problems as p on p.tenant_id = t.tenant_id
  left join lateral (
    select k.note, k.verifier_key from audit_log.checkpoints as k where k.tenant_id = t.tenant_id order by k.size desc, k.signed_at desc limit 1
  ) as c on true
$$;
alter function audit_log.seal_trees(uuid[]) owner to audit_owner;
comment on function audit_log.seal_trees(uuid[]) is 'The trees of these tenants as they stand, each with its last checkpoint; size 0 for one that has none yet.';

-- After a rotation: trees whose newest checkpoint is by another key. A tree is small change to look at; there is one a tenant.
create function audit_log.trees_signed_by_others(p_verifier_key text, p_limit integer) returns setof uuid
language sql stable security definer set search_path = ''
as $$
  select s.tenant_id from audit_log.tree_state as s
  where not exists (
    select from audit_log.checkpoints as c where c.tenant_id = s.tenant_id and c.size = s.size and c.verifier_key = p_verifier_key
  ) and not exists (select from audit_log.tree_problems as p where p.tenant_id = s.tenant_id)
  limit p_limit
$$;
alter function audit_log.trees_signed_by_others(text, integer) owner to audit_owner;
comment on function audit_log.trees_signed_by_others(text, integer) is 'Tenants, at most p_limit, whose tree as it stands has no checkpoint by this key.';

create function audit_log.seal_sign(
  p_verifier_key text, p_tenant_ids uuid[], p_sizes bigint[], p_roots bytea[], p_notes text[], p_signed_at timestamptz
) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_rows bigint;
begin
  insert into audit_log.checkpoints (tenant_id, size, signed_at, verifier_key, root, note)
  select c.tenant_id, c.size, p_signed_at, p_verifier_key, c.root, c.note
  from unnest(p_tenant_ids, p_sizes, p_roots, p_notes) as c (tenant_id, size, root, note)
  join audit_log.tree_state as s on s.tenant_id = c.tenant_id and s.size = c.size and s.root = c.root;
  get diagnostics v_rows = row_count;
  if v_rows <> cardinality(p_tenant_ids) then
    raise exception 'seal: a checkpoint is not of the tree as it stands' using errcode = 'serialization_failure';
  end if;
end
$$;
alter function audit_log.seal_sign(text, uuid[], bigint[], bytea[], text[], timestamptz) owner to audit_owner;
comment on function audit_log.seal_sign(text, uuid[], bigint[], bytea[], text[], timestamptz) is
  'Records signed checkpoints of trees as they stand; raises serialization_failure when one is of another size or root.';

-- The first key of a log is taken as it comes; every other must have been announced by the key that it succeeds.
create function audit_log.use_signing_key(p_verifier_key text, p_log_origin text) returns text
language plpgsql security definer set search_path = ''
as $$
declare
  v_retired_at timestamptz;
begin
  select k.retired_at into v_retired_at from audit_log.signing_keys as k where k.verifier_key = p_verifier_key and k.log_origin = p_log_origin;
  if found then
    return case when v_retired_at <= now() then 'retired' else 'usable' end;
  end if;
  -- Two sealers that start a new log with two keys: the second waits here, and is refused.
  lock table audit_log.signing_keys in share row exclusive mode;
  if exists (select from audit_log.signing_keys) then
    return 'unknown';
  end if;
  insert into audit_log.signing_keys (verifier_key, log_origin) values (p_verifier_key, p_log_origin);
  return 'usable';
end
$$;
alter function audit_log.use_signing_key(text, text) owner to audit_owner;
comment on function audit_log.use_signing_key(text, text) is
  'Whether a key may sign: usable, retired, or unknown. The first key of a database becomes known by asking.';

create function audit_log.announce_key(
  p_retired_key text, p_successor_key text, p_log_origin text, p_retired_at timestamptz, p_statement text
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  -- Checkpoints that were good when they were signed must not become bad by hindsight.
  if exists (select from audit_log.checkpoints as c where c.signed_at > p_retired_at and c.verifier_key = p_retired_key) then
    raise exception 'announce key: the key that retires has signed since' using errcode = 'object_not_in_prerequisite_state';
  end if;
  update audit_log.signing_keys set retired_at = p_retired_at
  where verifier_key = p_retired_key and log_origin = p_log_origin and retired_at is null;
  if not found then
    raise exception 'announce key: the key that retires is not in use' using errcode = 'object_not_in_prerequisite_state';
  end if;
  insert into audit_log.signing_keys (verifier_key, log_origin) values (p_successor_key, p_log_origin);
  insert into audit_log.key_rotations (retired_key, successor_key, retired_at, statement)
  values (p_retired_key, p_successor_key, p_retired_at, p_statement);
end
$$;
alter function audit_log.announce_key(text, text, text, timestamptz, text) owner to audit_owner;
comment on function audit_log.announce_key(text, text, text, timestamptz, text) is
  'Records a rotation statement, whose signatures the caller has verified: the key in use retires, its successor becomes known.';

create function audit_log.thin_checkpoints(p_since timestamptz, p_limit integer) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  v_thinned bigint;
begin
  delete from audit_log.checkpoints as c
  using (
    select o.tenant_id, o.size, o.verifier_key
    from audit_log.checkpoints as o
    where o.signed_at >= p_since and o.signed_at < now() - interval '48 hours' and date_trunc('hour', o.signed_at, 'UTC') = (
      select date_trunc('hour', kept.signed_at, 'UTC') from audit_log.checkpoints as kept
      where kept.tenant_id = o.tenant_id and kept.size > o.size
      order by kept.size
      limit 1
    )
    order by o.signed_at
    limit least(p_limit, 100000)
  ) as o
  where c.tenant_id = o.tenant_id and c.size = o.size and c.verifier_key = o.verifier_key;
  get diagnostics v_thinned = row_count;
  return v_thinned;
end
$$;
alter function audit_log.thin_checkpoints(timestamptz, integer) owner to audit_owner;
comment on function audit_log.thin_checkpoints(timestamptz, integer) is
  'Deletes checkpoints signed from p_since on and older than 48 hours of which a larger one of the same tenant and hour stays, at most p_limit; how many it deleted.';

create function audit_log.record_bundle(p_name text) returns void
language sql security definer set search_path = ''
as $$ insert into audit_log.checkpoint_bundles (name) values (p_name) on conflict do nothing $$;
alter function audit_log.record_bundle(text) owner to audit_owner;
comment on function audit_log.record_bundle(text) is 'Records that a bundle of checkpoints is durable in object storage.';

-- Finds a leaf by its event without showing seq.
create function audit_log.find_leaf(p_tenant_id uuid, p_occurred_at timestamptz, p_id uuid) returns table (leaf_index bigint, leaf_hash bytea)
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
$$;
alter function audit_log.find_leaf(uuid, timestamptz, uuid) owner to audit_owner;
comment on function audit_log.find_leaf(uuid, timestamptz, uuid) is
  'Where the leaf of an event stands in its tenant''s tree, for auditors of that tenant; no row when it is not sealed or not there.';

revoke all on function audit_log.trees_signed_by_others(text, integer) from public;
grant execute on function audit_log.trees_signed_by_others(text, integer) to audit_job;
revoke all on function audit_log.seal_trees(uuid[]), audit_log.seal_sign(text, uuid[], bigint[], bytea[], text[], timestamptz) from public;
revoke all on function audit_log.use_signing_key(text, text), audit_log.announce_key(text, text, text, timestamptz, text) from public;
revoke all on function audit_log.thin_checkpoints(timestamptz, integer), audit_log.record_bundle(text), audit_log.find_leaf(uuid, timestamptz, uuid) from public;
grant execute on function audit_log.seal_trees(uuid[]), audit_log.seal_sign(text, uuid[], bigint[], bytea[], text[], timestamptz) to audit_job;
grant execute on function audit_log.use_signing_key(text, text), audit_log.announce_key(text, text, text, timestamptz, text) to audit_job;
grant execute on function audit_log.thin_checkpoints(timestamptz, integer), audit_log.record_bundle(text) to audit_job;
grant execute on function audit_log.find_leaf(uuid, timestamptz, uuid) to authenticated;

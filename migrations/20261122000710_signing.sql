-- Purpose: what the sealer does to checkpoints and keys, and how readers find a leaf.
-- Locks: none on what exists. The first key of a database is taken under SHARE ROW EXCLUSIVE on signing_keys.

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

-- Purpose: what the sealer does to trees: open a turn behind the gate, append, report what differs.
-- Locks: sealing holds one advisory lock until commit, and takes no lock that ingest waits for.

-- Opens a turn of the sealer in the running transaction. `outcome` is 'busy' when another sealer is at work (then nothing else may be done),
-- else 'open': the events in (sealed_seq, open_seq] may be sealed before this transaction commits.
create function audit_log.seal_open() returns table (outcome text, sealed_seq bigint, open_seq bigint, gate_at timestamptz)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v audit_log.sealer;
  v_before audit_log.sealer;
  v_last bigint;
begin
  if pg_is_in_recovery() then
    raise exception 'seal: this is a replica' using errcode = 'read_only_sql_transaction';
  end if;
  -- With an older snapshot the lock would protect nothing: what the sealer before us committed would be invisible.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'seal: isolation level is %', current_setting('transaction_isolation') using errcode = 'invalid_transaction_state';
  end if;
  -- An xid that is older than the reading of the sequence is no gate: an ingest between the two would have a younger one and be missed.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'seal: this transaction has written before' using errcode = 'invalid_transaction_state';
  end if;
  if not pg_try_advisory_xact_lock(1635083369, -2) then
    return query select 'busy'::text, null::bigint, null::bigint, null::timestamptz;
    return;
  end if;
  perform audit_log.require_durable_commit();
  select s.* into strict v from audit_log.sealer as s;
  v_before := v;
  -- A gate from the future comes from another cluster, by dump and restore: xids begin anew there.
  if v.gate_xid >= pg_snapshot_xmax(pg_current_snapshot()) then
    v.gate_xid := null;
  end if;
  -- First the gate that an earlier turn has set, then, if it has passed or there was none, one of our own, which passes at once when nobody older runs.
  if v.gate_xid <= pg_snapshot_xmin(pg_current_snapshot()) then
    v.open_seq := v.gate_seq;
    v.gate_xid := null;
  end if;
  if v.gate_xid is null then
    select case when q.is_called then q.last_value else 0 end into v_last from audit_log.event_seq as q;
    if v_last > v.open_seq then
      v.gate_seq := v_last;
      v.gate_xid := pg_current_xact_id();
      v.gate_at := clock_timestamp();
      -- The snapshot of this statement is newer than the gate.
      if v.gate_xid <= pg_snapshot_xmin(pg_current_snapshot()) then
        v.open_seq := v.gate_seq;
        v.gate_xid := null;
      end if;
    end if;
  end if;
  if v.gate_xid is null then
    v.gate_seq := null;
    v.gate_at := null;
  end if;
  if v is distinct from v_before then
    update audit_log.sealer as s
    set open_seq = v.open_seq, gate_seq = v.gate_seq, gate_xid = v.gate_xid, gate_at = v.gate_at;
  end if;
  return query select 'open'::text, v.sealed_seq, v.open_seq, v.gate_at;
end
$$;
alter function audit_log.seal_open() owner to audit_owner;
comment on function audit_log.seal_open() is
  'Takes the sealer''s lock for the running transaction, sets or passes the gate, and says which events may be sealed now; ''busy'' when another sealer is at work.';

-- Appends to trees and tiles what the sealer has computed, and moves its mark. All or nothing: the first thing that is not as the sealer read it
-- raises. Leaves come as flat arrays over all tiles of level 0, and each
-- append to one names where its leaves begin; null above level 0, where a slice then is null too.
create function audit_log.seal_append(
  p_from_seq bigint,
  p_to_seq bigint,
  p_tree_tenant_ids uuid[],
  p_tree_old_sizes bigint[],
  p_tree_new_sizes bigint[],
  p_tree_edges bytea[],
  p_tree_roots bytea[],
  p_tile_tenant_ids uuid[],
  p_tile_levels integer[],
  p_tile_indexes bigint[],
  p_tile_offsets integer[],
  p_tile_hashes bytea[],
  p_tile_leaves integer[],
  p_leaf_seqs bigint[],
  p_leaf_occurred_ats timestamptz[],
  p_leaf_ids uuid[]
) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_rows bigint;
begin
  update audit_log.sealer set sealed_seq = p_to_seq where sealed_seq = p_from_seq and p_to_seq between p_from_seq and open_seq;
  if not found then
    raise exception 'seal: another sealer went ahead' using errcode = 'serialization_failure';
  end if;

  insert into audit_log.tree_state (tenant_id, size, edge, root)
  select t.tenant_id, t.new_size, t.edge, t.root
  from unnest(p_tree_tenant_ids, p_tree_old_sizes, p_tree_new_sizes, p_tree_edges, p_tree_roots) as t (tenant_id, old_size, new_size, edge, root)
  where t.old_size = 0;
  update audit_log.tree_state as s set size = t.new_size, edge = t.edge, root = t.root, sealed_at = now()
  from unnest(p_tree_tenant_ids, p_tree_old_sizes, p_tree_new_sizes, p_tree_edges, p_tree_roots) as t (tenant_id, old_size, new_size, edge, root)
  where t.old_size > 0 and s.tenant_id = t.tenant_id and s.size = t.old_size;
  get diagnostics v_rows = row_count;
  if v_rows <> (select count(*) from unnest(p_tree_old_sizes) as old (size) where old.size > 0) then
    raise exception 'seal: a tree has another size than was read' using errcode = 'serialization_failure';
  end if;

  -- A tile that begins must not be there yet; one that goes on must end where the append begins.
  insert into audit_log.tiles (tenant_id, level, tile_index, hashes, first_seq, seqs, occurred_ats, ids)
  select t.tenant_id, t.level, t.tile_index, t.hashes, p_leaf_seqs[t.leaf], p_leaf_seqs[t.leaf:t.last], p_leaf_occurred_ats[t.leaf:t.last],
    p_leaf_ids[t.leaf:t.last]
  from (
    select u.*, u.leaf + octet_length(u.hashes) / 32 - 1 as last
    from unnest(p_tile_tenant_ids, p_tile_levels, p_tile_indexes, p_tile_offsets, p_tile_hashes, p_tile_leaves)
      as u (tenant_id, level, tile_index, tile_offset, hashes, leaf)
  ) as t
  where t.tile_offset = 0;
  update audit_log.tiles as s
  set hashes = s.hashes || t.hashes, seqs = s.seqs || p_leaf_seqs[t.leaf:t.last], occurred_ats = s.occurred_ats || p_leaf_occurred_ats[t.leaf:t.last],
    ids = s.ids || p_leaf_ids[t.leaf:t.last]
  from (
    select u.*, u.leaf + octet_length(u.hashes) / 32 - 1 as last
    from unnest(p_tile_tenant_ids, p_tile_levels, p_tile_indexes, p_tile_offsets, p_tile_hashes, p_tile_leaves)
      as u (tenant_id, level, tile_index, tile_offset, hashes, leaf)
  ) as t
  where t.tile_offset > 0 and s.tenant_id = t.tenant_id and s.level = t.level and s.tile_index = t.tile_index
    and octet_length(s.hashes) = t.tile_offset * 32;
  get diagnostics v_rows = row_count;
  if v_rows <> (select count(*) from unnest(p_tile_offsets) as append (tile_offset) where append.tile_offset > 0) then
    raise exception 'seal: a tile has another width than was read' using errcode = 'serialization_failure';
  end if;
end
$$;
alter function audit_log.seal_append(
  bigint, bigint, uuid[], bigint[], bigint[], bytea[], bytea[], uuid[], integer[], bigint[], integer[], bytea[], integer[], bigint[], timestamptz[], uuid[]
) owner to audit_owner;
comment on function audit_log.seal_append(
  bigint, bigint, uuid[], bigint[], bigint[], bytea[], bytea[], uuid[], integer[], bigint[], integer[], bytea[], integer[], bigint[], timestamptz[], uuid[]
) is 'Appends leaves to trees and tiles and moves the sealer from p_from_seq to p_to_seq, if all is as it was read; raises serialization_failure otherwise.';

-- Records what the sealer may not seal. Finding it again is nothing new.
create function audit_log.seal_report(
  p_tenant_ids uuid[], p_occurred_ats timestamptz[], p_ids uuid[], p_seqs bigint[], p_stored bytea[], p_rebuilt bytea[],
  p_tree_tenant_ids uuid[], p_tree_problems text[]
) returns void
language sql security definer set search_path = ''
as $$
  insert into audit_log.seal_problems (tenant_id, occurred_at, id, seq, stored_leaf_hash, rebuilt_leaf_hash)
  select * from unnest(p_tenant_ids, p_occurred_ats, p_ids, p_seqs, p_stored, p_rebuilt)
  on conflict do nothing;
  insert into audit_log.tree_problems (tenant_id, problem)
  select * from unnest(p_tree_tenant_ids, p_tree_problems)
  on conflict do nothing;
$$;
alter function audit_log.seal_report(uuid[], timestamptz[], uuid[], bigint[], bytea[], bytea[], uuid[], text[]) owner to audit_owner;
comment on function audit_log.seal_report(uuid[], timestamptz[], uuid[], bigint[], bytea[], bytea[], uuid[], text[]) is
  'Records events whose row does not rebuild its leaf hash, and tenants whose tree does not match its checkpoint.';

revoke all on function audit_log.seal_open() from public;
revoke all on function audit_log.seal_append(
  bigint, bigint, uuid[], bigint[], bigint[], bytea[], bytea[], uuid[], integer[], bigint[], integer[], bytea[], integer[], bigint[], timestamptz[], uuid[]
) from public;
revoke all on function audit_log.seal_report(uuid[], timestamptz[], uuid[], bigint[], bytea[], bytea[], uuid[], text[]) from public;
grant execute on function audit_log.seal_open() to audit_job;
grant execute on function audit_log.seal_append(
  bigint, bigint, uuid[], bigint[], bigint[], bytea[], bytea[], uuid[], integer[], bigint[], integer[], bytea[], integer[], bigint[], timestamptz[], uuid[]
) to audit_job;
grant execute on function audit_log.seal_report(uuid[], timestamptz[], uuid[], bigint[], bytea[], bytea[], uuid[], text[]) to audit_job;

-- Purpose: each tenant's Merkle tree (RFC 6962) in tiles of 256 hashes, how far sealing has come, and what could not be sealed.
-- Locks: none on what exists.

-- How far sealing has come, over all tenants. A number drawn from event_seq may be committed long after a higher one, so "everything above the
-- last one I saw" loses events. Hence a gate: first the sequence is read, then the sealer takes an xid. ingest() has its xid before it draws, so
-- once no transaction older than the gate runs, all that can ever stand at or below that number is visible.
create table audit_log.sealer (
  only_row boolean not null default true,
  sealed_seq bigint not null default 0,
  open_seq bigint not null default 0,
  gate_seq bigint,
  gate_xid xid8,
  gate_at timestamptz,
  constraint there_is_one_sealer primary key (only_row),
  constraint the_only_row_is_true check (only_row),
  constraint sealed_is_not_beyond_open check (sealed_seq <= open_seq),
  constraint a_gate_is_whole check (num_nulls(gate_seq, gate_xid, gate_at) in (0, 3))
);
alter table audit_log.sealer owner to audit_owner;
comment on table audit_log.sealer is 'How far sealing has come, over all tenants.';
comment on column audit_log.sealer.only_row is 'Always true: there is one row.';
comment on column audit_log.sealer.sealed_seq is 'Every event up to this seq is sealed or in seal_problems.';
comment on column audit_log.sealer.open_seq is 'No transaction can add an event up to this seq any more.';
comment on column audit_log.sealer.gate_seq is 'What open_seq becomes once no transaction older than gate_xid runs.';
comment on column audit_log.sealer.gate_xid is 'The sealer''s own xid, taken after it had read gate_seq.';
comment on column audit_log.sealer.gate_at is 'When the gate was set: an old one means that a transaction, perhaps a prepared one, holds sealing up.';
insert into audit_log.sealer default values;

create table audit_log.tree_state (
  tenant_id uuid not null,
  size bigint not null,
  edge bytea not null,
  root bytea not null,
  sealed_at timestamptz not null default now(),
  constraint tree_state_is_one_per_tenant primary key (tenant_id),
  constraint a_tree_has_leaves check (size > 0),
  constraint edge_is_whole_hashes check (octet_length(edge) % 32 = 0 and octet_length(edge) > 0),
  constraint root_is_a_sha256 check (octet_length(root) = 32)
);
alter table audit_log.tree_state owner to audit_owner;
alter table audit_log.tree_state alter column edge set storage plain;
comment on table audit_log.tree_state is 'Each tenant''s Merkle tree as it stands; grows, never shrinks.';
comment on column audit_log.tree_state.tenant_id is 'Whose tree it is.';
comment on column audit_log.tree_state.size is 'Leaves of the tree.';
comment on column audit_log.tree_state.edge is 'Roots of the tree''s perfect subtrees, largest first, 32 bytes each: all that is needed to append.';
comment on column audit_log.tree_state.root is 'Root hash, RFC 6962 section 2.1.';
comment on column audit_log.tree_state.sealed_at is 'When it last grew.';

create table audit_log.tiles (
  tenant_id uuid not null,
  level smallint not null,
  tile_index bigint not null,
  hashes bytea not null,
  first_seq bigint,
  seqs bigint[],
  occurred_ats timestamptz[],
  ids uuid[],
  constraint tiles_are_one_per_place primary key (tenant_id, level, tile_index),
  constraint level_is_0_to_63 check (level between 0 and 63),
  constraint hashes_are_1_to_256 check (octet_length(hashes) between 32 and 8192 and octet_length(hashes) % 32 = 0),
  constraint leaves_are_named_on_level_0 check (
    case when level = 0
      then cardinality(seqs) = octet_length(hashes) / 32 and cardinality(occurred_ats) = cardinality(seqs) and cardinality(ids) = cardinality(seqs)
        and first_seq = seqs[1]
      else num_nonnulls(first_seq, seqs, occurred_ats, ids) = 0
    end
  )
);
alter table audit_log.tiles owner to audit_owner;
-- Hashes and random ids do not compress: trying would be the dearest part of writing them.
alter table audit_log.tiles alter column hashes set storage external, alter column seqs set storage external;
alter table audit_log.tiles alter column occurred_ats set storage external, alter column ids set storage external;
create index tiles_by_first_seq on audit_log.tiles (tenant_id, first_seq) where level = 0;
comment on table audit_log.tiles is 'Hashes of each tenant''s tree, 256 a row, as in C2SP tlog-tiles. The last tile of a level is partial: it is appended to, never changed.';
comment on column audit_log.tiles.tenant_id is 'Whose tree it is.';
comment on column audit_log.tiles.level is '0: leaf hashes. Above: roots of the full tiles one level down.';
comment on column audit_log.tiles.tile_index is 'Which tile of its level, from 0.';
comment on column audit_log.tiles.hashes is 'Hashes of 32 bytes, end to end.';
comment on column audit_log.tiles.first_seq is 'First of seqs, to find a leaf by.';
comment on column audit_log.tiles.seqs is 'events.seq of each leaf; on level 0 only.';
comment on column audit_log.tiles.occurred_ats is 'events.occurred_at of each leaf; on level 0 only.';
comment on column audit_log.tiles.ids is 'events.id of each leaf; on level 0 only.';

create table audit_log.seal_problems (
  tenant_id uuid not null,
  occurred_at timestamptz not null,
  id uuid not null,
  seq bigint not null,
  stored_leaf_hash bytea not null,
  rebuilt_leaf_hash bytea,
  found_at timestamptz not null default now(),
  constraint seal_problems_are_one_per_event primary key (tenant_id, occurred_at, id)
);
alter table audit_log.seal_problems owner to audit_owner;
comment on table audit_log.seal_problems is 'Events that were not sealed, because their row no longer rebuilds the leaf hash stored with it: it was changed after it was stored.';
comment on column audit_log.seal_problems.tenant_id is 'events.tenant_id as found.';
comment on column audit_log.seal_problems.occurred_at is 'events.occurred_at as found.';
comment on column audit_log.seal_problems.id is 'events.id as found.';
comment on column audit_log.seal_problems.seq is 'events.seq as found.';
comment on column audit_log.seal_problems.stored_leaf_hash is 'events.leaf_hash as found.';
comment on column audit_log.seal_problems.rebuilt_leaf_hash is 'What the row hashes to; null when no leaf could be built from it.';
comment on column audit_log.seal_problems.found_at is 'When the sealer found it.';

create table audit_log.tree_problems (
  tenant_id uuid not null,
  problem text not null,
  found_at timestamptz not null default now(),
  constraint tree_problems_are_one_per_tenant primary key (tenant_id)
);
alter table audit_log.tree_problems owner to audit_owner;
comment on table audit_log.tree_problems is
  'Tenants whose tree does not match its last signed checkpoint: nothing is appended to it, since a signature would cover up the change. Their events are passed over.';
comment on column audit_log.tree_problems.tenant_id is 'Whose tree it is.';
comment on column audit_log.tree_problems.problem is 'What was found.';
comment on column audit_log.tree_problems.found_at is 'When the sealer found it.';

alter table audit_log.sealer enable row level security;
alter table audit_log.sealer force row level security;
alter table audit_log.tree_state enable row level security;
alter table audit_log.tree_state force row level security;
alter table audit_log.tiles enable row level security;
alter table audit_log.tiles force row level security;
alter table audit_log.seal_problems enable row level security;
alter table audit_log.seal_problems force row level security;
alter table audit_log.tree_problems enable row level security;
alter table audit_log.tree_problems force row level security;

create policy "functions of audit_owner move the sealer" on audit_log.sealer for all to audit_owner using (true) with check (true);
create policy "functions of audit_owner grow trees" on audit_log.tree_state for all to audit_owner using (true) with check (true);
create policy "functions of audit_owner write tiles" on audit_log.tiles for all to audit_owner using (true) with check (true);
create policy "functions of audit_owner record events that differ" on audit_log.seal_problems for all to audit_owner using (true) with check (true);
create policy "functions of audit_owner record trees that differ" on audit_log.tree_problems for all to audit_owner using (true) with check (true);
create policy "jobs read how far sealing has come" on audit_log.sealer for select to audit_job using (true);
create policy "jobs read every tree" on audit_log.tree_state for select to audit_job using (true);
create policy "jobs read every tile" on audit_log.tiles for select to audit_job using (true);
create policy "jobs read every event that differs" on audit_log.seal_problems for select to audit_job using (true);
create policy "jobs read every tree that differs" on audit_log.tree_problems for select to audit_job using (true);
create policy "viewers read the size of their own tenants' trees" on audit_log.tree_state for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer')));
create policy "auditors read tiles of their own tenants" on audit_log.tiles for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor')));
create policy "auditors read events of their own tenants that differ" on audit_log.seal_problems for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor')));
create policy "auditors read whether trees of their own tenants differ" on audit_log.tree_problems for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor')));

-- A tree only grows, a tile is only appended to, and what was found stays found: refused here for the owner too, whose functions write them.
create function audit_log.refuse_rewriting_a_tree() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and tg_table_name = 'tree_state' then
    if new.tenant_id = old.tenant_id and new.size > old.size then
      return new;
    end if;
  elsif tg_op = 'UPDATE' and tg_table_name = 'tiles' then
    if (new.tenant_id, new.level, new.tile_index) = (old.tenant_id, old.level, old.tile_index)
      and octet_length(new.hashes) > octet_length(old.hashes)
      and substring(new.hashes from 1 for octet_length(old.hashes)) = old.hashes
      and new.seqs[1:cardinality(old.seqs)] is not distinct from old.seqs
      and new.occurred_ats[1:cardinality(old.occurred_ats)] is not distinct from old.occurred_ats
      and new.ids[1:cardinality(old.ids)] is not distinct from old.ids then
      return new;
    end if;
  end if;
  raise exception '% on %.%: a tree is append-only', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$$;
alter function audit_log.refuse_rewriting_a_tree() owner to audit_owner;
comment on function audit_log.refuse_rewriting_a_tree() is 'Lets a tree grow and a tile be appended to; refuses every other UPDATE, and every DELETE and TRUNCATE.';
revoke all on function audit_log.refuse_rewriting_a_tree() from public;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['tree_state', 'tiles', 'seal_problems', 'tree_problems'] loop
    execute format('create trigger tree_refuses_rewriting before update or delete on audit_log.%I
      for each row execute function audit_log.refuse_rewriting_a_tree()', v_table);
    execute format('create trigger tree_refuses_truncate before truncate on audit_log.%I
      for each statement execute function audit_log.refuse_rewriting_a_tree()', v_table);
    execute format('alter table audit_log.%I enable always trigger tree_refuses_rewriting, enable always trigger tree_refuses_truncate', v_table);
  end loop;
end
$$;

revoke all on table audit_log.sealer, audit_log.tree_state, audit_log.tiles, audit_log.seal_problems, audit_log.tree_problems from public, audit_owner;
grant select, update on table audit_log.sealer to audit_owner;
grant select, insert, update on table audit_log.tree_state, audit_log.tiles to audit_owner;
grant select, insert on table audit_log.seal_problems, audit_log.tree_problems to audit_owner;
grant select on table audit_log.sealer, audit_log.tree_state, audit_log.tiles, audit_log.seal_problems, audit_log.tree_problems to audit_job;
-- All but seq, whose gaps tell of other tenants' volume.
grant select (tenant_id, size, root, sealed_at) on table audit_log.tree_state to authenticated;
grant select (tenant_id, level, tile_index, hashes, occurred_ats, ids) on table audit_log.tiles to authenticated;
grant select (tenant_id, occurred_at, id, stored_leaf_hash, rebuilt_leaf_hash, found_at) on table audit_log.seal_problems to authenticated;
grant select on table audit_log.tree_problems to authenticated;
grant select on sequence audit_log.event_seq to audit_owner;

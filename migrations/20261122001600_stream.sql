-- Purpose: the sealed events of a tenant in the order of its tree, for readers that follow the log.
-- Locks: none on what exists.

-- Times and ids alone: the events themselves are then read by the caller, through its own row-level security.
create function audit_log.sealed_leaves(p_tenant_id uuid, p_from bigint, p_limit integer)
returns table (leaf_index bigint, occurred_at timestamptz, id uuid)
language sql stable security definer set search_path = ''
as $$
  select t.tile_index * 256 + leaf.at - 1, leaf.occurred_at, leaf.id
  from audit_log.tiles as t
  cross join lateral unnest(t.occurred_ats, t.ids) with ordinality as leaf (occurred_at, id, at)
  where t.tenant_id = p_tenant_id and t.level = 0
    and t.tile_index between p_from / 256 and (p_from + p_limit - 1) / 256
    and t.tile_index * 256 + leaf.at - 1 between p_from and p_from + p_limit - 1
    and p_tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer'))
  order by t.tile_index, leaf.at
$$;
alter function audit_log.sealed_leaves(uuid, bigint, integer) owner to audit_owner;
comment on function audit_log.sealed_leaves(uuid, bigint, integer) is
  'The p_limit leaves from index p_from on of the tenant''s tree, in order, for viewers of that tenant; fewer at the end of the tree and where tiles have moved to the archive.';
revoke all on function audit_log.sealed_leaves(uuid, bigint, integer) from public;
grant execute on function audit_log.sealed_leaves(uuid, bigint, integer) to authenticated;

-- Purpose: what the query service needs beside the tables: places of many leaves at once.
-- Locks: none on what exists.

-- The bulk of find_leaf(), for exports. Dynamic, so that it is planned with the times of this page: a plan for any times would look at every day.
create function audit_log.find_leaves(p_tenant_id uuid, p_occurred_ats timestamptz[], p_ids uuid[]) returns table (place bigint, leaf_index bigint)
language plpgsql stable security definer set search_path = ''
as $$
begin
  if coalesce(p_tenant_id = any (audit_log.tenant_ids()) and audit_log.has_role('auditor'), false) is not true then
    return;
  end if;
  return query execute $query$
    with wanted as materialized (
      select w.place, w.id, e.seq
      from unnest($2, $3) with ordinality as w (occurred_at, id, place)
      cross join lateral (
        select s.seq from audit_log.events as s
        where s.tenant_id = $1 and s.occurred_at = w.occurred_at and s.id = w.id and s.occurred_at between $4 and $5
        limit 1
      ) as e
    ), hit as materialized (
      -- Which tiles, by their index alone; then the list of each tile once, however many of its leaves are asked for.
      select distinct near.tile_index
      from wanted
      cross join lateral (
        select t.tile_index from audit_log.tiles as t
        where t.tenant_id = $1 and t.level = 0 and t.first_seq <= wanted.seq
        order by t.first_seq desc
        limit 1
      ) as near
    )
    select wanted.place, t.tile_index * 256 + leaf.at - 1
    from hit
    join audit_log.tiles as t on t.tenant_id = $1 and t.level = 0 and t.tile_index = hit.tile_index
    cross join lateral unnest(t.seqs, t.ids) with ordinality as leaf (seq, id, at)
    join wanted on wanted.seq = leaf.seq and wanted.id = leaf.id
  $query$ using p_tenant_id, p_occurred_ats, p_ids, (select min(at) from unnest(p_occurred_ats) as at), (select max(at) from unnest(p_occurred_ats) as at);
end
$$;
alter function audit_log.find_leaves(uuid, timestamptz[], uuid[]) owner to audit_owner;
comment on function audit_log.find_leaves(uuid, timestamptz[], uuid[]) is
  'Where the leaves of these events stand in their tenant''s tree, for auditors of that tenant; no row for an event that is not sealed or not there. place counts the arrays from 1.';
revoke all on function audit_log.find_leaves(uuid, timestamptz[], uuid[]) from public;
grant execute on function audit_log.find_leaves(uuid, timestamptz[], uuid[]) to authenticated;

-- How much of a window is sealed. Counted from what is not, which is the newest little: the sealed are all the others.
create function audit_log.seal_coverage(p_tenant_id uuid, p_from timestamptz, p_to timestamptz)
returns table (unsealed bigint, problems bigint, tree_problem text)
language plpgsql stable security definer set search_path = ''
as $$
begin
  if coalesce(p_tenant_id = any (audit_log.tenant_ids()) and audit_log.has_role('auditor'), false) is not true then
    return;
  end if;
  return query execute $query$
    select
      (
        select count(*) from audit_log.events as e
        where e.tenant_id = $1 and e.occurred_at between $2 and $3 and e.seq > $4
      ),
      (select count(*) from audit_log.seal_problems as p where p.tenant_id = $1 and p.occurred_at between $2 and $3),
      (select t.problem from audit_log.tree_problems as t where t.tenant_id = $1)
  $query$ using p_tenant_id, p_from, p_to, (select s.sealed_seq from audit_log.sealer as s);
end
$$;
alter function audit_log.seal_coverage(uuid, timestamptz, timestamptz) owner to audit_owner;
comment on function audit_log.seal_coverage(uuid, timestamptz, timestamptz) is
  'For auditors of the tenant: its events of the window that are not sealed yet, those that were changed before they could be, and what is wrong with its tree, if anything is.';
revoke all on function audit_log.seal_coverage(uuid, timestamptz, timestamptz) from public;
grant execute on function audit_log.seal_coverage(uuid, timestamptz, timestamptz) to authenticated;

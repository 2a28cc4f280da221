-- Purpose: the way back for a tenant whose tree differed from its last checkpoint, once an operator has put the cause right.
-- Locks: none on what exists, but for an instant on tree_problems, whose privileges change.

create table audit_log.ended_tree_problems (
  tenant_id uuid not null,
  problem text not null,
  found_at timestamptz not null,
  ended_at timestamptz not null default clock_timestamp(),
  size bigint not null,
  constraint tree_problems_end_once primary key (tenant_id, found_at)
);
alter table audit_log.ended_tree_problems owner to audit_owner;
comment on table audit_log.ended_tree_problems is
  'Tree problems of the past: the tree has its signed root again, and the events that were passed over meanwhile are sealed. While a problem lasted nothing protected them.';
comment on column audit_log.ended_tree_problems.tenant_id is 'Whose tree it is.';
comment on column audit_log.ended_tree_problems.problem is 'What was found.';
comment on column audit_log.ended_tree_problems.found_at is 'When the sealer found it.';
comment on column audit_log.ended_tree_problems.ended_at is 'When the tree was found to be as it was signed again.';
comment on column audit_log.ended_tree_problems.size is 'Leaves of the tree then, with those that were passed over.';

alter table audit_log.ended_tree_problems enable row level security;
alter table audit_log.ended_tree_problems force row level security;
create policy "functions of audit_owner record trees that differed" on audit_log.ended_tree_problems for all to audit_owner using (true) with check (true);
create policy "jobs read every tree that differed" on audit_log.ended_tree_problems for select to audit_job using (true);
create policy "auditors read whether trees of their own tenants differed" on audit_log.ended_tree_problems for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor')));

-- As before, but a problem of a tree may go once it stands among those that ended: what was found stays found.
create or replace function audit_log.refuse_rewriting_a_tree() returns trigger
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
  elsif tg_op = 'DELETE' and tg_table_name = 'tiles' then
    if old.level = 0 and octet_length(old.hashes) = 8192 and not exists (
      select from (select distinct (at at time zone 'UTC')::date as day from unnest(old.occurred_ats) as at) as held
      where not exists (select from audit_log.archive_days as d where d.day = held.day and d.state = 'dropped')
    ) then
      return old;
    end if;
  elsif tg_op = 'DELETE' and tg_table_name = 'tree_problems' then
    if exists (select from audit_log.ended_tree_problems as e where (e.tenant_id, e.found_at, e.problem) = (old.tenant_id, old.found_at, old.problem)) then
      return old;
    end if;
  end if;
  raise exception '% on %.%: a tree is append-only', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$$;
comment on function audit_log.refuse_rewriting_a_tree() is
  'Lets a tree grow, a tile be appended to, a full tile of level 0 go once all its days were dropped, and a tree problem once it stands among the ended; refuses every other UPDATE and DELETE, and every TRUNCATE.';

create trigger tree_refuses_rewriting before update or delete on audit_log.ended_tree_problems
  for each row execute function audit_log.refuse_rewriting_a_tree();
create trigger tree_refuses_truncate before truncate on audit_log.ended_tree_problems
  for each statement execute function audit_log.refuse_rewriting_a_tree();
alter table audit_log.ended_tree_problems enable always trigger tree_refuses_rewriting, enable always trigger tree_refuses_truncate;

-- The last thing of a turn in which the sealer found the tree to have its signed root and sealed the last of what was passed over. The signature only the
-- sealer can check; that tree and checkpoint say the same is checked here once more.
create function audit_log.end_tree_problem(p_tenant_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_tree record;
  v_signed record;
begin
  if not pg_try_advisory_xact_lock(1635083369, -2) then
    raise exception 'end tree problem: a sealer is at work' using errcode = 'lock_not_available';
  end if;
  select s.size, s.root into v_tree from audit_log.tree_state as s where s.tenant_id = p_tenant_id;
  select c.size, c.root into v_signed from audit_log.checkpoints as c where c.tenant_id = p_tenant_id order by c.size desc, c.signed_at desc limit 1;
  if (v_tree.size, v_tree.root) is distinct from (v_signed.size, v_signed.root) then
    raise exception 'end tree problem: the tree is not what its last checkpoint states' using errcode = 'object_not_in_prerequisite_state';
  end if;
  insert into audit_log.ended_tree_problems (tenant_id, problem, found_at, size)
  select p.tenant_id, p.problem, p.found_at, coalesce(v_tree.size, 0) from audit_log.tree_problems as p where p.tenant_id = p_tenant_id;
  delete from audit_log.tree_problems as p where p.tenant_id = p_tenant_id;
end
$$;
alter function audit_log.end_tree_problem(uuid) owner to audit_owner;
comment on function audit_log.end_tree_problem(uuid) is
  'Moves a tenant''s tree problem to ended_tree_problems, so that its tree grows again; raises while tree and last checkpoint differ. For the sealer, by npm run audit -- seal --retry.';

revoke all on table audit_log.ended_tree_problems from public, audit_owner;
grant select, insert on table audit_log.ended_tree_problems to audit_owner;
grant delete on table audit_log.tree_problems to audit_owner;
grant select on table audit_log.ended_tree_problems to audit_job, authenticated;
revoke all on function audit_log.end_tree_problem(uuid) from public;
grant execute on function audit_log.end_tree_problem(uuid) to audit_job;

-- Purpose: softly deleted events: a record beside the event, which stays as it was hashed.
-- Locks: none on what exists.

create table audit_log.deletions (
  tenant_id uuid not null,
  occurred_at timestamptz not null,
  id uuid not null,
  reason text not null,
  deleted_by text not null,
  deleted_at timestamptz not null default now(),
  constraint deletions_are_one_per_event primary key (tenant_id, occurred_at, id),
  constraint deletion_has_a_reason check (octet_length(reason) between 1 and 2000)
);
alter table audit_log.deletions owner to audit_owner;
comment on table audit_log.deletions is
  'Events that readers no longer see, unless they are admins and ask for them. The event itself, hot or archived, and every hash of it stay.';
comment on column audit_log.deletions.tenant_id is 'events.tenant_id.';
comment on column audit_log.deletions.occurred_at is 'events.occurred_at.';
comment on column audit_log.deletions.id is 'events.id.';
comment on column audit_log.deletions.reason is 'Why it was deleted.';
comment on column audit_log.deletions.deleted_by is 'Principal that deleted it.';
comment on column audit_log.deletions.deleted_at is 'When it was deleted.';

alter table audit_log.deletions enable row level security;
alter table audit_log.deletions force row level security;
create policy "functions of audit_owner delete events softly" on audit_log.deletions for all to audit_owner using (true) with check (true);
create policy "jobs read every deletion" on audit_log.deletions for select to audit_job using (true);
-- Which events to leave out, whoever reads; who deleted them and why is for admins, by deletions_of().
create policy "viewers read which events of their own tenants are deleted" on audit_log.deletions for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer')));
create trigger deletions_refuse_change before update or delete or truncate on audit_log.deletions
  for each statement execute function audit_log.refuse_change();
alter table audit_log.deletions enable always trigger deletions_refuse_change;
revoke all on table audit_log.deletions from public, audit_owner;
grant select, insert on table audit_log.deletions to audit_owner;
grant select on table audit_log.deletions to audit_job;
grant select (tenant_id, occurred_at, id, deleted_at) on table audit_log.deletions to authenticated;

create function audit_log.delete_event(p_tenant_id uuid, p_occurred_at timestamptz, p_id uuid, p_reason text, p_deleted_by text) returns text
language plpgsql security definer set search_path = ''
as $$
declare
  v_day date := (p_occurred_at at time zone 'UTC')::date;
  v_event record;
  v_is_hot boolean;
  v_is_held boolean;
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'delete event: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  perform audit_log.lock_holds(p_tenant_id);
  select e.object_type, e.object_id, e.actor_id into v_event
  from audit_log.events as e where e.tenant_id = p_tenant_id and e.occurred_at = p_occurred_at and e.id = p_id;
  v_is_hot := found;
  -- After the events: a day leaves them in the transaction in which its archive appears.
  if not v_is_hot and not exists (select from audit_log.archives as a where a.tenant_id = p_tenant_id and a.day = v_day and a.state = 'archived') then
    return 'not_found';
  end if;
  v_is_held := case
    when v_is_hot then audit_log.hold_covers(p_tenant_id, p_occurred_at, p_occurred_at, true, v_event.object_type, v_event.object_id, v_event.actor_id)
    else audit_log.is_held(p_tenant_id, v_day)
  end;
  if v_is_held then
    return 'held';
  end if;
  insert into audit_log.deletions (tenant_id, occurred_at, id, reason, deleted_by) values (p_tenant_id, p_occurred_at, p_id, p_reason, p_deleted_by)
  on conflict do nothing;
  return case when found then 'deleted' else 'deleted_before' end;
end
$$;
alter function audit_log.delete_event(uuid, timestamptz, uuid, text, text) owner to audit_owner;
comment on function audit_log.delete_event(uuid, timestamptz, uuid, text, text) is
  'Records that an event is deleted: deleted, deleted_before, held, or not_found. That an archived day has the event is for the caller to know, who can read it.';

create function audit_log.deletions_of(p_tenant_id uuid, p_occurred_ats timestamptz[], p_ids uuid[])
returns table (place bigint, reason text, deleted_by text, deleted_at timestamptz)
language sql stable security definer set search_path = ''
as $$
  select wanted.place, d.reason, d.deleted_by, d.deleted_at
  from unnest(p_occurred_ats, p_ids) with ordinality as wanted (occurred_at, id, place)
  join audit_log.deletions as d on d.tenant_id = p_tenant_id and d.occurred_at = wanted.occurred_at and d.id = wanted.id
  where p_tenant_id = any (audit_log.tenant_ids()) and audit_log.has_role('admin')
$$;
alter function audit_log.deletions_of(uuid, timestamptz[], uuid[]) owner to audit_owner;
comment on function audit_log.deletions_of(uuid, timestamptz[], uuid[]) is
  'For admins of the tenant: who deleted which of these events, when and why. place counts the arrays from 1.';

revoke all on function audit_log.delete_event(uuid, timestamptz, uuid, text, text), audit_log.deletions_of(uuid, timestamptz[], uuid[]) from public;
grant execute on function audit_log.delete_event(uuid, timestamptz, uuid, text, text) to audit_job, authenticated;
grant execute on function audit_log.deletions_of(uuid, timestamptz[], uuid[]) to authenticated;

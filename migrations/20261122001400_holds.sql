-- Purpose: legal holds, and the one predicate that expiry and soft deletion ask before anything goes.
-- Locks: none on what exists. Later, placing and releasing a hold, deleting an event and expiring an archive exclude each other per tenant.

create table audit_log.holds (
  id uuid not null,
  tenant_id uuid not null,
  reason text not null,
  object_type text collate "C",
  object_id text collate "C",
  actor_id text collate "C",
  from_at timestamptz,
  to_at timestamptz,
  placed_by text not null,
  placed_at timestamptz not null default now(),
  released_by text,
  released_at timestamptz,
  release_reason text,
  constraint holds_are_named_by_id primary key (id),
  constraint hold_has_a_reason check (octet_length(reason) between 1 and 2000),
  constraint hold_ends_after_it_begins check (from_at <= to_at),
  constraint release_is_whole check (num_nulls(released_by, released_at, release_reason) in (0, 3)),
  constraint release_has_a_reason check (octet_length(release_reason) between 1 and 2000)
);
alter table audit_log.holds owner to audit_owner;
comment on table audit_log.holds is
  'Legal holds: what one covers neither expires nor is softly deleted; it may be archived. An event is covered when all that the hold names is so.';
comment on column audit_log.holds.id is 'Names the hold.';
comment on column audit_log.holds.tenant_id is 'Whose events it covers: all of them, where nothing below is named.';
comment on column audit_log.holds.reason is 'Why it was placed.';
comment on column audit_log.holds.object_type is 'Covers events about objects of this type alone.';
comment on column audit_log.holds.object_id is 'Covers events about objects with this id alone.';
comment on column audit_log.holds.actor_id is 'Covers events of this actor alone.';
comment on column audit_log.holds.from_at is 'First moment that it covers; from the beginning, when null.';
comment on column audit_log.holds.to_at is 'Last moment that it covers; without end, when null.';
comment on column audit_log.holds.placed_by is 'Principal that placed it.';
comment on column audit_log.holds.placed_at is 'When it was placed.';
comment on column audit_log.holds.released_by is 'Principal that released it; null while it holds.';
comment on column audit_log.holds.released_at is 'When it was released.';
comment on column audit_log.holds.release_reason is 'Why it was released.';
create index holds_by_tenant on audit_log.holds (tenant_id, placed_at);

alter table audit_log.holds enable row level security;
alter table audit_log.holds force row level security;
create policy "functions of audit_owner place and release holds" on audit_log.holds for all to audit_owner using (true) with check (true);
create policy "jobs read every hold" on audit_log.holds for select to audit_job using (true);
create policy "auditors read holds of their own tenants" on audit_log.holds for select to authenticated
  using (tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor')));
-- A hold that could be narrowed, backdated or taken away would be none.
create function audit_log.refuse_losing_a_hold() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and old.released_at is null and new.released_at is not null
    and (to_jsonb(new) - array['released_by', 'released_at', 'release_reason']) = (to_jsonb(old) - array['released_by', 'released_at', 'release_reason']) then
    return new;
  end if;
  raise exception '% on %.%: a hold is released, once, and nothing else', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$$;
alter function audit_log.refuse_losing_a_hold() owner to audit_owner;
comment on function audit_log.refuse_losing_a_hold() is 'Lets a hold be released, once; refuses every other UPDATE, and every DELETE and TRUNCATE.';
revoke all on function audit_log.refuse_losing_a_hold() from public;
create trigger holds_refuse_loss before update or delete on audit_log.holds for each row execute function audit_log.refuse_losing_a_hold();
create trigger holds_refuse_truncate before truncate on audit_log.holds for each statement execute function audit_log.refuse_losing_a_hold();
alter table audit_log.holds enable always trigger holds_refuse_loss, enable always trigger holds_refuse_truncate;
revoke all on table audit_log.holds from public, audit_owner;
grant select, insert, update on table audit_log.holds to audit_owner;
grant select on table audit_log.holds to audit_job, authenticated;

-- Whoever comes second waits until the first has committed, and then sees what that one did, since each statement has a snapshot of its own. In a
-- transaction with one snapshot for all it would not: there everything is refused.
create function audit_log.lock_holds(p_tenant_id uuid) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'lock holds: the transaction is %, so it may not see the newest hold', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;
  perform pg_advisory_xact_lock(1635083370, hashtext(p_tenant_id::text));
end
$$;
alter function audit_log.lock_holds(uuid) owner to audit_owner;
comment on function audit_log.lock_holds(uuid) is
  'Until the transaction ends nobody else places or releases a hold of this tenant, deletes an event of it or begins to delete an archive of it.';

create function audit_log.hold_covers(
  p_tenant_id uuid, p_from timestamptz, p_to timestamptz, p_is_event boolean, p_object_type text, p_object_id text, p_actor_id text
) returns boolean
language plpgsql security definer set search_path = ''
as $$
begin
  if num_nulls(p_tenant_id, p_from, p_to, p_is_event) > 0 then
    return true;
  end if;
  perform audit_log.lock_holds(p_tenant_id);
  return exists (
    select from audit_log.holds as h
    where h.tenant_id = p_tenant_id and h.released_at is null
      and (h.from_at is null or h.from_at <= p_to) and (h.to_at is null or h.to_at >= p_from)
      and (
        not p_is_event
        or (h.object_type is null or h.object_type = p_object_type) and (h.object_id is null or h.object_id = p_object_id)
          and (h.actor_id is null or h.actor_id = p_actor_id)
      )
  );
end
$$;
alter function audit_log.hold_covers(uuid, timestamptz, timestamptz, boolean, text, text, text) owner to audit_owner;
comment on function audit_log.hold_covers(uuid, timestamptz, timestamptz, boolean, text, text, text) is
  'The one question that is asked before anything goes: does a hold cover the event with these fields, or, where p_is_event is false, might it cover any of that time? True when it cannot be known. Nobody can place a hold of the tenant between the answer and the end of the transaction.';

-- What an archive holds is not known here, so that a hold on an object or an actor keeps each of its days whole.
create or replace function audit_log.is_held(p_tenant_id uuid, p_day date) returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
begin
  return audit_log.hold_covers(
    p_tenant_id, p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC' - interval '1 microsecond', false, null, null, null
  );
end
$$;
comment on function audit_log.is_held(uuid, date) is
  'True when a hold covers anything of that tenant''s day, or when that cannot be known. No such hold can be placed between the answer and the end of the transaction.';

create function audit_log.place_hold(
  p_id uuid, p_tenant_id uuid, p_reason text, p_object_type text, p_object_id text, p_actor_id text, p_from timestamptz, p_to timestamptz, p_placed_by text
) returns table (going_days bigint, first_going_day date)
language plpgsql security definer set search_path = ''
as $$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'place hold: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  perform audit_log.lock_holds(p_tenant_id);
  select count(*), min(a.day) into going_days, first_going_day
  from audit_log.archives as a
  where a.tenant_id = p_tenant_id and a.state = 'expiring'
    and (p_from is null or p_from < (a.day + 1)::timestamp at time zone 'UTC') and (p_to is null or p_to >= a.day::timestamp at time zone 'UTC');
  if going_days = 0 then
    insert into audit_log.holds (id, tenant_id, reason, object_type, object_id, actor_id, from_at, to_at, placed_by)
    values (p_id, p_tenant_id, p_reason, p_object_type, p_object_id, p_actor_id, p_from, p_to, p_placed_by);
  end if;
  return next;
end
$$;
alter function audit_log.place_hold(uuid, uuid, text, text, text, text, timestamptz, timestamptz, text) owner to audit_owner;
comment on function audit_log.place_hold(uuid, uuid, text, text, text, text, timestamptz, timestamptz, text) is
  'Places a hold, unless archives that it would cover are being deleted at this moment: then it says how many days and which is the first, and places nothing.';

create function audit_log.release_hold(p_tenant_id uuid, p_id uuid, p_reason text, p_released_by text) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  v_was_released boolean;
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'release hold: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  perform audit_log.lock_holds(p_tenant_id);
  select h.released_at is not null into v_was_released from audit_log.holds as h where h.tenant_id = p_tenant_id and h.id = p_id;
  update audit_log.holds as h set released_by = p_released_by, released_at = now(), release_reason = p_reason
  where h.tenant_id = p_tenant_id and h.id = p_id and h.released_at is null;
  return not v_was_released;
end
$$;
alter function audit_log.release_hold(uuid, uuid, text, text) owner to audit_owner;
comment on function audit_log.release_hold(uuid, uuid, text, text) is
  'Releases a hold of the tenant, for good: true when this call did it, false when it was released before, null when the tenant has no such hold.';

revoke all on function
  audit_log.lock_holds(uuid), audit_log.hold_covers(uuid, timestamptz, timestamptz, boolean, text, text, text),
  audit_log.place_hold(uuid, uuid, text, text, text, text, timestamptz, timestamptz, text), audit_log.release_hold(uuid, uuid, text, text)
from public;
grant execute on function audit_log.place_hold(uuid, uuid, text, text, text, text, timestamptz, timestamptz, text),
  audit_log.release_hold(uuid, uuid, text, text) to audit_job, authenticated;

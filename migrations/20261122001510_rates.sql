-- Purpose: how much a tenant and each of its callers may send and ask, and what they have left.
-- Locks: none; everything here is new.

create table audit_log.rate_limits (
  tenant_id uuid not null,
  ingest_per_second integer,
  ingest_per_second_per_caller integer,
  reads_per_second integer,
  reads_per_second_per_caller integer,
  changed_at timestamptz not null default now(),
  constraint rate_limits_are_one_row_a_tenant primary key (tenant_id),
  constraint rate_limits_are_at_least_one_a_second check (
    least(ingest_per_second, ingest_per_second_per_caller, reads_per_second, reads_per_second_per_caller) >= 1
  )
);
alter table audit_log.rate_limits owner to audit_owner;
comment on table audit_log.rate_limits is 'Quotas of tenants that have others than the deployment''s defaults. The operator sets them; a tenant''s admin does not.';
comment on column audit_log.rate_limits.tenant_id is 'The tenant; it need not be known yet.';
comment on column audit_log.rate_limits.ingest_per_second is 'Events a second of all its callers together; the default, when null.';
comment on column audit_log.rate_limits.ingest_per_second_per_caller is 'Events a second of each of its callers; the default, when null.';
comment on column audit_log.rate_limits.reads_per_second is 'Reading requests a second of all its callers together; the default, when null.';
comment on column audit_log.rate_limits.reads_per_second_per_caller is 'Reading requests a second of each of its callers; the default, when null.';
comment on column audit_log.rate_limits.changed_at is 'When the row was last changed.';
alter table audit_log.rate_limits enable row level security;
alter table audit_log.rate_limits force row level security;
create policy "functions of audit_owner read and set quotas" on audit_log.rate_limits for all to audit_owner using (true) with check (true);
create policy "jobs read quotas" on audit_log.rate_limits for select to audit_job using (true);
revoke all on table audit_log.rate_limits from public, audit_owner;
grant select, insert, update, delete on table audit_log.rate_limits to audit_owner;
grant select on table audit_log.rate_limits to audit_job;

-- Unlogged: after a crash every bucket is full again, which is no harm, and nothing of this is written to the log or to replicas.
create unlogged table audit_log.rate_buckets (
  bucket text not null,
  tokens double precision not null,
  refilled_at timestamptz not null,
  constraint rate_buckets_are_named primary key (bucket)
);
alter table audit_log.rate_buckets owner to audit_owner;
comment on table audit_log.rate_buckets is 'Token buckets, from which the processes lease. Forgotten when idle: a bucket that is not here is full.';
comment on column audit_log.rate_buckets.bucket is 'What is counted and whose: ingest or reads, then tenant and its id, or caller and its principal.';
comment on column audit_log.rate_buckets.tokens is 'Tokens that were left at refilled_at: neither leased nor spent. Below zero when more was spent than there was.';
comment on column audit_log.rate_buckets.refilled_at is 'The moment that tokens is of.';
alter table audit_log.rate_buckets enable row level security;
alter table audit_log.rate_buckets force row level security;
create policy "functions of audit_owner lease tokens" on audit_log.rate_buckets for all to audit_owner using (true) with check (true);
revoke all on table audit_log.rate_buckets from public, audit_owner;
grant select, insert, update, delete on table audit_log.rate_buckets to audit_owner;

create function audit_log.lease_tokens(
  p_buckets text[], p_tenant_ids uuid[], p_rates integer[], p_burst_seconds integer, p_balances double precision[], p_wanted double precision[]
) returns table (place integer, per_second integer, granted double precision, tokens_left double precision)
language plpgsql security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_place integer;
  v_bucket text;
  v_rate integer;
  v_burst double precision;
  v_tokens double precision;
  v_grant double precision;
begin
  -- Every caller takes the rows in one order, so that no two wait for each other.
  for v_place, v_bucket in select u.at::integer, u.bucket from unnest(p_buckets) with ordinality as u (bucket, at) order by u.bucket loop
    select case
        when v_bucket like 'ingest tenant %' then l.ingest_per_second
        when v_bucket like 'ingest caller %' then l.ingest_per_second_per_caller
        when v_bucket like 'reads tenant %' then l.reads_per_second
        when v_bucket like 'reads caller %' then l.reads_per_second_per_caller
      end
    into v_rate from audit_log.rate_limits as l where l.tenant_id = p_tenant_ids[v_place];
    v_rate := coalesce(v_rate, p_rates[v_place]);
    v_burst := v_rate::double precision * p_burst_seconds;
    insert into audit_log.rate_buckets (bucket, tokens, refilled_at) values (v_bucket, v_burst, clock_timestamp()) on conflict (bucket) do nothing;
    select b.tokens + v_rate * extract(epoch from clock_timestamp() - b.refilled_at) + p_balances[v_place]
    into v_tokens from audit_log.rate_buckets as b where b.bucket = v_bucket for no key update;
    -- What a process did not spend comes back, what it spent too much is taken; a debt is never more than a full bucket, so that it ends.
    v_tokens := greatest(least(v_tokens, v_burst), -v_burst);
    v_grant := greatest(least(v_tokens, p_wanted[v_place]), 0);
    update audit_log.rate_buckets as b set tokens = v_tokens - v_grant, refilled_at = clock_timestamp() where b.bucket = v_bucket;
    return query select v_place, v_rate, v_grant, v_tokens - v_grant;
  end loop;
  -- Now and then the idle ones are forgotten, by whoever happens to come by.
  if random() < 0.01 then
    delete from audit_log.rate_buckets as b using (
      select old.bucket from audit_log.rate_buckets as old where old.refilled_at < clock_timestamp() - interval '1 hour' limit 1000 for update skip locked
    ) as idle where b.bucket = idle.bucket;
  end if;
end
$$;
alter function audit_log.lease_tokens(text[], uuid[], integer[], integer, double precision[], double precision[]) owner to audit_owner;
comment on function audit_log.lease_tokens(text[], uuid[], integer[], integer, double precision[], double precision[]) is
  'Settles what a process spent of its leases (p_balances: what is left of each, below zero when too much was spent) and grants new ones, at most p_wanted. p_rates are the defaults of tenants without a row in rate_limits; place counts the arrays from 1.';

create function audit_log.set_rate_limits(
  p_tenant_id uuid, p_ingest_per_second integer, p_ingest_per_second_per_caller integer, p_reads_per_second integer, p_reads_per_second_per_caller integer
) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if coalesce(p_ingest_per_second, p_ingest_per_second_per_caller, p_reads_per_second, p_reads_per_second_per_caller) is null then
    delete from audit_log.rate_limits as l where l.tenant_id = p_tenant_id;
    return;
  end if;
  insert into audit_log.rate_limits (tenant_id, ingest_per_second, ingest_per_second_per_caller, reads_per_second, reads_per_second_per_caller)
  values (p_tenant_id, p_ingest_per_second, p_ingest_per_second_per_caller, p_reads_per_second, p_reads_per_second_per_caller)
  on conflict (tenant_id) do update set
    ingest_per_second = excluded.ingest_per_second,
    ingest_per_second_per_caller = excluded.ingest_per_second_per_caller,
    reads_per_second = excluded.reads_per_second,
    reads_per_second_per_caller = excluded.reads_per_second_per_caller,
    changed_at = now();
end
$$;
alter function audit_log.set_rate_limits(uuid, integer, integer, integer, integer) owner to audit_owner;
comment on function audit_log.set_rate_limits(uuid, integer, integer, integer, integer) is
  'Sets a tenant''s quotas, null for the deployment''s default; with nothing but nulls the tenant has no quotas of its own. For the operator.';

revoke all on function
  audit_log.lease_tokens(text[], uuid[], integer[], integer, double precision[], double precision[]),
  audit_log.set_rate_limits(uuid, integer, integer, integer, integer)
from public;
grant execute on function audit_log.lease_tokens(text[], uuid[], integer[], integer, double precision[], double precision[]) to audit_ingest;
grant execute on function audit_log.set_rate_limits(uuid, integer, integer, integer, integer) to audit_job;

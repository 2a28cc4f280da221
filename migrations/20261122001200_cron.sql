-- Purpose: what runs by itself on Supabase, by pg_cron and pg_net: days made ahead, claims forgotten, the sealer called; and how each job fares.
-- Locks: none on what exists.

create table audit_log.job_outcomes (
  job text not null,
  asked_at timestamptz,
  request_id bigint,
  succeeded_at timestamptz,
  failed_at timestamptz,
  failures bigint not null default 0,
  problem text,
  constraint outcomes_are_one_per_job primary key (job),
  constraint job_has_a_name check (job ~ '^[a-z][a-z-]{0,62}$'),
  constraint a_failing_job_has_a_problem check ((failures > 0) = (problem is not null))
);
alter table audit_log.job_outcomes owner to audit_owner;
comment on table audit_log.job_outcomes is 'How each scheduled job fares: one row a job, written by every run.';
comment on column audit_log.job_outcomes.job is 'What runs: partitions, clean-up, or the name of an Edge Function.';
comment on column audit_log.job_outcomes.asked_at is 'When the Edge Function was last called; null for jobs inside the database.';
comment on column audit_log.job_outcomes.request_id is 'pg_net''s number of that call, until its answer has been read.';
comment on column audit_log.job_outcomes.succeeded_at is 'When a run was last known to have succeeded.';
comment on column audit_log.job_outcomes.failed_at is 'When a run was last known to have failed.';
comment on column audit_log.job_outcomes.failures is 'Runs that failed since the last success.';
comment on column audit_log.job_outcomes.problem is 'What went wrong last; null when the last run succeeded.';
alter table audit_log.job_outcomes enable row level security;
alter table audit_log.job_outcomes force row level security;
create policy "functions of audit_owner record how jobs fare" on audit_log.job_outcomes for all to audit_owner using (true) with check (true);
create policy "jobs read how jobs fare" on audit_log.job_outcomes for select to audit_job using (true);
revoke all on table audit_log.job_outcomes from public, audit_owner;
grant select, insert, update on table audit_log.job_outcomes to audit_owner;
grant select on table audit_log.job_outcomes to audit_job;

create function audit_log.job_ended(p_job text, p_problem text) returns void
language sql security definer set search_path = ''
as $$
  insert into audit_log.job_outcomes as o (job, succeeded_at, failed_at, failures, problem)
  values (p_job, case when p_problem is null then now() end, case when p_problem is not null then now() end, (p_problem is not null)::integer, left(p_problem, 1000))
  on conflict (job) do update set
    request_id = null,
    succeeded_at = coalesce(excluded.succeeded_at, o.succeeded_at),
    failed_at = coalesce(excluded.failed_at, o.failed_at),
    failures = case when p_problem is null then 0 else o.failures + 1 end,
    problem = excluded.problem
$$;
alter function audit_log.job_ended(text, text) owner to audit_owner;
comment on function audit_log.job_ended(text, text) is 'Records that a run of p_job has ended: with success when p_problem is null.';

create function audit_log.job_asked(p_job text, p_request_id bigint) returns void
language sql security definer set search_path = ''
as $$
  insert into audit_log.job_outcomes as o (job, asked_at, request_id) values (p_job, now(), p_request_id)
  on conflict (job) do update set asked_at = excluded.asked_at, request_id = excluded.request_id
$$;
alter function audit_log.job_asked(text, bigint) owner to audit_owner;
comment on function audit_log.job_asked(text, bigint) is 'Records that the Edge Function p_job was called, and by which number pg_net knows the call.';

-- A fault is recorded and told as a warning instead of raised: raised, it would roll back the record of itself.
create function audit_log.run_job(p_job text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_today date := (now() at time zone 'UTC')::date;
  v_problem text;
begin
  begin
    case p_job
      when 'partitions' then
        perform audit_log.ensure_partitions(v_today, v_today + 7);
      when 'clean-up' then
        -- Each turn deletes at most 10,000 claims; what is left waits for the next run.
        for v_turn in 1 .. 20 loop
          exit when audit_log.forget_batches(now() - interval '24 hours') < 10000;
        end loop;
    end case;
  exception
    when others then v_problem := sqlstate || ': ' || sqlerrm;
  end;
  if v_problem is not null then
    raise warning 'run job %: %', p_job, v_problem;
  end if;
  perform audit_log.job_ended(p_job, v_problem);
end
$$;
alter function audit_log.run_job(text) owner to audit_owner;
comment on function audit_log.run_job(text) is 'Runs a job that needs nothing but the database, partitions (today and seven days ahead) or clean-up, and records how it went.';

-- Runs as its caller, pg_cron's login, because Vault and pg_net are open to that login and not to audit_owner. pg_net answers later: the answer to a
-- call is read by the next one, and nothing is called again before that, nor for five minutes when no answer comes.
create function audit_log.call_function(p_name text) returns void
language plpgsql security invoker set search_path = ''
as $$
declare
  v_asked_at timestamptz;
  v_request_id bigint;
  v_problem text;
  v_answered boolean := false;
  v_url text;
  v_key text;
begin
  select o.asked_at, o.request_id into v_asked_at, v_request_id from audit_log.job_outcomes as o where o.job = p_name;
  if v_request_id is not null then
    execute 'select true, case
        when timed_out then ''the function did not answer in time''
        when error_msg is not null then error_msg
        when status_code is distinct from 200 then ''the function answered '' || coalesce(status_code::text, ''nothing'') || '': '' || left(coalesce(content, ''''), 300)
      end from net._http_response where id = $1'
      into v_answered, v_problem using v_request_id;
    if v_answered then
      perform audit_log.job_ended(p_name, v_problem);
    elsif v_asked_at > now() - interval '5 minutes' then
      return;
    else
      perform audit_log.job_ended(p_name, 'no answer came within five minutes');
    end if;
  end if;
  if to_regclass('vault.decrypted_secrets') is not null then
    execute 'select max(decrypted_secret) filter (where name = ''audit_events_functions_url''), max(decrypted_secret) filter (where name = ''audit_events_secret_key'')
      from vault.decrypted_secrets' into v_url, v_key;
  end if;
  if v_url is null or v_key is null then
    perform audit_log.job_ended(p_name, 'Vault holds no secret named ' || case when v_url is null then 'audit_events_functions_url' else 'audit_events_secret_key' end);
    return;
  end if;
  execute 'select net.http_post(url := $1, body := ''{}''::jsonb, headers := $2, timeout_milliseconds := 150000)'
    into v_request_id
    using rtrim(v_url, '/') || '/' || p_name, jsonb_build_object('apikey', v_key, 'content-type', 'application/json');
  perform audit_log.job_asked(p_name, v_request_id);
end
$$;
alter function audit_log.call_function(text) owner to audit_owner;
comment on function audit_log.call_function(text) is
  'Calls an Edge Function by pg_net, with the URL and the secret key that Vault holds as audit_events_functions_url and audit_events_secret_key, and records how the call before fared.';

create function audit_log.schedule_jobs() returns integer
language plpgsql security invoker set search_path = ''
as $$
declare
  v_jobs integer := 3;
begin
  if to_regprocedure('cron.schedule(text, text, text)') is null then
    raise notice 'schedule jobs: pg_cron is not installed: ingest makes missing days itself; call audit-sealer every few seconds by another scheduler';
    return 0;
  end if;
  execute $sql$select cron.schedule('audit_log partitions', '7 * * * *', $job$select audit_log.run_job('partitions')$job$)$sql$;
  execute $sql$select cron.schedule('audit_log clean-up', '*/5 * * * *', $job$select audit_log.run_job('clean-up')$job$)$sql$;
  -- pg_cron keeps a line of every run for ever, and the sealer runs 8,640 times a day.
  execute $sql$select cron.schedule('audit_log history', '37 * * * *', $job$
    delete from cron.job_run_details as d using cron.job as j
    where j.jobid = d.jobid and j.jobname like 'audit\_log %' and d.end_time < now() - interval '1 day'$job$)$sql$;
  if not exists (select from pg_catalog.pg_proc where proname = 'http_post' and pronamespace = to_regnamespace('net')) then
    raise notice 'schedule jobs: pg_net is not installed: call audit-sealer every few seconds by another scheduler';
    return v_jobs;
  end if;
  begin
    execute $sql$select cron.schedule('audit_log sealer', '10 seconds', $job$select audit_log.call_function('audit-sealer')$job$)$sql$;
  exception
    -- pg_cron knows seconds from 1.5 on.
    when others then
      execute $sql$select cron.schedule('audit_log sealer', '* * * * *', $job$select audit_log.call_function('audit-sealer')$job$)$sql$;
  end;
  return v_jobs + 1;
end
$$;
alter function audit_log.schedule_jobs() owner to audit_owner;
comment on function audit_log.schedule_jobs() is
  'Schedules every job by pg_cron as the login that calls it, and says how many; 0 with a notice without pg_cron. May be called again, such as after installing pg_net.';

revoke all on function audit_log.job_ended(text, text), audit_log.job_asked(text, bigint), audit_log.run_job(text), audit_log.call_function(text),
  audit_log.schedule_jobs() from public;

-- Where the two extensions are to be had they are installed, as Supabase's dashboard would; where that is not allowed the log works without.
do $$
declare
  v_extension text;
begin
  foreach v_extension in array array['pg_cron', 'pg_net'] loop
    if exists (select from pg_catalog.pg_available_extensions where name = v_extension and installed_version is null) then
      begin
        execute pg_catalog.format('create extension if not exists %I', v_extension);
      exception
        when others then raise notice 'install %: %', v_extension, sqlerrm;
      end;
    end if;
  end loop;
  perform audit_log.schedule_jobs();
exception
  when others then raise notice 'schedule jobs: %: call audit_log.schedule_jobs() when this is mended', sqlerrm;
end
$$;

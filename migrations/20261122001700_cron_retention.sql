-- Purpose: calls of Edge Functions whose answers are recorded within a minute, whenever the next call is; and audit-retention called in its window.
-- Locks: none on what exists.

-- Runs as its caller, for the same reason as call_function(): pg_net's answers are not open to audit_owner.
create function audit_log.record_answers() returns void
language plpgsql security invoker set search_path = ''
as $$
declare
  v_call record;
  v_answered boolean;
  v_problem text;
begin
  if to_regclass('net._http_response') is null then
    return;
  end if;
  for v_call in select o.job, o.asked_at, o.request_id from audit_log.job_outcomes as o where o.request_id is not null loop
    execute 'select true, case
        when timed_out then ''the function did not answer in time''
        when error_msg is not null then error_msg
        when status_code between 200 and 299 then null
        else ''the function answered '' || coalesce(status_code::text, ''nothing'') || '': '' || left(coalesce(content, ''''), 300)
      end from net._http_response where id = $1'
      into v_answered, v_problem using v_call.request_id;
    if v_answered then
      perform audit_log.job_ended(v_call.job, v_problem);
    elsif v_call.asked_at <= now() - interval '5 minutes' then
      perform audit_log.job_ended(v_call.job, 'no answer came within five minutes');
    end if;
  end loop;
end
$$;
alter function audit_log.record_answers() owner to audit_owner;
comment on function audit_log.record_answers() is
  'Reads what Edge Functions answered to the calls of call_function() into job_outcomes; an answer that is five minutes late is given up.';
revoke all on function audit_log.record_answers() from public;

-- Runs as its caller, pg_cron's login, because Vault and pg_net are open to that login and not to audit_owner. pg_net answers later, and nothing is
-- called again before its answer came or was given up.
create or replace function audit_log.call_function(p_name text) returns void
language plpgsql security invoker set search_path = ''
as $$
declare
  v_request_id bigint;
  v_url text;
  v_key text;
begin
  perform audit_log.record_answers();
  if exists (select from audit_log.job_outcomes as o where o.job = p_name and o.request_id is not null) then
    return;
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

create or replace function audit_log.schedule_jobs() returns integer
language plpgsql security invoker set search_path = ''
as $$
declare
  v_jobs integer := 3;
begin
  if to_regprocedure('cron.schedule(text, text, text)') is null then
    raise notice 'schedule jobs: pg_cron is not installed: ingest makes missing days itself; call audit-sealer every few seconds and audit-retention at night by another scheduler';
    return 0;
  end if;
  execute $sql$select cron.schedule('audit_log partitions', '7 * * * *', $job$select audit_log.run_job('partitions')$job$)$sql$;
  execute $sql$select cron.schedule('audit_log clean-up', '*/5 * * * *', $job$select audit_log.run_job('clean-up')$job$)$sql$;
  -- pg_cron keeps a line of every run for ever, and the sealer runs 8,640 times a day.
  execute $sql$select cron.schedule('audit_log history', '37 * * * *', $job$
    delete from cron.job_run_details as d using cron.job as j
    where j.jobid = d.jobid and j.jobname like 'audit\_log %' and d.end_time < now() - interval '1 day'$job$)$sql$;
  if not exists (select from pg_catalog.pg_proc where proname = 'http_post' and pronamespace = to_regnamespace('net')) then
    raise notice 'schedule jobs: pg_net is not installed: call audit-sealer every few seconds and audit-retention at night by another scheduler';
    return v_jobs;
  end if;
  -- The last call of a night is followed by no other before pg_net has forgotten its answer.
  execute $sql$select cron.schedule('audit_log answers', '* * * * *', $job$select audit_log.record_answers()$job$)$sql$;
  -- Each call does as much as a hosted function may; the next minute's goes on.
  execute $sql$select cron.schedule('audit_log retention', '* 1-4 * * *', $job$select audit_log.call_function('audit-retention')$job$)$sql$;
  begin
    execute $sql$select cron.schedule('audit_log sealer', '10 seconds', $job$select audit_log.call_function('audit-sealer')$job$)$sql$;
  exception
    -- pg_cron knows seconds from 1.5 on.
    when others then
      execute $sql$select cron.schedule('audit_log sealer', '* * * * *', $job$select audit_log.call_function('audit-sealer')$job$)$sql$;
  end;
  return v_jobs + 3;
end
$$;

do $$
begin
  perform audit_log.schedule_jobs();
exception
  when others then raise notice 'schedule jobs: %: call audit_log.schedule_jobs() when this is mended', sqlerrm;
end
$$;

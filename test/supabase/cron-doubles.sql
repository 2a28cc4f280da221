-- Stand-ins for pg_cron, pg_net and Vault, as far as the jobs touch them. `net.calls` is what pg_net would send.
create schema cron;
create table cron.job (jobid bigint generated always as identity, jobname text unique, schedule text not null, command text not null);
create table cron.job_run_details (jobid bigint, runid bigint generated always as identity, end_time timestamptz);
create function cron.schedule(job_name text, schedule text, command text) returns bigint language plpgsql as $$
declare
  v_id bigint;
begin
  if schedule ~ 'seconds' and current_setting('test.cron_knows_seconds', true) = 'no' then
    raise exception 'invalid schedule: %', schedule;
  end if;
  insert into cron.job as j (jobname, schedule, command) values ($1, $2, $3)
  on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command
  returning j.jobid into v_id;
  return v_id;
end
$$;

create schema net;
create table net.calls (id bigint generated always as identity, url text, body jsonb, headers jsonb, timeout_milliseconds integer);
create table net._http_response (id bigint, status_code integer, content text, timed_out boolean, error_msg text);
create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000)
returns bigint language sql as $$
  insert into net.calls (url, body, headers, timeout_milliseconds) values ($1, $2, $4, $5) returning id
$$;

create schema vault;
create table vault.secrets (id uuid primary key default gen_random_uuid(), name text unique, secret text not null);
create view vault.decrypted_secrets as select id, name, secret as decrypted_secret from vault.secrets;
create function vault.create_secret(new_secret text, new_name text) returns uuid language sql as $$
  insert into vault.secrets (name, secret) values ($2, $1) returning id
$$;
create function vault.update_secret(secret_id uuid, new_secret text) returns void language sql as $$
  update vault.secrets set secret = $2 where id = $1
$$;

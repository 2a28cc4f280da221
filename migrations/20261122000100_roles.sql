-- Purpose: the roles of the audit log and the schema that holds it.
-- Locks: none that a running application could notice; role names are unique in the whole cluster, so each may exist already.

-- A role made by another database of the same cluster, even at this very moment, is as good as one made here: it holds nothing of that database.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['audit_owner', 'audit_ingest', 'audit_job'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      begin
        execute pg_catalog.format('create role %I nologin', v_role);
      exception
        when duplicate_object or unique_violation then null;
      end;
    end if;
    -- From 16 on, who creates a role may grant it but neither sets it nor inherits from it; whoever migrates needs both: it hands objects to
    -- audit_owner below, and the services log in as it and `set local role`. Granted by its name, not by a membership that it merely administers.
    if not pg_catalog.pg_has_role(current_user, v_role, 'usage') then
      execute pg_catalog.format('grant %I to %I', v_role, current_user);
    end if;
  end loop;
end
$$;

create schema audit_log authorization audit_owner;
comment on schema audit_log is
  'Append-only audit events of many tenants, their Merkle trees and archives. Not in the Data API: readers come through the query service.';

revoke all on schema audit_log from public;
grant usage on schema audit_log to audit_ingest, audit_job, authenticated, service_role;

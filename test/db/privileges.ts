/** Functions by who may execute them; their owner always may. */
const internal = { audit_owner: "execute" } as const;
const forJobs = { ...internal, audit_job: "execute" } as const;
const forTheDoor = { ...internal, audit_ingest: "execute" } as const;
const forReaders = { ...internal, authenticated: "execute" } as const;
/** The function itself asks whether the caller is a job, or by his claims admin of the tenant. */
const forJobsAndAdmins = { ...forJobs, authenticated: "execute" } as const;

/**
 * All that may be done with the audit log's objects, and by whom: whatever is not here is refused. A migration that adds an object adds its line.
 * Roles that stand nowhere (`public`, `anon`) may do nothing at all. `events_20260301` stands for every partition, `events_20260302` for every
 * detached one.
 */
export const allowed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "schema audit_log": { audit_ingest: "usage", audit_job: "usage", audit_owner: "create, usage", authenticated: "usage", service_role: "usage" },
  "table audit_log.api_keys": { audit_owner: "insert, select, update(revoked_at)" },
  "table audit_log.batches": { audit_owner: "delete, insert, select, update" },
  "table audit_log.checkpoint_bundles": { audit_job: "select", audit_owner: "insert, select" },
  "table audit_log.checkpoints": { audit_job: "select", audit_owner: "delete, insert, select", authenticated: "select" },
  "table audit_log.closed_days": { audit_job: "select", audit_owner: "insert, select" },
  "table audit_log.events": { audit_job: "select", audit_owner: "insert, select", authenticated: "select(all but seq)" },
  "table audit_log.events_20260301": {},
  "table audit_log.events_20260302": {},
  "table audit_log.job_outcomes": { audit_job: "select", audit_owner: "insert, select, update" },
  "table audit_log.key_rotations": { audit_job: "select", audit_owner: "insert, select", authenticated: "select" },
  "table audit_log.seal_problems": { audit_job: "select", audit_owner: "insert, select", authenticated: "select(all but seq)" },
  "table audit_log.sealer": { audit_job: "select", audit_owner: "select, update" },
  "table audit_log.signing_keys": { audit_job: "select", audit_owner: "insert, references, select, update", authenticated: "select" },
  "table audit_log.tenants": { audit_job: "select", audit_owner: "insert, references, select, update", authenticated: "select" },
  "table audit_log.tiles": { audit_job: "select", audit_owner: "insert, select, update", authenticated: "select(all but first_seq, seqs)" },
  "table audit_log.tree_problems": { audit_job: "select", audit_owner: "insert, select", authenticated: "select" },
  "table audit_log.tree_state": { audit_job: "select", audit_owner: "insert, select, update", authenticated: "select(all but edge)" },
  "view public.audit_events": {},
  "sequence audit_log.event_seq": { audit_job: "select", audit_owner: "select, usage" },
  "function audit_log.announce_key": forJobs,
  "function audit_log.call_function": internal,
  "function audit_log.claim_batch": forTheDoor,
  "function audit_log.create_key": forJobsAndAdmins,
  "function audit_log.create_tenant": forJobsAndAdmins,
  "function audit_log.ensure_partition": forJobs,
  "function audit_log.ensure_partitions": forJobs,
  "function audit_log.find_key": forTheDoor,
  "function audit_log.find_leaf": forReaders,
  "function audit_log.find_leaves": forReaders,
  "function audit_log.seal_coverage": forReaders,
  "function audit_log.forget_batches": forJobs,
  "function audit_log.has_role": forReaders,
  "function audit_log.ingest": { ...forTheDoor, service_role: "execute" },
  "function audit_log.job_asked": internal,
  "function audit_log.job_ended": internal,
  "function audit_log.may_administer": internal,
  "function audit_log.record_bundle": forJobs,
  "function audit_log.refuse_change": internal,
  "function audit_log.refuse_losing_a_checkpoint": internal,
  "function audit_log.refuse_rewriting_a_tree": internal,
  "function audit_log.require_durable_commit": internal,
  "function audit_log.revoke_key": forJobsAndAdmins,
  "function audit_log.run_job": internal,
  "function audit_log.schedule_jobs": internal,
  "function audit_log.seal_append": forJobs,
  "function audit_log.seal_open": forJobs,
  "function audit_log.seal_report": forJobs,
  "function audit_log.seal_sign": forJobs,
  "function audit_log.seal_trees": forJobs,
  "function audit_log.tenant_ids": forReaders,
  "function audit_log.thin_checkpoints": forJobs,
  "function audit_log.trees_signed_by_others": forJobs,
  "function audit_log.use_signing_key": forJobs,
};

-- The schema as the catalogue has it after all migrations. Printed by `npm run schema`, compared by `npm run schema -- --check`; never edited.
-- One partition stands for all: each is made by audit_log.ensure_partition().

create role audit_ingest nologin;
grant audit_ingest to postgres;

create role audit_job nologin;
grant audit_job to postgres;

create role audit_owner nologin;
grant audit_owner to postgres;

create schema audit_log authorization audit_owner;
comment on schema audit_log is 'Append-only audit events of many tenants, their Merkle trees and archives. Not in the Data API: readers come through the query service.';
grant usage on schema audit_log to audit_ingest;
grant usage on schema audit_log to audit_job;
grant create, usage on schema audit_log to audit_owner;
grant usage on schema audit_log to authenticated;
grant usage on schema audit_log to service_role;

create table audit_log.api_keys (
  id text not null,
  tenant_id uuid not null,
  key_hash bytea not null,
  name text not null,
  scopes text[] not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  constraint api_key_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES audit_log.tenants(id),
  constraint api_key_has_known_scopes CHECK (((cardinality(scopes) > 0) AND (scopes <@ ARRAY['ingest'::text, 'read'::text, 'export'::text, 'admin'::text]))),
  constraint api_key_hash_is_a_sha256 CHECK ((octet_length(key_hash) = 32)),
  constraint api_key_id_is_12_lower_case_letters_or_digits CHECK ((id ~ '^[0-9a-z]{12}$'::text)),
  constraint api_key_name_is_1_to_255_bytes CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 255))),
  constraint api_keys_are_found_by_hash UNIQUE (key_hash),
  constraint api_keys_are_named_by_id PRIMARY KEY (id)
);
alter table audit_log.api_keys owner to audit_owner;
alter table audit_log.api_keys enable row level security;
alter table audit_log.api_keys force row level security;
CREATE INDEX api_keys_by_tenant_and_age ON audit_log.api_keys USING btree (tenant_id, created_at, id);
comment on table audit_log.api_keys is 'Keys of programs, each for one tenant. A key is shown once, when it is made; here is only its hash.';
comment on column audit_log.api_keys.id is 'The part of the key between aud_ and the secret; the principal is key:<id>.';
comment on column audit_log.api_keys.tenant_id is 'The one tenant that the key opens.';
comment on column audit_log.api_keys.key_hash is 'SHA-256 of the whole key.';
comment on column audit_log.api_keys.name is 'What people call the key.';
comment on column audit_log.api_keys.scopes is 'What it allows: ingest, read, export, admin.';
comment on column audit_log.api_keys.created_at is 'When it was made.';
comment on column audit_log.api_keys.expires_at is 'When it ends; never, when null.';
comment on column audit_log.api_keys.revoked_at is 'When it was revoked; it is not, when null.';
comment on column audit_log.api_keys.last_used_at is 'When it was last used, to a minute; it never was, when null.';
grant insert, select on table audit_log.api_keys to audit_owner;
grant select (id, tenant_id, name, scopes, created_at, expires_at, revoked_at, last_used_at) on audit_log.api_keys to authenticated;
grant update (revoked_at, last_used_at) on audit_log.api_keys to audit_owner;

create table audit_log.archive_days (
  day date not null,
  state text not null default 'closed'::text,
  rows bigint,
  planned_at timestamp with time zone,
  dropped_at timestamp with time zone,
  retry_at timestamp with time zone,
  problem text,
  problem_at timestamp with time zone,
  constraint a_day_is_closed_planned_dropped_or_restored CHECK ((state = ANY (ARRAY['closed'::text, 'planned'::text, 'dropped'::text, 'restored'::text]))),
  constraint archive_days_are_one_per_day PRIMARY KEY (day)
);
alter table audit_log.archive_days owner to audit_owner;
alter table audit_log.archive_days enable row level security;
alter table audit_log.archive_days force row level security;
comment on table audit_log.archive_days is 'How far the archiving of each closed UTC day is; a day leaves Postgres for all tenants at once.';
comment on column audit_log.archive_days.day is 'UTC day of occurred_at.';
comment on column audit_log.archive_days.state is 'closed: takes no more events. planned: cut into files, which are being written and checked. dropped: its partition is gone, its archives are what is read. restored: events of some tenants are back, until return_restored_day().';
comment on column audit_log.archive_days.rows is 'Events of the day over all tenants, counted when it was planned.';
comment on column audit_log.archive_days.planned_at is 'When it was planned.';
comment on column audit_log.archive_days.dropped_at is 'When its partition was dropped.';
comment on column audit_log.archive_days.retry_at is 'Nothing is tried with the day before that.';
comment on column audit_log.archive_days.problem is 'Why it could not go on when it was last tried; null when it could.';
comment on column audit_log.archive_days.problem_at is 'When that was.';
grant select on table audit_log.archive_days to audit_job;
grant insert, select, update on table audit_log.archive_days to audit_owner;

create table audit_log.archive_files (
  tenant_id uuid not null,
  day date not null,
  part integer not null,
  state text not null default 'planned'::text,
  rows bigint not null,
  from_occurred_at timestamp with time zone not null,
  from_id uuid not null,
  to_occurred_at timestamp with time zone not null,
  to_id uuid not null,
  generation integer not null default 0,
  key text,
  sha256 bytea,
  bytes bigint,
  first_log_index bigint,
  last_log_index bigint,
  lease uuid,
  leased_until timestamp with time zone,
  attempts integer not null default 0,
  retry_at timestamp with time zone,
  problem text,
  problem_at timestamp with time zone,
  constraint a_file_is_planned_written_or_checked CHECK ((state = ANY (ARRAY['planned'::text, 'written'::text, 'checked'::text]))),
  constraint archive_files_are_one_per_part PRIMARY KEY (tenant_id, day, part),
  constraint file_belongs_to_an_archive FOREIGN KEY (tenant_id, day) REFERENCES audit_log.archives(tenant_id, day),
  constraint file_hash_is_a_sha256 CHECK ((octet_length(sha256) = 32)),
  constraint what_is_written_has_a_name CHECK (((state = 'planned'::text) OR (num_nulls(key, sha256, bytes, first_log_index, last_log_index) = 0)))
);
alter table audit_log.archive_files owner to audit_owner;
alter table audit_log.archive_files enable row level security;
alter table audit_log.archive_files force row level security;
CREATE INDEX archive_files_to_do ON audit_log.archive_files USING btree (day, tenant_id, part) WHERE (state <> 'checked'::text);
comment on table audit_log.archive_files is 'The files into which a tenant''s day is cut: events from one key to another, both included, in the order of (occurred_at, id).';
comment on column audit_log.archive_files.tenant_id is 'Whose events they are.';
comment on column audit_log.archive_files.day is 'UTC day of occurred_at.';
comment on column audit_log.archive_files.part is 'Which file of the archive, from 0.';
comment on column audit_log.archive_files.state is 'planned: to be written. written: uploaded, to be read back. checked: read back, and every event in it stands in the tree that the checkpoint signs.';
comment on column audit_log.archive_files.rows is 'Events in it.';
comment on column audit_log.archive_files.from_occurred_at is 'Time of its first event.';
comment on column audit_log.archive_files.from_id is 'Id of its first event.';
comment on column audit_log.archive_files.to_occurred_at is 'Time of its last event.';
comment on column audit_log.archive_files.to_id is 'Id of its last event.';
comment on column audit_log.archive_files.generation is 'How many objects were given up before this one, because the store held other bytes under their names.';
comment on column audit_log.archive_files.key is 'Key of the object.';
comment on column audit_log.archive_files.sha256 is 'SHA-256 of its bytes as they were made.';
comment on column audit_log.archive_files.bytes is 'Its size.';
comment on column audit_log.archive_files.first_log_index is 'Least place of its leaves in the tenant''s tree.';
comment on column audit_log.archive_files.last_log_index is 'Greatest place of its leaves in the tenant''s tree.';
comment on column audit_log.archive_files.lease is 'Drawn by the worker that has the file now.';
comment on column audit_log.archive_files.leased_until is 'From then on another worker may take it.';
comment on column audit_log.archive_files.attempts is 'Tries that failed since the last success.';
comment on column audit_log.archive_files.retry_at is 'Nothing is tried before that.';
comment on column audit_log.archive_files.problem is 'What went wrong last; null when nothing did since.';
comment on column audit_log.archive_files.problem_at is 'When that was.';
grant select on table audit_log.archive_files to audit_job;
grant insert, select, update on table audit_log.archive_files to audit_owner;

create table audit_log.archives (
  tenant_id uuid not null,
  day date not null,
  state text not null default 'open'::text,
  rows bigint not null,
  files integer not null,
  bytes bigint,
  first_log_index bigint,
  last_log_index bigint,
  checkpoint_size bigint,
  checkpoint_root bytea,
  manifest_key text,
  manifest_sha256 bytea,
  archived_at timestamp with time zone,
  expires_at timestamp with time zone,
  expiring_at timestamp with time zone,
  deleted_at timestamp with time zone,
  lease uuid,
  leased_until timestamp with time zone,
  attempts integer not null default 0,
  retry_at timestamp with time zone,
  problem text,
  problem_at timestamp with time zone,
  tiles_moved_at timestamp with time zone,
  constraint an_archive_has_a_known_state CHECK ((state = ANY (ARRAY['open'::text, 'ready'::text, 'archived'::text, 'restored'::text, 'expiring'::text, 'deleted'::text]))),
  constraint archives_are_one_per_tenant_and_day PRIMARY KEY (tenant_id, day),
  constraint hashes_are_sha256 CHECK (((octet_length(checkpoint_root) = 32) AND (octet_length(manifest_sha256) = 32))),
  constraint what_is_archived_has_a_checked_manifest CHECK (((state = 'open'::text) OR (num_nulls(bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root, manifest_key, manifest_sha256) = 0))),
  constraint what_left_postgres_has_its_time CHECK (((state = ANY (ARRAY['open'::text, 'ready'::text])) OR (num_nulls(archived_at, expires_at) = 0)))
);
alter table audit_log.archives owner to audit_owner;
alter table audit_log.archives enable row level security;
alter table audit_log.archives force row level security;
CREATE INDEX archives_by_expiry ON audit_log.archives USING btree (expires_at) WHERE (state = 'archived'::text);
CREATE INDEX archives_by_state ON audit_log.archives USING btree (day, tenant_id) WHERE (state = ANY (ARRAY['open'::text, 'ready'::text, 'expiring'::text]));
CREATE INDEX archives_with_tiles ON audit_log.archives USING btree (day, tenant_id) WHERE ((state = 'archived'::text) AND (tiles_moved_at IS NULL));
comment on table audit_log.archives is 'One tenant''s events of one UTC day in object storage. A row becomes archived in the transaction that drops the day from events: read events first, then this table, in one transaction, and every event is found exactly once.';
comment on column audit_log.archives.tenant_id is 'Whose events they are.';
comment on column audit_log.archives.day is 'UTC day of occurred_at.';
comment on column audit_log.archives.state is 'open: being written, read Postgres. ready: written and checked, read Postgres. archived: read the archive. restored: back in Postgres, read there. expiring: being deleted, read neither. deleted: gone.';
comment on column audit_log.archives.rows is 'Events in it.';
comment on column audit_log.archives.files is 'Parquet files that hold them.';
comment on column audit_log.archives.bytes is 'Bytes of these files.';
comment on column audit_log.archives.first_log_index is 'Least place of its leaves in the tenant''s tree.';
comment on column audit_log.archives.last_log_index is 'Greatest place of its leaves in the tenant''s tree; between the two there may be leaves of other days.';
comment on column audit_log.archives.checkpoint_size is 'Leaves of the signed checkpoint with which every event was compared after it was read back.';
comment on column audit_log.archives.checkpoint_root is 'Root hash of that checkpoint.';
comment on column audit_log.archives.manifest_key is 'Key of the signed manifest in object storage; it stays after deletion.';
comment on column audit_log.archives.manifest_sha256 is 'SHA-256 of the manifest''s bytes.';
comment on column audit_log.archives.archived_at is 'When the day was dropped from Postgres.';
comment on column audit_log.archives.expires_at is 'When it may be deleted, unless a hold covers it.';
comment on column audit_log.archives.expiring_at is 'When its deletion began, which is also the time of the event that records it.';
comment on column audit_log.archives.deleted_at is 'When its files were deleted.';
comment on column audit_log.archives.lease is 'Drawn by the worker that has the row now; what another worker records under an older one is refused.';
comment on column audit_log.archives.leased_until is 'From then on another worker may take it.';
comment on column audit_log.archives.attempts is 'Tries that failed since the last success.';
comment on column audit_log.archives.retry_at is 'Nothing is tried before that.';
comment on column audit_log.archives.problem is 'What went wrong last; null when nothing did since.';
comment on column audit_log.archives.problem_at is 'When that was.';
comment on column audit_log.archives.tiles_moved_at is 'When the last full tile whose leaves were all archived by then had left Postgres; null while some may be left.';
grant select on table audit_log.archives to audit_job;
grant insert, references, select, update on table audit_log.archives to audit_owner;
grant select (tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root, manifest_key, manifest_sha256, archived_at, expires_at, expiring_at, deleted_at) on audit_log.archives to authenticated;

create table audit_log.batches (
  principal text not null,
  key_hash bytea not null,
  body_hash bytea not null,
  received_at timestamp with time zone not null,
  claimed_at timestamp with time zone not null default now(),
  constraint batches_are_claimed_once_per_principal_and_key PRIMARY KEY (principal, key_hash),
  constraint body_hash_is_a_sha256 CHECK ((octet_length(body_hash) = 32)),
  constraint key_hash_is_a_sha256 CHECK ((octet_length(key_hash) = 32))
);
alter table audit_log.batches owner to audit_owner;
alter table audit_log.batches enable row level security;
alter table audit_log.batches force row level security;
CREATE INDEX batches_by_age ON audit_log.batches USING btree (claimed_at);
comment on table audit_log.batches is 'Claims on Idempotency-Keys, made in the transaction that stores the batch. The answer is not kept: from received_at and the key it is computed again.';
comment on column audit_log.batches.principal is 'The verified caller; keys of two callers never meet.';
comment on column audit_log.batches.key_hash is 'SHA-256 of the Idempotency-Key.';
comment on column audit_log.batches.body_hash is 'SHA-256 of the body that first came with the key.';
comment on column audit_log.batches.received_at is 'When that first request arrived, by the clock of the function that took it.';
comment on column audit_log.batches.claimed_at is 'The same by the database''s clock: after 24 hours the claim counts as absent, whatever the clock of any function says.';
grant delete, insert, select, update on table audit_log.batches to audit_owner;

create table audit_log.checkpoint_bundles (
  name text not null,
  written_at timestamp with time zone not null default now(),
  constraint bundles_are_written_once PRIMARY KEY (name)
);
alter table audit_log.checkpoint_bundles owner to audit_owner;
alter table audit_log.checkpoint_bundles enable row level security;
alter table audit_log.checkpoint_bundles force row level security;
comment on table audit_log.checkpoint_bundles is 'Bundles of checkpoints that were put into object storage, so that a tick need not ask the store.';
comment on column audit_log.checkpoint_bundles.name is 'The object''s key.';
comment on column audit_log.checkpoint_bundles.written_at is 'When it was found durable there.';
grant select on table audit_log.checkpoint_bundles to audit_job;
grant insert, select on table audit_log.checkpoint_bundles to audit_owner;

create table audit_log.checkpoints (
  tenant_id uuid not null,
  size bigint not null,
  signed_at timestamp with time zone not null,
  verifier_key text not null,
  root bytea not null,
  note text not null,
  constraint checkpoint_key_is_known FOREIGN KEY (verifier_key) REFERENCES audit_log.signing_keys(verifier_key),
  constraint checkpoints_are_one_per_size_and_key PRIMARY KEY (tenant_id, size, verifier_key),
  constraint root_is_a_sha256 CHECK ((octet_length(root) = 32))
);
alter table audit_log.checkpoints owner to audit_owner;
alter table audit_log.checkpoints enable row level security;
alter table audit_log.checkpoints force row level security;
CREATE INDEX checkpoints_by_time ON audit_log.checkpoints USING btree (signed_at, tenant_id);
comment on table audit_log.checkpoints is 'Signed statements of each tenant''s tree (C2SP tlog-checkpoint). After 48 hours one an hour is kept.';
comment on column audit_log.checkpoints.tenant_id is 'Whose tree it is.';
comment on column audit_log.checkpoints.size is 'Leaves that it covers.';
comment on column audit_log.checkpoints.signed_at is 'When it was signed, as its cosignature says.';
comment on column audit_log.checkpoints.verifier_key is 'The key that signed it.';
comment on column audit_log.checkpoints.root is 'Root hash that it states.';
comment on column audit_log.checkpoints.note is 'The signed note, verbatim: what verifiers believe, instead of the columns.';
grant select on table audit_log.checkpoints to audit_job;
grant delete, insert, select on table audit_log.checkpoints to audit_owner;
grant select on table audit_log.checkpoints to authenticated;

create table audit_log.closed_days (
  day date not null,
  closed_at timestamp with time zone not null default now(),
  constraint days_close_once PRIMARY KEY (day)
);
alter table audit_log.closed_days owner to audit_owner;
alter table audit_log.closed_days enable row level security;
alter table audit_log.closed_days force row level security;
comment on table audit_log.closed_days is 'UTC days that take no more events. Whoever closes one holds pg_advisory_xact_lock(1635083369, day - date ''2000-01-01'') until commit; ingest() holds it shared.';
comment on column audit_log.closed_days.day is 'UTC day of occurred_at.';
comment on column audit_log.closed_days.closed_at is 'When it was closed.';
grant select on table audit_log.closed_days to audit_job;
grant insert, select on table audit_log.closed_days to audit_owner;

create table audit_log.deletions (
  tenant_id uuid not null,
  occurred_at timestamp with time zone not null,
  id uuid not null,
  reason text not null,
  deleted_by text not null,
  deleted_at timestamp with time zone not null default now(),
  constraint deletion_has_a_reason CHECK (((octet_length(reason) >= 1) AND (octet_length(reason) <= 2000))),
  constraint deletions_are_one_per_event PRIMARY KEY (tenant_id, occurred_at, id)
);
alter table audit_log.deletions owner to audit_owner;
alter table audit_log.deletions enable row level security;
alter table audit_log.deletions force row level security;
comment on table audit_log.deletions is 'Events that readers no longer see, unless they are admins and ask for them. The event itself, hot or archived, and every hash of it stay.';
comment on column audit_log.deletions.tenant_id is 'events.tenant_id.';
comment on column audit_log.deletions.occurred_at is 'events.occurred_at.';
comment on column audit_log.deletions.id is 'events.id.';
comment on column audit_log.deletions.reason is 'Why it was deleted.';
comment on column audit_log.deletions.deleted_by is 'Principal that deleted it.';
comment on column audit_log.deletions.deleted_at is 'When it was deleted.';
grant select on table audit_log.deletions to audit_job;
grant insert, select on table audit_log.deletions to audit_owner;
grant select (tenant_id, occurred_at, id, deleted_at) on audit_log.deletions to authenticated;

create table audit_log.ended_tree_problems (
  tenant_id uuid not null,
  problem text not null,
  found_at timestamp with time zone not null,
  ended_at timestamp with time zone not null default clock_timestamp(),
  size bigint not null,
  constraint tree_problems_end_once PRIMARY KEY (tenant_id, found_at)
);
alter table audit_log.ended_tree_problems owner to audit_owner;
alter table audit_log.ended_tree_problems enable row level security;
alter table audit_log.ended_tree_problems force row level security;
comment on table audit_log.ended_tree_problems is 'Tree problems of the past: the tree has its signed root again, and the events that were passed over meanwhile are sealed. While a problem lasted nothing protected them.';
comment on column audit_log.ended_tree_problems.tenant_id is 'Whose tree it is.';
comment on column audit_log.ended_tree_problems.problem is 'What was found.';
comment on column audit_log.ended_tree_problems.found_at is 'When the sealer found it.';
comment on column audit_log.ended_tree_problems.ended_at is 'When the tree was found to be as it was signed again.';
comment on column audit_log.ended_tree_problems.size is 'Leaves of the tree then, with those that were passed over.';
grant select on table audit_log.ended_tree_problems to audit_job;
grant insert, select on table audit_log.ended_tree_problems to audit_owner;
grant select on table audit_log.ended_tree_problems to authenticated;

create sequence audit_log.event_seq as bigint increment 1 minvalue 1 start 1 cache 1;
alter sequence audit_log.event_seq owner to audit_owner;
comment on sequence audit_log.event_seq is 'Numbers events in the order of insertion. Cache 1 and drawn after the transaction has its xid: the sealer''s gate rests on both. Never shown to tenants.';
grant select on sequence audit_log.event_seq to audit_job;
grant select, usage on sequence audit_log.event_seq to audit_owner;

create table audit_log.events (
  tenant_id uuid not null,
  occurred_at timestamp with time zone not null,
  id uuid not null,
  seq bigint not null,
  received_at timestamp with time zone not null,
  principal text collate "C" not null,
  source text collate "C",
  actor_id text collate "C",
  actor_type text collate "C",
  event_type text collate "C" not null,
  object_type text collate "C",
  object_id text collate "C",
  result text collate "C" not null,
  message text,
  duration_ms integer,
  context jsonb,
  ip_address inet,
  user_agent text,
  device_fingerprint text collate "C",
  request_id text collate "C",
  producer_id text collate "C",
  producer_seq bigint,
  leaf_hash bytea not null,
  actor_hash bigint generated always as ((((date_part('hour'::text, (occurred_at AT TIME ZONE '00:00:00'::interval)))::bigint << 58) | (hashtextextended(actor_id, uuid_hash_extended(tenant_id, (0)::bigint)) & '288230376151711743'::bigint))) stored,
  object_hash bigint generated always as ((((date_part('hour'::text, (occurred_at AT TIME ZONE '00:00:00'::interval)))::bigint << 58) | (hashtextextended(object_id, uuid_hash_extended(tenant_id, (0)::bigint)) & '288230376151711743'::bigint))) stored,
  constraint context_is_an_object CHECK ((jsonb_typeof(context) = 'object'::text)),
  constraint events_are_identified_by_tenant_time_and_id PRIMARY KEY (tenant_id, occurred_at, id),
  constraint ip_address_is_a_host CHECK ((masklen(ip_address) =
CASE family(ip_address)
    WHEN 4 THEN 32
    ELSE 128
END)),
  constraint leaf_hash_is_a_sha256 CHECK ((octet_length(leaf_hash) = 32)),
  constraint result_is_success_failure_or_warning CHECK ((result = ANY (ARRAY['success'::text, 'failure'::text, 'warning'::text])))
) partition by RANGE (occurred_at);
alter table audit_log.events owner to audit_owner;
alter table audit_log.events enable row level security;
alter table audit_log.events force row level security;
CREATE INDEX events_by_actor ON ONLY audit_log.events USING btree (actor_hash, occurred_at);
CREATE INDEX events_by_object ON ONLY audit_log.events USING btree (object_hash, occurred_at);
CREATE INDEX events_by_seq ON ONLY audit_log.events USING btree (seq);
comment on table audit_log.events is 'What somebody did, immutable once stored; one partition per UTC day of occurred_at. Written by audit_log.ingest() alone.';
comment on column audit_log.events.tenant_id is 'Whose event it is; from the credential, never from the body alone.';
comment on column audit_log.events.occurred_at is 'When it happened, as the producer says, cut to milliseconds. Part of the identity: never stamped anew on a retry.';
comment on column audit_log.events.id is 'The producer''s id of the event, or a version-7 UUID made at the door.';
comment on column audit_log.events.seq is 'Position in the order of insertion over all tenants; the sealer reads by it. Not in the leaf, never returned.';
comment on column audit_log.events.received_at is 'When the request that stored the event arrived, by the server''s clock, in milliseconds.';
comment on column audit_log.events.principal is 'The verified caller that sent it: key:<id>, user:<sub>, secret:<name> or anon.';
comment on column audit_log.events.source is 'Which service or part of it reports the event; lower case.';
comment on column audit_log.events.actor_id is 'Who did it, as the producer names them.';
comment on column audit_log.events.actor_type is 'What kind of actor: user, service, …; lower case.';
comment on column audit_log.events.event_type is 'What was done; lower case.';
comment on column audit_log.events.object_type is 'What kind of thing it was done to; lower case.';
comment on column audit_log.events.object_id is 'Which thing it was done to.';
comment on column audit_log.events.result is 'success, failure or warning.';
comment on column audit_log.events.message is 'A sentence for people.';
comment on column audit_log.events.duration_ms is 'How long it took, in whole milliseconds.';
comment on column audit_log.events.context is 'Anything else, a JSON object. What was hashed is its canonical form.';
comment on column audit_log.events.ip_address is 'Address of the actor; a host, no network.';
comment on column audit_log.events.user_agent is 'User agent of the actor.';
comment on column audit_log.events.device_fingerprint is 'What tells the actor''s device from others, often a hash of request headers.';
comment on column audit_log.events.request_id is 'The request in whose course it happened.';
comment on column audit_log.events.producer_id is 'Which process of the producer sent it.';
comment on column audit_log.events.producer_seq is 'Number of the event in that process: a gap means that one was lost on the way.';
comment on column audit_log.events.leaf_hash is 'SHA-256(0x00 || leaf), RFC 6962; the leaf is the canonical JSON of the row without seq, leaf_hash, actor_hash and object_hash.';
comment on column audit_log.events.actor_hash is 'UTC hour of occurred_at, above 58 bits of a hash of tenant_id and actor_id: for the index, which leads to candidates. Not in the leaf, never returned.';
comment on column audit_log.events.object_hash is 'UTC hour of occurred_at, above 58 bits of a hash of tenant_id and object_id: for the index, which leads to candidates. Not in the leaf, never returned.';
grant select on table audit_log.events to audit_job;
grant insert, select on table audit_log.events to audit_owner;
grant select (tenant_id, occurred_at, id, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message, duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash, actor_hash, object_hash) on audit_log.events to authenticated;

create table audit_log.events_20260101 (
  tenant_id uuid not null,
  occurred_at timestamp with time zone not null,
  id uuid not null,
  seq bigint not null,
  received_at timestamp with time zone not null,
  principal text collate "C" not null,
  source text collate "C",
  actor_id text collate "C",
  actor_type text collate "C",
  event_type text collate "C" not null,
  object_type text collate "C",
  object_id text collate "C",
  result text collate "C" not null,
  message text,
  duration_ms integer,
  context jsonb,
  ip_address inet,
  user_agent text,
  device_fingerprint text collate "C",
  request_id text collate "C",
  producer_id text collate "C",
  producer_seq bigint,
  leaf_hash bytea not null,
  actor_hash bigint generated always as ((((date_part('hour'::text, (occurred_at AT TIME ZONE '00:00:00'::interval)))::bigint << 58) | (hashtextextended(actor_id, uuid_hash_extended(tenant_id, (0)::bigint)) & '288230376151711743'::bigint))) stored,
  object_hash bigint generated always as ((((date_part('hour'::text, (occurred_at AT TIME ZONE '00:00:00'::interval)))::bigint << 58) | (hashtextextended(object_id, uuid_hash_extended(tenant_id, (0)::bigint)) & '288230376151711743'::bigint))) stored,
  constraint context_is_an_object CHECK ((jsonb_typeof(context) = 'object'::text)),
  constraint events_20260101_pkey PRIMARY KEY (tenant_id, occurred_at, id),
  constraint ip_address_is_a_host CHECK ((masklen(ip_address) =
CASE family(ip_address)
    WHEN 4 THEN 32
    ELSE 128
END)),
  constraint leaf_hash_is_a_sha256 CHECK ((octet_length(leaf_hash) = 32)),
  constraint occurred_on_this_utc_day CHECK (((occurred_at >= '2026-01-01 00:00:00+00'::timestamp with time zone) AND (occurred_at < '2026-01-02 00:00:00+00'::timestamp with time zone))),
  constraint result_is_success_failure_or_warning CHECK ((result = ANY (ARRAY['success'::text, 'failure'::text, 'warning'::text])))
);
alter table audit_log.events attach partition audit_log.events_20260101 FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-01-02 00:00:00+00');
alter table audit_log.events_20260101 owner to audit_owner;
alter table audit_log.events_20260101 enable row level security;
alter table audit_log.events_20260101 force row level security;
CREATE INDEX events_20260101_actor_hash_occurred_at_idx ON audit_log.events_20260101 USING btree (actor_hash, occurred_at);
CREATE INDEX events_20260101_object_hash_occurred_at_idx ON audit_log.events_20260101 USING btree (object_hash, occurred_at);
CREATE INDEX events_20260101_seq_idx ON audit_log.events_20260101 USING btree (seq);
comment on column audit_log.events_20260101.tenant_id is 'Whose event it is; from the credential, never from the body alone.';
comment on column audit_log.events_20260101.occurred_at is 'When it happened, as the producer says, cut to milliseconds. Part of the identity: never stamped anew on a retry.';
comment on column audit_log.events_20260101.id is 'The producer''s id of the event, or a version-7 UUID made at the door.';
comment on column audit_log.events_20260101.seq is 'Position in the order of insertion over all tenants; the sealer reads by it. Not in the leaf, never returned.';
comment on column audit_log.events_20260101.received_at is 'When the request that stored the event arrived, by the server''s clock, in milliseconds.';
comment on column audit_log.events_20260101.principal is 'The verified caller that sent it: key:<id>, user:<sub>, secret:<name> or anon.';
comment on column audit_log.events_20260101.source is 'Which service or part of it reports the event; lower case.';
comment on column audit_log.events_20260101.actor_id is 'Who did it, as the producer names them.';
comment on column audit_log.events_20260101.actor_type is 'What kind of actor: user, service, …; lower case.';
comment on column audit_log.events_20260101.event_type is 'What was done; lower case.';
comment on column audit_log.events_20260101.object_type is 'What kind of thing it was done to; lower case.';
comment on column audit_log.events_20260101.object_id is 'Which thing it was done to.';
comment on column audit_log.events_20260101.result is 'success, failure or warning.';
comment on column audit_log.events_20260101.message is 'A sentence for people.';
comment on column audit_log.events_20260101.duration_ms is 'How long it took, in whole milliseconds.';
comment on column audit_log.events_20260101.context is 'Anything else, a JSON object. What was hashed is its canonical form.';
comment on column audit_log.events_20260101.ip_address is 'Address of the actor; a host, no network.';
comment on column audit_log.events_20260101.user_agent is 'User agent of the actor.';
comment on column audit_log.events_20260101.device_fingerprint is 'What tells the actor''s device from others, often a hash of request headers.';
comment on column audit_log.events_20260101.request_id is 'The request in whose course it happened.';
comment on column audit_log.events_20260101.producer_id is 'Which process of the producer sent it.';
comment on column audit_log.events_20260101.producer_seq is 'Number of the event in that process: a gap means that one was lost on the way.';
comment on column audit_log.events_20260101.leaf_hash is 'SHA-256(0x00 || leaf), RFC 6962; the leaf is the canonical JSON of the row without seq, leaf_hash, actor_hash and object_hash.';
comment on column audit_log.events_20260101.actor_hash is 'UTC hour of occurred_at, above 58 bits of a hash of tenant_id and actor_id: for the index, which leads to candidates. Not in the leaf, never returned.';
comment on column audit_log.events_20260101.object_hash is 'UTC hour of occurred_at, above 58 bits of a hash of tenant_id and object_id: for the index, which leads to candidates. Not in the leaf, never returned.';

create table audit_log.holds (
  id uuid not null,
  tenant_id uuid not null,
  reason text not null,
  object_type text collate "C",
  object_id text collate "C",
  actor_id text collate "C",
  from_at timestamp with time zone,
  to_at timestamp with time zone,
  placed_by text not null,
  placed_at timestamp with time zone not null default now(),
  released_by text,
  released_at timestamp with time zone,
  release_reason text,
  constraint hold_ends_after_it_begins CHECK ((from_at <= to_at)),
  constraint hold_has_a_reason CHECK (((octet_length(reason) >= 1) AND (octet_length(reason) <= 2000))),
  constraint holds_are_named_by_id PRIMARY KEY (id),
  constraint release_has_a_reason CHECK (((octet_length(release_reason) >= 1) AND (octet_length(release_reason) <= 2000))),
  constraint release_is_whole CHECK ((num_nulls(released_by, released_at, release_reason) = ANY (ARRAY[0, 3])))
);
alter table audit_log.holds owner to audit_owner;
alter table audit_log.holds enable row level security;
alter table audit_log.holds force row level security;
CREATE INDEX holds_by_tenant ON audit_log.holds USING btree (tenant_id, placed_at);
comment on table audit_log.holds is 'Legal holds: what one covers neither expires nor is softly deleted; it may be archived. An event is covered when all that the hold names is so.';
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
grant select on table audit_log.holds to audit_job;
grant insert, select, update on table audit_log.holds to audit_owner;
grant select on table audit_log.holds to authenticated;

create table audit_log.imported_days (
  day date not null,
  imported_at timestamp with time zone not null default now(),
  constraint imported_days_are_noted_once PRIMARY KEY (day)
);
alter table audit_log.imported_days owner to audit_owner;
alter table audit_log.imported_days enable row level security;
alter table audit_log.imported_days force row level security;
comment on table audit_log.imported_days is 'UTC days into which events were imported, and when last: such a day is closed 24 hours later at the earliest.';
comment on column audit_log.imported_days.day is 'UTC day of occurred_at.';
comment on column audit_log.imported_days.imported_at is 'When events were last imported into it.';
grant select on table audit_log.imported_days to audit_job;
grant insert, select, update on table audit_log.imported_days to audit_owner;

create table audit_log.imports (
  id uuid not null,
  tenant_id uuid,
  source text not null,
  format text not null,
  "position" text,
  counts jsonb not null default '{}'::jsonb,
  started_by text not null default SESSION_USER,
  started_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  finished_at timestamp with time zone,
  constraint counts_are_an_object CHECK ((jsonb_typeof(counts) = 'object'::text)),
  constraint imports_are_identified_by_their_source PRIMARY KEY (id)
);
alter table audit_log.imports owner to audit_owner;
alter table audit_log.imports enable row level security;
alter table audit_log.imports force row level security;
comment on table audit_log.imports is 'Imports of other logs. Events of one have the principal import:<id>; its position is committed together with them, so that a killed import goes on where it was.';
comment on column audit_log.imports.id is 'Derived from source, tenant and mapping: the same import gets the same id.';
comment on column audit_log.imports.tenant_id is 'The only tenant it may write to; null when each record names its own.';
comment on column audit_log.imports.source is 'The file, folder or table it reads, without credentials.';
comment on column audit_log.imports.format is 'How the source is read.';
comment on column audit_log.imports."position" is 'How far the source is stored, in the importer''s terms; null before the first batch.';
comment on column audit_log.imports.counts is 'What became of the records up to the position.';
comment on column audit_log.imports.started_by is 'Login that began it.';
comment on column audit_log.imports.started_at is 'When it began.';
comment on column audit_log.imports.updated_at is 'When it last came further.';
comment on column audit_log.imports.finished_at is 'When it reached the end of its source; null before.';
grant select on table audit_log.imports to audit_job;
grant insert, select, update on table audit_log.imports to audit_owner;

create table audit_log.job_outcomes (
  job text not null,
  asked_at timestamp with time zone,
  request_id bigint,
  succeeded_at timestamp with time zone,
  failed_at timestamp with time zone,
  failures bigint not null default 0,
  problem text,
  constraint a_failing_job_has_a_problem CHECK (((failures > 0) = (problem IS NOT NULL))),
  constraint job_has_a_name CHECK ((job ~ '^[a-z][a-z-]{0,62}$'::text)),
  constraint outcomes_are_one_per_job PRIMARY KEY (job)
);
alter table audit_log.job_outcomes owner to audit_owner;
alter table audit_log.job_outcomes enable row level security;
alter table audit_log.job_outcomes force row level security;
comment on table audit_log.job_outcomes is 'How each scheduled job fares: one row a job, written by every run.';
comment on column audit_log.job_outcomes.job is 'What runs: partitions, clean-up, or the name of an Edge Function.';
comment on column audit_log.job_outcomes.asked_at is 'When the Edge Function was last called; null for jobs inside the database.';
comment on column audit_log.job_outcomes.request_id is 'pg_net''s number of that call, until its answer has been read.';
comment on column audit_log.job_outcomes.succeeded_at is 'When a run was last known to have succeeded.';
comment on column audit_log.job_outcomes.failed_at is 'When a run was last known to have failed.';
comment on column audit_log.job_outcomes.failures is 'Runs that failed since the last success.';
comment on column audit_log.job_outcomes.problem is 'What went wrong last; null when the last run succeeded.';
grant select on table audit_log.job_outcomes to audit_job;
grant insert, select, update on table audit_log.job_outcomes to audit_owner;

create table audit_log.key_rotations (
  retired_key text not null,
  successor_key text not null,
  retired_at timestamp with time zone not null,
  statement text not null,
  announced_at timestamp with time zone not null default now(),
  constraint a_key_has_one_successor PRIMARY KEY (retired_key),
  constraint a_key_succeeds_once UNIQUE (successor_key),
  constraint retired_key_is_known FOREIGN KEY (retired_key) REFERENCES audit_log.signing_keys(verifier_key),
  constraint successor_key_is_known FOREIGN KEY (successor_key) REFERENCES audit_log.signing_keys(verifier_key)
);
alter table audit_log.key_rotations owner to audit_owner;
alter table audit_log.key_rotations enable row level security;
alter table audit_log.key_rotations force row level security;
comment on table audit_log.key_rotations is 'Statements by which one signing key hands over to the next, signed by both.';
comment on column audit_log.key_rotations.retired_key is 'The key that hands over.';
comment on column audit_log.key_rotations.successor_key is 'The key that takes over.';
comment on column audit_log.key_rotations.retired_at is 'Nothing that retired_key signs after this counts.';
comment on column audit_log.key_rotations.statement is 'The signed note that says so; what verifiers believe, instead of the columns.';
comment on column audit_log.key_rotations.announced_at is 'When it was recorded here.';
grant select on table audit_log.key_rotations to audit_job;
grant insert, select on table audit_log.key_rotations to audit_owner;
grant select on table audit_log.key_rotations to authenticated;

create table audit_log.rate_buckets (
  bucket text not null,
  tokens double precision not null,
  refilled_at timestamp with time zone not null,
  constraint rate_buckets_are_named PRIMARY KEY (bucket)
);
alter table audit_log.rate_buckets owner to audit_owner;
alter table audit_log.rate_buckets enable row level security;
alter table audit_log.rate_buckets force row level security;
comment on table audit_log.rate_buckets is 'Token buckets, from which the processes lease. Forgotten when idle: a bucket that is not here is full.';
comment on column audit_log.rate_buckets.bucket is 'What is counted and whose: ingest or reads, then tenant and its id, or caller and its principal.';
comment on column audit_log.rate_buckets.tokens is 'Tokens that were left at refilled_at: neither leased nor spent. Below zero when more was spent than there was.';
comment on column audit_log.rate_buckets.refilled_at is 'The moment that tokens is of.';
grant delete, insert, select, update on table audit_log.rate_buckets to audit_owner;

create table audit_log.rate_limits (
  tenant_id uuid not null,
  ingest_per_second integer,
  ingest_per_second_per_caller integer,
  reads_per_second integer,
  reads_per_second_per_caller integer,
  changed_at timestamp with time zone not null default now(),
  constraint rate_limits_are_at_least_one_a_second CHECK ((LEAST(ingest_per_second, ingest_per_second_per_caller, reads_per_second, reads_per_second_per_caller) >= 1)),
  constraint rate_limits_are_one_row_a_tenant PRIMARY KEY (tenant_id)
);
alter table audit_log.rate_limits owner to audit_owner;
alter table audit_log.rate_limits enable row level security;
alter table audit_log.rate_limits force row level security;
comment on table audit_log.rate_limits is 'Quotas of tenants that have others than the deployment''s defaults. The operator sets them; a tenant''s admin does not.';
comment on column audit_log.rate_limits.tenant_id is 'The tenant; it need not be known yet.';
comment on column audit_log.rate_limits.ingest_per_second is 'Events a second of all its callers together; the default, when null.';
comment on column audit_log.rate_limits.ingest_per_second_per_caller is 'Events a second of each of its callers; the default, when null.';
comment on column audit_log.rate_limits.reads_per_second is 'Reading requests a second of all its callers together; the default, when null.';
comment on column audit_log.rate_limits.reads_per_second_per_caller is 'Reading requests a second of each of its callers; the default, when null.';
comment on column audit_log.rate_limits.changed_at is 'When the row was last changed.';
grant select on table audit_log.rate_limits to audit_job;
grant delete, insert, select, update on table audit_log.rate_limits to audit_owner;

create table audit_log.retention_policies (
  tenant_id uuid not null,
  retention_years integer,
  changed_by text not null,
  changed_at timestamp with time zone not null default now(),
  constraint policies_are_one_per_tenant PRIMARY KEY (tenant_id),
  constraint retention_is_1_to_100_years CHECK (((retention_years >= 1) AND (retention_years <= 100)))
);
alter table audit_log.retention_policies owner to audit_owner;
alter table audit_log.retention_policies enable row level security;
alter table audit_log.retention_policies force row level security;
comment on table audit_log.retention_policies is 'How long a tenant''s events are kept, where that was ever set; each change is also an event of the tenant''s log.';
comment on column audit_log.retention_policies.tenant_id is 'Whose events.';
comment on column audit_log.retention_policies.retention_years is 'Years after the end of a day before its archive expires; null: as long as the deployment says.';
comment on column audit_log.retention_policies.changed_by is 'Principal that set it last.';
comment on column audit_log.retention_policies.changed_at is 'When that was.';
grant select on table audit_log.retention_policies to audit_job;
grant insert, select, update on table audit_log.retention_policies to audit_owner;
grant select on table audit_log.retention_policies to authenticated;

create table audit_log.seal_problems (
  tenant_id uuid not null,
  occurred_at timestamp with time zone not null,
  id uuid not null,
  seq bigint not null,
  stored_leaf_hash bytea not null,
  rebuilt_leaf_hash bytea,
  found_at timestamp with time zone not null default now(),
  constraint seal_problems_are_one_per_event PRIMARY KEY (tenant_id, occurred_at, id)
);
alter table audit_log.seal_problems owner to audit_owner;
alter table audit_log.seal_problems enable row level security;
alter table audit_log.seal_problems force row level security;
comment on table audit_log.seal_problems is 'Events that were not sealed, because their row no longer rebuilds the leaf hash stored with it: it was changed after it was stored.';
comment on column audit_log.seal_problems.tenant_id is 'events.tenant_id as found.';
comment on column audit_log.seal_problems.occurred_at is 'events.occurred_at as found.';
comment on column audit_log.seal_problems.id is 'events.id as found.';
comment on column audit_log.seal_problems.seq is 'events.seq as found.';
comment on column audit_log.seal_problems.stored_leaf_hash is 'events.leaf_hash as found.';
comment on column audit_log.seal_problems.rebuilt_leaf_hash is 'What the row hashes to; null when no leaf could be built from it.';
comment on column audit_log.seal_problems.found_at is 'When the sealer found it.';
grant select on table audit_log.seal_problems to audit_job;
grant insert, select on table audit_log.seal_problems to audit_owner;
grant select (tenant_id, occurred_at, id, stored_leaf_hash, rebuilt_leaf_hash, found_at) on audit_log.seal_problems to authenticated;

create table audit_log.sealer (
  only_row boolean not null default true,
  sealed_seq bigint not null default 0,
  open_seq bigint not null default 0,
  gate_seq bigint,
  gate_xid xid8,
  gate_at timestamp with time zone,
  constraint a_gate_is_whole CHECK ((num_nulls(gate_seq, gate_xid, gate_at) = ANY (ARRAY[0, 3]))),
  constraint sealed_is_not_beyond_open CHECK ((sealed_seq <= open_seq)),
  constraint the_only_row_is_true CHECK (only_row),
  constraint there_is_one_sealer PRIMARY KEY (only_row)
);
alter table audit_log.sealer owner to audit_owner;
alter table audit_log.sealer enable row level security;
alter table audit_log.sealer force row level security;
comment on table audit_log.sealer is 'How far sealing has come, over all tenants.';
comment on column audit_log.sealer.only_row is 'Always true: there is one row.';
comment on column audit_log.sealer.sealed_seq is 'Every event up to this seq is sealed or in seal_problems.';
comment on column audit_log.sealer.open_seq is 'No transaction can add an event up to this seq any more.';
comment on column audit_log.sealer.gate_seq is 'What open_seq becomes once no transaction older than gate_xid runs.';
comment on column audit_log.sealer.gate_xid is 'The sealer''s own xid, taken after it had read gate_seq.';
comment on column audit_log.sealer.gate_at is 'When the gate was set: an old one means that a transaction, perhaps a prepared one, holds sealing up.';
grant select on table audit_log.sealer to audit_job;
grant select, update on table audit_log.sealer to audit_owner;

create table audit_log.signing_keys (
  verifier_key text not null,
  log_origin text not null,
  since timestamp with time zone not null default now(),
  retired_at timestamp with time zone,
  constraint signing_keys_are_named_by_themselves PRIMARY KEY (verifier_key)
);
alter table audit_log.signing_keys owner to audit_owner;
alter table audit_log.signing_keys enable row level security;
alter table audit_log.signing_keys force row level security;
comment on table audit_log.signing_keys is 'Public keys that have signed checkpoints here. Whoever can write to the database could replace them: an independent check brings its own.';
comment on column audit_log.signing_keys.verifier_key is 'The key in C2SP signed-note''s text form, <name>+<id>+<Base 64>.';
comment on column audit_log.signing_keys.log_origin is 'Origin of the logs it signs; a checkpoint''s origin is <log_origin>/<tenant_id>.';
comment on column audit_log.signing_keys.since is 'When it was first used or announced here.';
comment on column audit_log.signing_keys.retired_at is 'When it ceases to sign, as its rotation statement says; null while nothing has succeeded it.';
grant select on table audit_log.signing_keys to audit_job;
grant insert, references, select, update on table audit_log.signing_keys to audit_owner;
grant select on table audit_log.signing_keys to authenticated;

create table audit_log.tenants (
  id uuid not null,
  name text not null,
  created_at timestamp with time zone not null default now(),
  constraint tenant_name_is_1_to_255_bytes CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 255))),
  constraint tenants_are_named_by_id PRIMARY KEY (id)
);
alter table audit_log.tenants owner to audit_owner;
alter table audit_log.tenants enable row level security;
alter table audit_log.tenants force row level security;
comment on table audit_log.tenants is 'Customers whose events are kept: the isolation boundary. Events do not reference it by a foreign key.';
comment on column audit_log.tenants.id is 'The tenant''s UUID, chosen by whoever creates it.';
comment on column audit_log.tenants.name is 'What people call the tenant; its id as text when a batch of events created it.';
comment on column audit_log.tenants.created_at is 'When the tenant was first known here.';
grant select on table audit_log.tenants to audit_job;
grant insert, references, select, update on table audit_log.tenants to audit_owner;
grant select on table audit_log.tenants to authenticated;

create table audit_log.tiles (
  tenant_id uuid not null,
  level smallint not null,
  tile_index bigint not null,
  hashes bytea storage external not null,
  first_seq bigint,
  seqs bigint[] storage external,
  occurred_ats timestamp with time zone[] storage external,
  ids uuid[] storage external,
  constraint hashes_are_1_to_256 CHECK ((((octet_length(hashes) >= 32) AND (octet_length(hashes) <= 8192)) AND ((octet_length(hashes) % 32) = 0))),
  constraint leaves_are_named_on_level_0 CHECK (
CASE
    WHEN (level = 0) THEN ((cardinality(seqs) = (octet_length(hashes) / 32)) AND (cardinality(occurred_ats) = cardinality(seqs)) AND (cardinality(ids) = cardinality(seqs)) AND (first_seq = seqs[1]))
    ELSE (num_nonnulls(first_seq, seqs, occurred_ats, ids) = 0)
END),
  constraint level_is_0_to_63 CHECK (((level >= 0) AND (level <= 63))),
  constraint tiles_are_one_per_place PRIMARY KEY (tenant_id, level, tile_index)
);
alter table audit_log.tiles owner to audit_owner;
alter table audit_log.tiles enable row level security;
alter table audit_log.tiles force row level security;
CREATE INDEX tiles_by_first_seq ON audit_log.tiles USING btree (tenant_id, first_seq) WHERE (level = 0);
comment on table audit_log.tiles is 'Hashes of each tenant''s tree, 256 a row, as in C2SP tlog-tiles. The last tile of a level is partial: it is appended to, never changed.';
comment on column audit_log.tiles.tenant_id is 'Whose tree it is.';
comment on column audit_log.tiles.level is '0: leaf hashes. Above: roots of the full tiles one level down.';
comment on column audit_log.tiles.tile_index is 'Which tile of its level, from 0.';
comment on column audit_log.tiles.hashes is 'Hashes of 32 bytes, end to end.';
comment on column audit_log.tiles.first_seq is 'First of seqs, to find a leaf by.';
comment on column audit_log.tiles.seqs is 'events.seq of each leaf; on level 0 only.';
comment on column audit_log.tiles.occurred_ats is 'events.occurred_at of each leaf; on level 0 only.';
comment on column audit_log.tiles.ids is 'events.id of each leaf; on level 0 only.';
grant select on table audit_log.tiles to audit_job;
grant delete, insert, select, update on table audit_log.tiles to audit_owner;
grant select (tenant_id, level, tile_index, hashes, occurred_ats, ids) on audit_log.tiles to authenticated;

create table audit_log.tree_problems (
  tenant_id uuid not null,
  problem text not null,
  found_at timestamp with time zone not null default now(),
  constraint tree_problems_are_one_per_tenant PRIMARY KEY (tenant_id)
);
alter table audit_log.tree_problems owner to audit_owner;
alter table audit_log.tree_problems enable row level security;
alter table audit_log.tree_problems force row level security;
comment on table audit_log.tree_problems is 'Tenants whose tree does not match its last signed checkpoint: nothing is appended to it, since a signature would cover up the change. Their events are passed over.';
comment on column audit_log.tree_problems.tenant_id is 'Whose tree it is.';
comment on column audit_log.tree_problems.problem is 'What was found.';
comment on column audit_log.tree_problems.found_at is 'When the sealer found it.';
grant select on table audit_log.tree_problems to audit_job;
grant delete, insert, select on table audit_log.tree_problems to audit_owner;
grant select on table audit_log.tree_problems to authenticated;

create table audit_log.tree_state (
  tenant_id uuid not null,
  size bigint not null,
  edge bytea storage plain not null,
  root bytea not null,
  sealed_at timestamp with time zone not null default now(),
  constraint a_tree_has_leaves CHECK ((size > 0)),
  constraint edge_is_whole_hashes CHECK ((((octet_length(edge) % 32) = 0) AND (octet_length(edge) > 0))),
  constraint root_is_a_sha256 CHECK ((octet_length(root) = 32)),
  constraint tree_state_is_one_per_tenant PRIMARY KEY (tenant_id)
);
alter table audit_log.tree_state owner to audit_owner;
alter table audit_log.tree_state enable row level security;
alter table audit_log.tree_state force row level security;
comment on table audit_log.tree_state is 'Each tenant''s Merkle tree as it stands; grows, never shrinks.';
comment on column audit_log.tree_state.tenant_id is 'Whose tree it is.';
comment on column audit_log.tree_state.size is 'Leaves of the tree.';
comment on column audit_log.tree_state.edge is 'Roots of the tree''s perfect subtrees, largest first, 32 bytes each: all that is needed to append.';
comment on column audit_log.tree_state.root is 'Root hash, RFC 6962 section 2.1.';
comment on column audit_log.tree_state.sealed_at is 'When it last grew.';
grant select on table audit_log.tree_state to audit_job;
grant insert, select, update on table audit_log.tree_state to audit_owner;
grant select (tenant_id, size, root, sealed_at) on audit_log.tree_state to authenticated;

create view public.audit_events as  SELECT id,
    occurred_at AS "timestamp",
    tenant_id,
    source,
    actor_id AS operator,
    event_type AS operation_type,
    result,
    message,
    context AS extra_info,
    actor_id,
    actor_type,
    object_type,
    object_id,
    event_type,
    context,
    ip_address,
    user_agent,
    occurred_at,
    received_at,
    duration_ms,
    request_id
   FROM audit_log.events;
-- with (security_invoker=true);
alter view public.audit_events owner to postgres;
comment on view public.audit_events is 'Events of the caller''s tenants under both former tables'' column names. Read only; granted to nobody until you grant it.';
grant delete, insert, references, select, trigger, truncate, update on view public.audit_events to postgres;

-- on audit_log.api_keys
create policy "admins read the keys of their own tenants" on audit_log.api_keys for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('admin'::text) AS has_role));
create policy "functions of audit_owner create keys" on audit_log.api_keys for insert to audit_owner
  with check true;
create policy "functions of audit_owner find every key" on audit_log.api_keys for select to audit_owner
  using true;
create policy "functions of audit_owner revoke keys" on audit_log.api_keys for update to audit_owner
  using true
  with check true;

-- on audit_log.archive_days
create policy "functions of audit_owner keep the archive's books" on audit_log.archive_days for all to audit_owner
  using true
  with check true;
create policy "jobs read the archive's books" on audit_log.archive_days for select to audit_job
  using true;

-- on audit_log.archive_files
create policy "functions of audit_owner keep the archive's books" on audit_log.archive_files for all to audit_owner
  using true
  with check true;
create policy "jobs read the archive's books" on audit_log.archive_files for select to audit_job
  using true;

-- on audit_log.archives
create policy "functions of audit_owner keep the archive's books" on audit_log.archives for all to audit_owner
  using true
  with check true;
create policy "jobs read the archive's books" on audit_log.archives for select to audit_job
  using true;
create policy "viewers read archives of their own tenants" on audit_log.archives for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('viewer'::text) AS has_role));

-- on audit_log.batches
create policy "functions of audit_owner claim and forget batches" on audit_log.batches for all to audit_owner
  using true
  with check true;

-- on audit_log.checkpoint_bundles
create policy "functions of audit_owner record bundles" on audit_log.checkpoint_bundles for all to audit_owner
  using true
  with check true;
create policy "jobs read which bundles were written" on audit_log.checkpoint_bundles for select to audit_job
  using true;
CREATE TRIGGER checkpoints_refuse_loss BEFORE DELETE OR UPDATE ON audit_log.checkpoint_bundles FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_losing_a_checkpoint(); -- always
CREATE TRIGGER checkpoints_refuse_truncate BEFORE TRUNCATE ON audit_log.checkpoint_bundles FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_losing_a_checkpoint(); -- always

-- on audit_log.checkpoints
create policy "functions of audit_owner add and thin checkpoints" on audit_log.checkpoints for all to audit_owner
  using true
  with check true;
create policy "jobs read every checkpoint" on audit_log.checkpoints for select to audit_job
  using true;
create policy "viewers read checkpoints of their own tenants" on audit_log.checkpoints for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('viewer'::text) AS has_role));
CREATE TRIGGER checkpoints_refuse_loss BEFORE DELETE OR UPDATE ON audit_log.checkpoints FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_losing_a_checkpoint(); -- always
CREATE TRIGGER checkpoints_refuse_truncate BEFORE TRUNCATE ON audit_log.checkpoints FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_losing_a_checkpoint(); -- always

-- on audit_log.closed_days
create policy "functions of audit_owner close days" on audit_log.closed_days for insert to audit_owner
  with check true;
create policy "functions of audit_owner read closed days" on audit_log.closed_days for select to audit_owner
  using true;
create policy "jobs read closed days" on audit_log.closed_days for select to audit_job
  using true;

-- on audit_log.deletions
create policy "functions of audit_owner delete events softly" on audit_log.deletions for all to audit_owner
  using true
  with check true;
create policy "jobs read every deletion" on audit_log.deletions for select to audit_job
  using true;
create policy "viewers read which events of their own tenants are deleted" on audit_log.deletions for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('viewer'::text) AS has_role));
CREATE TRIGGER deletions_refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_log.deletions FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_change(); -- always

-- on audit_log.ended_tree_problems
create policy "auditors read whether trees of their own tenants differed" on audit_log.ended_tree_problems for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('auditor'::text) AS has_role));
create policy "functions of audit_owner record trees that differed" on audit_log.ended_tree_problems for all to audit_owner
  using true
  with check true;
create policy "jobs read every tree that differed" on audit_log.ended_tree_problems for select to audit_job
  using true;
CREATE TRIGGER tree_refuses_rewriting BEFORE DELETE OR UPDATE ON audit_log.ended_tree_problems FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always
CREATE TRIGGER tree_refuses_truncate BEFORE TRUNCATE ON audit_log.ended_tree_problems FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always

-- on audit_log.events
create policy "functions of audit_owner read every event" on audit_log.events for select to audit_owner
  using true;
create policy "ingest() inserts events" on audit_log.events for insert to audit_owner
  with check true;
create policy "jobs read every event" on audit_log.events for select to audit_job
  using true;
create policy "viewers read events of their own tenants" on audit_log.events for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('viewer'::text) AS has_role));
CREATE TRIGGER events_refuse_change BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_log.events FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_change(); -- always
CREATE TRIGGER events_refuse_change_of_row BEFORE DELETE OR UPDATE ON audit_log.events FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_change(); -- always

-- on audit_log.events_20260101
CREATE TRIGGER day_refuses_change BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_log.events_20260101 FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_change(); -- always
CREATE TRIGGER day_refuses_change_of_row BEFORE DELETE OR UPDATE ON audit_log.events_20260101 FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_change(); -- always
CREATE TRIGGER events_refuse_change_of_row BEFORE DELETE OR UPDATE ON audit_log.events_20260101 FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_change(); -- always

-- on audit_log.holds
create policy "auditors read holds of their own tenants" on audit_log.holds for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('auditor'::text) AS has_role));
create policy "functions of audit_owner place and release holds" on audit_log.holds for all to audit_owner
  using true
  with check true;
create policy "jobs read every hold" on audit_log.holds for select to audit_job
  using true;
CREATE TRIGGER holds_refuse_loss BEFORE DELETE OR UPDATE ON audit_log.holds FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_losing_a_hold(); -- always
CREATE TRIGGER holds_refuse_truncate BEFORE TRUNCATE ON audit_log.holds FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_losing_a_hold(); -- always

-- on audit_log.imported_days
create policy "functions of audit_owner keep the archive's books" on audit_log.imported_days for all to audit_owner
  using true
  with check true;
create policy "jobs read the archive's books" on audit_log.imported_days for select to audit_job
  using true;

-- on audit_log.imports
create policy "functions of audit_owner keep track of imports" on audit_log.imports for all to audit_owner
  using true
  with check true;
create policy "jobs read imports" on audit_log.imports for select to audit_job
  using true;

-- on audit_log.job_outcomes
create policy "functions of audit_owner record how jobs fare" on audit_log.job_outcomes for all to audit_owner
  using true
  with check true;
create policy "jobs read how jobs fare" on audit_log.job_outcomes for select to audit_job
  using true;

-- on audit_log.key_rotations
create policy "functions of audit_owner record rotations" on audit_log.key_rotations for all to audit_owner
  using true
  with check true;
create policy "jobs read every rotation" on audit_log.key_rotations for select to audit_job
  using true;
create policy "whoever is signed in reads rotations of public keys" on audit_log.key_rotations for select to authenticated
  using true;
CREATE TRIGGER checkpoints_refuse_loss BEFORE DELETE OR UPDATE ON audit_log.key_rotations FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_losing_a_checkpoint(); -- always
CREATE TRIGGER checkpoints_refuse_truncate BEFORE TRUNCATE ON audit_log.key_rotations FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_losing_a_checkpoint(); -- always

-- on audit_log.rate_buckets
create policy "functions of audit_owner lease tokens" on audit_log.rate_buckets for all to audit_owner
  using true
  with check true;

-- on audit_log.rate_limits
create policy "functions of audit_owner read and set quotas" on audit_log.rate_limits for all to audit_owner
  using true
  with check true;
create policy "jobs read quotas" on audit_log.rate_limits for select to audit_job
  using true;

-- on audit_log.retention_policies
create policy "functions of audit_owner set policies" on audit_log.retention_policies for all to audit_owner
  using true
  with check true;
create policy "jobs read every policy" on audit_log.retention_policies for select to audit_job
  using true;
create policy "viewers read policies of their own tenants" on audit_log.retention_policies for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('viewer'::text) AS has_role));

-- on audit_log.seal_problems
create policy "auditors read events of their own tenants that differ" on audit_log.seal_problems for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('auditor'::text) AS has_role));
create policy "functions of audit_owner record events that differ" on audit_log.seal_problems for all to audit_owner
  using true
  with check true;
create policy "jobs read every event that differs" on audit_log.seal_problems for select to audit_job
  using true;
CREATE TRIGGER tree_refuses_rewriting BEFORE DELETE OR UPDATE ON audit_log.seal_problems FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always
CREATE TRIGGER tree_refuses_truncate BEFORE TRUNCATE ON audit_log.seal_problems FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always

-- on audit_log.sealer
create policy "functions of audit_owner move the sealer" on audit_log.sealer for all to audit_owner
  using true
  with check true;
create policy "jobs read how far sealing has come" on audit_log.sealer for select to audit_job
  using true;

-- on audit_log.signing_keys
create policy "functions of audit_owner record signing keys" on audit_log.signing_keys for all to audit_owner
  using true
  with check true;
create policy "jobs read every signing key" on audit_log.signing_keys for select to audit_job
  using true;
create policy "whoever is signed in reads public keys" on audit_log.signing_keys for select to authenticated
  using true;

-- on audit_log.tenants
create policy "functions of audit_owner create tenants" on audit_log.tenants for insert to audit_owner
  with check true;
create policy "functions of audit_owner read every tenant" on audit_log.tenants for select to audit_owner
  using true;
create policy "functions of audit_owner rename tenants" on audit_log.tenants for update to audit_owner
  using true
  with check true;
create policy "jobs read every tenant" on audit_log.tenants for select to audit_job
  using true;
create policy "viewers read their own tenants" on audit_log.tenants for select to authenticated
  using ((id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('viewer'::text) AS has_role));

-- on audit_log.tiles
create policy "auditors read tiles of their own tenants" on audit_log.tiles for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('auditor'::text) AS has_role));
create policy "functions of audit_owner write tiles" on audit_log.tiles for all to audit_owner
  using true
  with check true;
create policy "jobs read every tile" on audit_log.tiles for select to audit_job
  using true;
CREATE TRIGGER tree_refuses_rewriting BEFORE DELETE OR UPDATE ON audit_log.tiles FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always
CREATE TRIGGER tree_refuses_truncate BEFORE TRUNCATE ON audit_log.tiles FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always

-- on audit_log.tree_problems
create policy "auditors read whether trees of their own tenants differ" on audit_log.tree_problems for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('auditor'::text) AS has_role));
create policy "functions of audit_owner record trees that differ" on audit_log.tree_problems for all to audit_owner
  using true
  with check true;
create policy "jobs read every tree that differs" on audit_log.tree_problems for select to audit_job
  using true;
CREATE TRIGGER tree_refuses_rewriting BEFORE DELETE OR UPDATE ON audit_log.tree_problems FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always
CREATE TRIGGER tree_refuses_truncate BEFORE TRUNCATE ON audit_log.tree_problems FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always

-- on audit_log.tree_state
create policy "functions of audit_owner grow trees" on audit_log.tree_state for all to audit_owner
  using true
  with check true;
create policy "jobs read every tree" on audit_log.tree_state for select to audit_job
  using true;
create policy "viewers read the size of their own tenants' trees" on audit_log.tree_state for select to authenticated
  using ((tenant_id = ANY (( SELECT audit_log.tenant_ids() AS tenant_ids)::uuid[])) AND ( SELECT audit_log.has_role('viewer'::text) AS has_role));
CREATE TRIGGER tree_refuses_rewriting BEFORE DELETE OR UPDATE ON audit_log.tree_state FOR EACH ROW EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always
CREATE TRIGGER tree_refuses_truncate BEFORE TRUNCATE ON audit_log.tree_state FOR EACH STATEMENT EXECUTE FUNCTION audit_log.refuse_rewriting_a_tree(); -- always

CREATE OR REPLACE FUNCTION audit_log.advance_import(p_import_id uuid, p_from text, p_to text, p_counts jsonb, p_finished boolean)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform audit_log.require_durable_commit();
  perform audit_log.lock_import(p_import_id, p_from);
  update audit_log.imports as i
  set position = p_to, counts = p_counts, updated_at = now(), finished_at = case when p_finished then now() end
  where i.id = p_import_id;
end
$function$
;
alter function audit_log.advance_import(uuid,text,text,jsonb,boolean) owner to audit_owner;
comment on function audit_log.advance_import(uuid,text,text,jsonb,boolean) is 'Moves an import from p_from to p_to, in the transaction that stores what lies between.';
grant execute on function audit_log.advance_import(uuid,text,text,jsonb,boolean) to audit_job;
grant execute on function audit_log.advance_import(uuid,text,text,jsonb,boolean) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.announce_key(p_retired_key text, p_successor_key text, p_log_origin text, p_retired_at timestamp with time zone, p_statement text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- Checkpoints that were good when they were signed must not become bad by hindsight.
  if exists (select from audit_log.checkpoints as c where c.signed_at > p_retired_at and c.verifier_key = p_retired_key) then
    raise exception 'announce key: the key that retires has signed since' using errcode = 'object_not_in_prerequisite_state';
  end if;
  update audit_log.signing_keys set retired_at = p_retired_at
  where verifier_key = p_retired_key and log_origin = p_log_origin and retired_at is null;
  if not found then
    raise exception 'announce key: the key that retires is not in use' using errcode = 'object_not_in_prerequisite_state';
  end if;
  insert into audit_log.signing_keys (verifier_key, log_origin) values (p_successor_key, p_log_origin);
  insert into audit_log.key_rotations (retired_key, successor_key, retired_at, statement)
  values (p_retired_key, p_successor_key, p_retired_at, p_statement);
end
$function$
;
alter function audit_log.announce_key(text,text,text,timestamp with time zone,text) owner to audit_owner;
comment on function audit_log.announce_key(text,text,text,timestamp with time zone,text) is 'Records a rotation statement, whose signatures the caller has verified: the key in use retires, its successor becomes known.';
grant execute on function audit_log.announce_key(text,text,text,timestamp with time zone,text) to audit_job;
grant execute on function audit_log.announce_key(text,text,text,timestamp with time zone,text) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.archive_expiry(p_tenant_id uuid, p_day date, p_default_years integer)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select ((p_day + 1) + make_interval(
    years => coalesce((select p.retention_years from audit_log.retention_policies as p where p.tenant_id = p_tenant_id), p_default_years)
  ))::timestamp at time zone 'UTC'
$function$
;
alter function audit_log.archive_expiry(uuid,date,integer) owner to audit_owner;
comment on function audit_log.archive_expiry(uuid,date,integer) is 'When a tenant''s day has been kept long enough: as many years after its end as the tenant''s policy says, or p_default_years where there is none.';
grant execute on function audit_log.archive_expiry(uuid,date,integer) to audit_job;
grant execute on function audit_log.archive_expiry(uuid,date,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.begin_import(p_id uuid, p_tenant_id uuid, p_source text, p_format text, p_again boolean)
 RETURNS TABLE(place text, counts jsonb, finished_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
begin
  insert into audit_log.imports as i (id, tenant_id, source, format) values (p_id, p_tenant_id, p_source, p_format)
  on conflict (id) do update set updated_at = now(), finished_at = null,
    position = case when p_again then null else i.position end, counts = case when p_again then '{}' else i.counts end
    where p_again;
  return query select i.position, i.counts, i.finished_at from audit_log.imports as i where i.id = p_id;
end
$function$
;
alter function audit_log.begin_import(uuid,uuid,text,text,boolean) owner to audit_owner;
comment on function audit_log.begin_import(uuid,uuid,text,text,boolean) is 'Begins an import, or finds one that was begun: how far it is and what it counted. p_again makes it begin from the front; its events are known again by their ids.';
grant execute on function audit_log.begin_import(uuid,uuid,text,text,boolean) to audit_job;
grant execute on function audit_log.begin_import(uuid,uuid,text,text,boolean) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.begin_restore(p_tenant_id uuid, p_day date, p_rows bigint, p_files integer, p_bytes bigint, p_first bigint, p_last bigint, p_checkpoint_size bigint, p_checkpoint_root bytea, p_manifest_key text, p_manifest_sha256 bytea, p_default_years integer)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_archive record;
begin
  perform audit_log.require_durable_commit();
  -- Until commit: a second restore of the day waits here, and then finds it restored.
  perform pg_advisory_xact_lock(1635083369, p_day - date '2000-01-01');
  select a.state, a.manifest_sha256 into v_archive from audit_log.archives as a where a.tenant_id = p_tenant_id and a.day = p_day for update;
  if not found then
    insert into audit_log.tenants (id, name) values (p_tenant_id, p_tenant_id::text) on conflict do nothing;
    insert into audit_log.closed_days (day) values (p_day) on conflict do nothing;
    insert into audit_log.archive_days (day, state, rows, planned_at, dropped_at) values (p_day, 'dropped', p_rows, clock_timestamp(), clock_timestamp())
    on conflict do nothing;
    insert into audit_log.archives (
      tenant_id, day, state, rows, files, bytes, first_log_index, last_log_index, checkpoint_size, checkpoint_root, manifest_key, manifest_sha256,
      archived_at, expires_at
    ) values (
      p_tenant_id, p_day, 'archived', p_rows, p_files, p_bytes, p_first, p_last, p_checkpoint_size, p_checkpoint_root, p_manifest_key, p_manifest_sha256,
      clock_timestamp(), audit_log.archive_expiry(p_tenant_id, p_day, p_default_years)
    );
  elsif v_archive.state <> 'archived' then
    return v_archive.state;
  elsif v_archive.manifest_sha256 <> p_manifest_sha256 then
    return 'other';
  end if;
  -- From a day that is on its way back it takes the turn away: the next return_restored_day() is for all of its tenants.
  update audit_log.archive_days as d set state = 'restored', retry_at = null, problem = null where d.day = p_day and d.state in ('dropped', 'planned');
  perform audit_log.ensure_partition(p_day);
  return 'begun';
end
$function$
;
alter function audit_log.begin_restore(uuid,date,bigint,integer,bigint,bigint,bigint,bigint,bytea,text,bytea,integer) owner to audit_owner;
comment on function audit_log.begin_restore(uuid,date,bigint,integer,bigint,bigint,bigint,bigint,bytea,text,bytea,integer) is 'Opens the restoring of a tenant''s archived day in the running transaction, and enters the archive in the catalogue of a database that does not know it. begun, or the state that forbids it, or other when the catalogue means another manifest.';
grant execute on function audit_log.begin_restore(uuid,date,bigint,integer,bigint,bigint,bigint,bigint,bytea,text,bytea,integer) to audit_job;
grant execute on function audit_log.begin_restore(uuid,date,bigint,integer,bigint,bigint,bigint,bigint,bytea,text,bytea,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.book_restored_files(p_tenant_id uuid, p_day date, p_keys text[], p_sha256s bytea[], p_bytes bigint[], p_rows bigint[], p_firsts bigint[], p_lasts bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  execute $query$
    with file as (
      select f.*, sum(f.rows) over (order by f.place) as upto
      from unnest($4, $5, $6, $7, $8, $9) with ordinality as f (key, sha256, bytes, rows, first_log_index, last_log_index, place)
    ), placed as materialized (
      select e.occurred_at, e.id, row_number() over (order by e.occurred_at, e.id) as at from audit_log.events as e
      where e.tenant_id = $1 and e.occurred_at >= $2 and e.occurred_at < $3
    )
    insert into audit_log.archive_files (
      tenant_id, day, part, state, rows, from_occurred_at, from_id, to_occurred_at, to_id, key, sha256, bytes, first_log_index, last_log_index
    )
    select $1, $10, file.place - 1, 'checked', file.rows, first.occurred_at, first.id, last.occurred_at, last.id, file.key, file.sha256, file.bytes,
      file.first_log_index, file.last_log_index
    from file join placed as first on first.at = file.upto - file.rows + 1 join placed as last on last.at = file.upto
    on conflict do nothing
  $query$ using p_tenant_id, p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC',
    p_keys, p_sha256s, p_bytes, p_rows, p_firsts, p_lasts, p_day;
end
$function$
;
alter function audit_log.book_restored_files(uuid,date,text[],bytea[],bigint[],bigint[],bigint[],bigint[]) owner to audit_owner;
comment on function audit_log.book_restored_files(uuid,date,text[],bytea[],bigint[],bigint[],bigint[],bigint[]) is 'Enters the files of a restored archive, in order, where the database does not know them, so that the day can leave again; between restore_events() and end_restore().';
grant execute on function audit_log.book_restored_files(uuid,date,text[],bytea[],bigint[],bigint[],bigint[],bigint[]) to audit_job;
grant execute on function audit_log.book_restored_files(uuid,date,text[],bytea[],bigint[],bigint[],bigint[],bigint[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.call_function(p_name text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.call_function(text) owner to audit_owner;
comment on function audit_log.call_function(text) is 'Calls an Edge Function by pg_net, with the URL and the secret key that Vault holds as audit_events_functions_url and audit_events_secret_key, and records how the call before fared.';
grant execute on function audit_log.call_function(text) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.claim_archive_expiry(p_lease_seconds integer)
 RETURNS TABLE(tenant_id uuid, day date, lease uuid, expiring_at timestamp with time zone, rows bigint, bytes bigint, files integer, manifest_key text, manifest_sha256 bytea)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
declare
  v_next record;
begin
  perform audit_log.require_durable_commit();
  for v_next in
    select c.tenant_id, c.day, c.state from audit_log.archives as c
    where (c.state = 'expiring' or c.state = 'archived' and c.expires_at <= clock_timestamp())
      and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
    order by c.state desc, c.expires_at
    limit 100
    for update skip locked
  loop
    -- A held archive is looked at again in an hour, so that it does not stand before those that may go.
    if v_next.state = 'archived' and audit_log.is_held(v_next.tenant_id, v_next.day) is distinct from false then
      update audit_log.archives as a set retry_at = clock_timestamp() + interval '1 hour' where a.tenant_id = v_next.tenant_id and a.day = v_next.day;
      continue;
    end if;
    return query
    update audit_log.archives as a
    set state = 'expiring', expiring_at = coalesce(a.expiring_at, date_trunc('milliseconds', clock_timestamp())),
      lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
    where a.tenant_id = v_next.tenant_id and a.day = v_next.day
    returning a.tenant_id, a.day, a.lease, a.expiring_at, a.rows, a.bytes, a.files, a.manifest_key, a.manifest_sha256;
    return;
  end loop;
end
$function$
;
alter function audit_log.claim_archive_expiry(integer) owner to audit_owner;
comment on function audit_log.claim_archive_expiry(integer) is 'The next archive whose time is over and that no hold covers, leased to the caller and from now on expiring: no hold can be placed on it any more.';
grant execute on function audit_log.claim_archive_expiry(integer) to audit_job;
grant execute on function audit_log.claim_archive_expiry(integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.claim_archive_tiles(p_lease_seconds integer)
 RETURNS TABLE(tenant_id uuid, day date, lease uuid, first_tile bigint, last_tile bigint)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  update audit_log.archives as a set lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  from (
    select c.tenant_id, c.day from audit_log.archives as c
    where c.state = 'archived' and c.tiles_moved_at is null
      and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
    order by c.day, c.tenant_id
    limit 1
    for update skip locked
  ) as next
  where a.tenant_id = next.tenant_id and a.day = next.day
  returning a.tenant_id, a.day, a.lease, a.first_log_index / 256, a.last_log_index / 256
$function$
;
alter function audit_log.claim_archive_tiles(integer) owner to audit_owner;
comment on function audit_log.claim_archive_tiles(integer) is 'The next archive whose tiles may follow it, leased to the caller, and between which tiles of level 0 its leaves stand.';
grant execute on function audit_log.claim_archive_tiles(integer) to audit_job;
grant execute on function audit_log.claim_archive_tiles(integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.claim_archive_work(p_lease_seconds integer)
 RETURNS TABLE(work text, tenant_id uuid, day date, part integer, lease uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
begin
  return query
  update audit_log.archive_files as f set lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  from (
    select c.tenant_id, c.day, c.part from audit_log.archive_files as c
    where c.state <> 'checked' and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
    order by c.day, c.tenant_id, c.part
    limit 1
    for update skip locked
  ) as next
  where f.tenant_id = next.tenant_id and f.day = next.day and f.part = next.part
  returning case f.state when 'planned' then 'write' else 'check' end, f.tenant_id, f.day, f.part, f.lease;
  if found then
    return;
  end if;
  return query
  update audit_log.archives as a set lease = gen_random_uuid(), leased_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
  from (
    select c.tenant_id, c.day from audit_log.archives as c
    where c.state = 'open' and coalesce(c.leased_until <= clock_timestamp(), true) and coalesce(c.retry_at <= clock_timestamp(), true)
      and not exists (select from audit_log.archive_files as f where f.tenant_id = c.tenant_id and f.day = c.day and f.state <> 'checked')
    order by c.day, c.tenant_id
    limit 1
    for update skip locked
  ) as next
  where a.tenant_id = next.tenant_id and a.day = next.day
  returning 'sign'::text, a.tenant_id, a.day, null::integer, a.lease;
end
$function$
;
alter function audit_log.claim_archive_work(integer) owner to audit_owner;
comment on function audit_log.claim_archive_work(integer) is 'The next piece of work, leased to the caller: write or check a file, or sign the manifest of an archive whose files are all checked; no row when there is none.';
grant execute on function audit_log.claim_archive_work(integer) to audit_job;
grant execute on function audit_log.claim_archive_work(integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.claim_batch(p_principal text, p_key_hash bytea, p_body_hash bytea, p_received_at timestamp with time zone)
 RETURNS TABLE(first boolean, same_body boolean, received_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
begin
  perform audit_log.require_durable_commit();
  -- A second request with the key waits here until the first has committed or rolled back.
  return query
  insert into audit_log.batches as b (principal, key_hash, body_hash, received_at)
  values (p_principal, p_key_hash, p_body_hash, p_received_at)
  on conflict (principal, key_hash) do update
    set body_hash = excluded.body_hash, received_at = excluded.received_at, claimed_at = excluded.claimed_at
    where b.claimed_at < excluded.claimed_at - interval '24 hours'
  returning true, true, b.received_at;
  if not found then
    return query
    select false, b.body_hash = p_body_hash, b.received_at
    from audit_log.batches as b
    where b.principal = p_principal and b.key_hash = p_key_hash;
  end if;
end
$function$
;
alter function audit_log.claim_batch(text,bytea,bytea,timestamp with time zone) owner to audit_owner;
comment on function audit_log.claim_batch(text,bytea,bytea,timestamp with time zone) is 'Claims an Idempotency-Key for the running transaction: first when it was free or its claim older than 24 h; else whether the body is the same, and when the first request arrived.';
grant execute on function audit_log.claim_batch(text,bytea,bytea,timestamp with time zone) to audit_ingest;
grant execute on function audit_log.claim_batch(text,bytea,bytea,timestamp with time zone) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.close_days(p_before date, p_limit integer)
 RETURNS SETOF date
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_day date;
  v_closed integer := 0;
begin
  perform audit_log.require_durable_commit();
  for v_day in
    select to_date(substring(c.relname from 8), 'YYYYMMDD') as day
    from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'audit_log.events'::regclass and c.relname ~ '^events_\d{8}$'
    order by 1
  loop
    exit when v_day >= p_before or v_closed >= p_limit;
    continue when exists (select from audit_log.closed_days as d where d.day = v_day);
    -- A batch is being stored there: next time.
    continue when not pg_try_advisory_xact_lock(1635083369, v_day - date '2000-01-01');
    -- Under the lock, and so after every import that noted itself.
    continue when exists (select from audit_log.imported_days as m where m.day = v_day and m.imported_at > clock_timestamp() - interval '24 hours');
    insert into audit_log.closed_days (day) values (v_day) on conflict do nothing;
    insert into audit_log.archive_days (day) values (v_day) on conflict do nothing;
    v_closed := v_closed + 1;
    return next v_day;
  end loop;
end
$function$
;
alter function audit_log.close_days(date,integer) owner to audit_owner;
comment on function audit_log.close_days(date,integer) is 'Closes at most p_limit UTC days before p_before that have a partition, oldest first, and returns them: not those that are being written to now, nor those imported into within 24 hours.';
grant execute on function audit_log.close_days(date,integer) to audit_job;
grant execute on function audit_log.close_days(date,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.create_key(p_tenant_id uuid, p_id text, p_key_hash bytea, p_name text, p_scopes text[], p_expires_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'create key: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  -- Like a batch of events, a key makes a tenant that is not known yet.
  insert into audit_log.tenants (id, name) values (p_tenant_id, p_tenant_id::text) on conflict (id) do nothing;
  -- Two creations wait for each other, or together they could pass the bound. Weaker than what a delete takes: foreign keys do not wait.
  perform from audit_log.tenants as t where t.id = p_tenant_id for no key update;
  if (
    select count(*) >= 1000 from audit_log.api_keys as k
    where k.tenant_id = p_tenant_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  ) then
    raise exception 'create key: the tenant has 1000 keys in use' using errcode = 'configuration_limit_exceeded';
  end if;
  insert into audit_log.api_keys (id, tenant_id, key_hash, name, scopes, expires_at)
  values (p_id, p_tenant_id, p_key_hash, p_name, p_scopes, p_expires_at);
end
$function$
;
alter function audit_log.create_key(uuid,text,bytea,text,text[],timestamp with time zone) owner to audit_owner;
comment on function audit_log.create_key(uuid,text,bytea,text,text[],timestamp with time zone) is 'Records a new key by its hash, and its tenant when that is new; at most 1000 keys of a tenant are in use. For jobs, and for admins of the tenant.';
grant execute on function audit_log.create_key(uuid,text,bytea,text,text[],timestamp with time zone) to audit_job;
grant execute on function audit_log.create_key(uuid,text,bytea,text,text[],timestamp with time zone) to audit_owner;
grant execute on function audit_log.create_key(uuid,text,bytea,text,text[],timestamp with time zone) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.create_tenant(p_id uuid, p_name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not audit_log.may_administer(p_id) then
    raise exception 'create tenant: caller is not admin of it' using errcode = 'insufficient_privilege';
  end if;
  insert into audit_log.tenants as t (id, name) values (p_id, p_name)
  on conflict (id) do update set name = excluded.name where t.name <> excluded.name;
end
$function$
;
alter function audit_log.create_tenant(uuid,text) owner to audit_owner;
comment on function audit_log.create_tenant(uuid,text) is 'Creates a tenant, or renames the one that has this id.';
grant execute on function audit_log.create_tenant(uuid,text) to audit_job;
grant execute on function audit_log.create_tenant(uuid,text) to audit_owner;
grant execute on function audit_log.create_tenant(uuid,text) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.delete_event(p_tenant_id uuid, p_occurred_at timestamp with time zone, p_id uuid, p_reason text, p_deleted_by text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.delete_event(uuid,timestamp with time zone,uuid,text,text) owner to audit_owner;
comment on function audit_log.delete_event(uuid,timestamp with time zone,uuid,text,text) is 'Records that an event is deleted: deleted, deleted_before, held, or not_found. That an archived day has the event is for the caller to know, who can read it.';
grant execute on function audit_log.delete_event(uuid,timestamp with time zone,uuid,text,text) to audit_job;
grant execute on function audit_log.delete_event(uuid,timestamp with time zone,uuid,text,text) to audit_owner;
grant execute on function audit_log.delete_event(uuid,timestamp with time zone,uuid,text,text) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.deletions_of(p_tenant_id uuid, p_occurred_ats timestamp with time zone[], p_ids uuid[])
 RETURNS TABLE(place bigint, reason text, deleted_by text, deleted_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select wanted.place, d.reason, d.deleted_by, d.deleted_at
  from unnest(p_occurred_ats, p_ids) with ordinality as wanted (occurred_at, id, place)
  join audit_log.deletions as d on d.tenant_id = p_tenant_id and d.occurred_at = wanted.occurred_at and d.id = wanted.id
  where p_tenant_id = any (audit_log.tenant_ids()) and audit_log.has_role('admin')
$function$
;
alter function audit_log.deletions_of(uuid,timestamp with time zone[],uuid[]) owner to audit_owner;
comment on function audit_log.deletions_of(uuid,timestamp with time zone[],uuid[]) is 'For admins of the tenant: who deleted which of these events, when and why. place counts the arrays from 1.';
grant execute on function audit_log.deletions_of(uuid,timestamp with time zone[],uuid[]) to audit_owner;
grant execute on function audit_log.deletions_of(uuid,timestamp with time zone[],uuid[]) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.drop_archived_day(p_day date, p_default_years integer, p_lock_ms integer)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  v_partition text := 'events_' || to_char(p_day, 'YYYYMMDD');
  v_differing bigint;
begin
  perform audit_log.require_durable_commit();
  perform set_config('lock_timeout', least(p_lock_ms, 2000)::text, true);
  -- One at a time: each of two has read events when it counted, and would wait for the other to let go of it.
  if not pg_try_advisory_xact_lock(1635083369, -3) then
    return 'busy';
  end if;
  perform from audit_log.archive_days as d where d.day = p_day and d.state = 'planned' for update skip locked;
  if not found then
    return 'busy';
  end if;
  perform from audit_log.archives as a where a.day = p_day order by a.tenant_id for update;
  if exists (select from audit_log.archives as a where a.day = p_day and a.state in ('open', 'restored')) then
    return 'unready';
  end if;
  if to_regclass('audit_log.' || v_partition) is not null then
    -- Stops whoever would write to the day, and no reader: the lock is what is wanted of this statement, since the owner has no privilege to LOCK TABLE.
    execute format('alter table audit_log.%I enable always trigger day_refuses_change', v_partition);
    execute 'select count(*)
      from (select e.tenant_id, count(*) as rows from audit_log.events as e where e.occurred_at >= $1 and e.occurred_at < $2 group by e.tenant_id) as here
      full join (select a.tenant_id, a.rows from audit_log.archives as a where a.day = $3 and a.state = ''ready'') as there on there.tenant_id = here.tenant_id
      where here.rows is distinct from there.rows'
      into v_differing
      using p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC', p_day;
    if v_differing > 0 then
      update audit_log.archive_days
      set problem = format('%s tenants have another number of events in Postgres than in their archives', v_differing), problem_at = clock_timestamp(),
        retry_at = clock_timestamp() + interval '1 hour'
      where day = p_day;
      return 'differs';
    end if;
    execute format('alter table audit_log.events detach partition audit_log.%I', v_partition);
    execute format('drop table audit_log.%I', v_partition);
  end if;
  update audit_log.archives as a
  set state = 'archived', archived_at = clock_timestamp(), expires_at = audit_log.archive_expiry(a.tenant_id, a.day, p_default_years)
  where a.day = p_day and a.state = 'ready';
  update audit_log.archive_days set state = 'dropped', dropped_at = clock_timestamp(), retry_at = null, problem = null where day = p_day;
  return 'dropped';
end
$function$
;
alter function audit_log.drop_archived_day(date,integer,integer) owner to audit_owner;
comment on function audit_log.drop_archived_day(date,integer,integer) is 'Drops a day whose archives are all ready from events and makes them archived, in one transaction, after counting under lock. dropped, or: busy, unready, differs (nothing was dropped, and archive_days says why).';
grant execute on function audit_log.drop_archived_day(date,integer,integer) to audit_job;
grant execute on function audit_log.drop_archived_day(date,integer,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.end_restore(p_tenant_id uuid, p_day date)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rows bigint;
begin
  execute 'select count(*) from audit_log.events as e where e.tenant_id = $1 and e.occurred_at >= $2 and e.occurred_at < $3'
    into v_rows using p_tenant_id, p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC';
  update audit_log.archives as a set state = 'restored', lease = null, leased_until = null
  where a.tenant_id = p_tenant_id and a.day = p_day and a.state = 'archived' and a.rows = v_rows;
  if not found then
    raise exception 'restore archive: % events are in Postgres, not as many as in the archive', v_rows using errcode = 'object_not_in_prerequisite_state';
  end if;
end
$function$
;
alter function audit_log.end_restore(uuid,date) owner to audit_owner;
comment on function audit_log.end_restore(uuid,date) is 'Ends the restoring of a tenant''s day: from the commit on its events are read in Postgres and no longer in the archive. Raises when they are not all there.';
grant execute on function audit_log.end_restore(uuid,date) to audit_job;
grant execute on function audit_log.end_restore(uuid,date) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.end_tree_problem(p_tenant_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.end_tree_problem(uuid) owner to audit_owner;
comment on function audit_log.end_tree_problem(uuid) is 'Moves a tenant''s tree problem to ended_tree_problems, so that its tree grows again; raises while tree and last checkpoint differ. For the sealer, by npm run audit -- seal --retry.';
grant execute on function audit_log.end_tree_problem(uuid) to audit_job;
grant execute on function audit_log.end_tree_problem(uuid) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.ensure_partition(p_day date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET "TimeZone" TO 'UTC'
 SET lock_timeout TO '2s'
AS $function$
declare
  v_name text := 'events_' || to_char(p_day, 'YYYYMMDD');
  v_table text := 'audit_log.' || v_name;
  v_from text := to_char(p_day, 'YYYY-MM-DD') || ' 00:00:00+00';
  v_to text := to_char(p_day + 1, 'YYYY-MM-DD') || ' 00:00:00+00';
begin
  if to_regclass(v_table) is not null then
    return false;
  end if;
  -- Held until commit: the second of two callers finds the table that the first has made. It must look with a new snapshot: to_regclass() would
  -- answer from the catalogue cache that it filled before it waited.
  perform pg_advisory_xact_lock(1635083369, -1);
  if exists (select from pg_class where relnamespace = 'audit_log'::regnamespace and relname = v_name) then
    return false;
  end if;
  execute format(
    'create table %s (like audit_log.events including comments including constraints including generated including indexes including storage,
       constraint occurred_on_this_utc_day check (occurred_at >= %L and occurred_at < %L))', v_table, v_from, v_to);
  execute format('alter table %s enable row level security, force row level security', v_table);
  execute format(
    'create trigger day_refuses_change before update or delete or truncate on %s
       for each statement execute function audit_log.refuse_change()', v_table);
  execute format(
    'create trigger day_refuses_change_of_row before update or delete on %s
       for each row execute function audit_log.refuse_change()', v_table);
  execute format('alter table %s enable always trigger day_refuses_change, enable always trigger day_refuses_change_of_row', v_table);
  execute format('alter table audit_log.events attach partition %s for values from (%L) to (%L)', v_table, v_from, v_to);
  -- Last, because the owner needs TRIGGER until here; nobody has seen the table before this transaction commits.
  execute format('revoke all on table %s from public, anon, authenticated, service_role, audit_ingest, audit_job, audit_owner', v_table);
  return true;
end
$function$
;
alter function audit_log.ensure_partition(date) owner to audit_owner;
comment on function audit_log.ensure_partition(date) is 'Makes the partition of a UTC day, protected from birth, unless it exists; true when it was made. Waits at most 2 s for a lock.';
grant execute on function audit_log.ensure_partition(date) to audit_job;
grant execute on function audit_log.ensure_partition(date) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.ensure_partitions(p_from date, p_to date)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_made integer := 0;
begin
  if p_to - p_from > 400 then
    raise exception 'ensure partitions: % days are more than 400', p_to - p_from using errcode = 'invalid_parameter_value';
  end if;
  for v_days in 0 .. p_to - p_from loop
    v_made := v_made + audit_log.ensure_partition(p_from + v_days)::integer;
  end loop;
  return v_made;
end
$function$
;
alter function audit_log.ensure_partitions(date,date) owner to audit_owner;
comment on function audit_log.ensure_partitions(date,date) is 'Makes the missing partitions of the UTC days p_from to p_to, both included; how many it made.';
grant execute on function audit_log.ensure_partitions(date,date) to audit_job;
grant execute on function audit_log.ensure_partitions(date,date) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.fail_archive_work(p_tenant_id uuid, p_day date, p_part integer, p_lease uuid, p_problem text, p_retry_seconds integer, p_give_up boolean)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if p_part is null then
    update audit_log.archives
    set lease = null, leased_until = null, attempts = attempts + 1, problem = left(p_problem, 1000), problem_at = clock_timestamp(),
      retry_at = clock_timestamp() + make_interval(secs => p_retry_seconds)
    where tenant_id = p_tenant_id and day = p_day and lease = p_lease;
  else
    update audit_log.archive_files
    set lease = null, leased_until = null, attempts = case when p_give_up then 0 else attempts + 1 end, problem = left(p_problem, 1000),
      problem_at = clock_timestamp(), retry_at = clock_timestamp() + make_interval(secs => p_retry_seconds),
      state = case when p_give_up then 'planned' else state end,
      generation = generation + p_give_up::integer
    where tenant_id = p_tenant_id and day = p_day and part = p_part and lease = p_lease;
  end if;
  return found;
end
$function$
;
alter function audit_log.fail_archive_work(uuid,date,integer,uuid,text,integer,boolean) owner to audit_owner;
comment on function audit_log.fail_archive_work(uuid,date,integer,uuid,text,integer,boolean) is 'Gives a piece of work back with what went wrong; p_give_up makes a file be written anew, under another name. False when the lease is another worker''s by now.';
grant execute on function audit_log.fail_archive_work(uuid,date,integer,uuid,text,integer,boolean) to audit_job;
grant execute on function audit_log.fail_archive_work(uuid,date,integer,uuid,text,integer,boolean) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.find_key(p_key_hash bytea)
 RETURNS TABLE(id text, tenant_id uuid, scopes text[], expires_at timestamp with time zone, revoked_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select k.id, k.tenant_id, k.scopes, k.expires_at, k.revoked_at from audit_log.api_keys as k where k.key_hash = p_key_hash
$function$
;
alter function audit_log.find_key(bytea) owner to audit_owner;
comment on function audit_log.find_key(bytea) is 'The key with this SHA-256, also when it has expired or was revoked: the caller decides, and does the same work for each.';
grant execute on function audit_log.find_key(bytea) to audit_ingest;
grant execute on function audit_log.find_key(bytea) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.find_leaf(p_tenant_id uuid, p_occurred_at timestamp with time zone, p_id uuid)
 RETURNS TABLE(leaf_index bigint, leaf_hash bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select t.tile_index * 256 + position.at - 1, substring(t.hashes from position.at * 32 - 31 for 32)
  from audit_log.events as e
  cross join lateral (
    select f.tile_index, f.hashes, f.seqs, f.ids from audit_log.tiles as f
    where f.tenant_id = p_tenant_id and f.level = 0 and f.first_seq <= e.seq
    order by f.first_seq desc
    limit 1
  ) as t
  cross join lateral (select array_position(t.seqs, e.seq) as at) as position
  where e.tenant_id = p_tenant_id and e.occurred_at = p_occurred_at and e.id = p_id and t.ids[position.at] = e.id
    and p_tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor'))
  union
  select e.seq + 4503599627370496, e.leaf_hash
  from audit_log.events as e
  where e.tenant_id = p_tenant_id and e.occurred_at = p_occurred_at and e.id = p_id and e.seq < 0
    and p_tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('auditor'))
$function$
;
alter function audit_log.find_leaf(uuid,timestamp with time zone,uuid) owner to audit_owner;
comment on function audit_log.find_leaf(uuid,timestamp with time zone,uuid) is 'Where the leaf of an event stands in its tenant''s tree, for auditors of that tenant; no row when it is not sealed or not there.';
grant execute on function audit_log.find_leaf(uuid,timestamp with time zone,uuid) to audit_owner;
grant execute on function audit_log.find_leaf(uuid,timestamp with time zone,uuid) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.find_leaves(p_tenant_id uuid, p_occurred_ats timestamp with time zone[], p_ids uuid[])
 RETURNS TABLE(place bigint, leaf_index bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
      where wanted.seq >= 0
    )
    select wanted.place, t.tile_index * 256 + leaf.at - 1
    from hit
    join audit_log.tiles as t on t.tenant_id = $1 and t.level = 0 and t.tile_index = hit.tile_index
    cross join lateral unnest(t.seqs, t.ids) with ordinality as leaf (seq, id, at)
    join wanted on wanted.seq = leaf.seq and wanted.id = leaf.id
    union all
    select wanted.place, wanted.seq + 4503599627370496 from wanted where wanted.seq < 0
  $query$ using p_tenant_id, p_occurred_ats, p_ids, (select min(at) from unnest(p_occurred_ats) as at), (select max(at) from unnest(p_occurred_ats) as at);
end
$function$
;
alter function audit_log.find_leaves(uuid,timestamp with time zone[],uuid[]) owner to audit_owner;
comment on function audit_log.find_leaves(uuid,timestamp with time zone[],uuid[]) is 'Where the leaves of these events stand in their tenant''s tree, for auditors of that tenant; no row for an event that is not sealed or not there. place counts the arrays from 1.';
grant execute on function audit_log.find_leaves(uuid,timestamp with time zone[],uuid[]) to audit_owner;
grant execute on function audit_log.find_leaves(uuid,timestamp with time zone[],uuid[]) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.forget_batches(p_before timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_forgotten bigint;
begin
  delete from audit_log.batches as b
  using (
    select old.principal, old.key_hash from audit_log.batches as old
    where old.claimed_at < least(p_before, now() - interval '24 hours')
    order by old.claimed_at
    limit 10000
    for update skip locked
  ) as old
  where b.principal = old.principal and b.key_hash = old.key_hash;
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end
$function$
;
alter function audit_log.forget_batches(timestamp with time zone) owner to audit_owner;
comment on function audit_log.forget_batches(timestamp with time zone) is 'Deletes at most 10,000 claims older than p_before, and never one younger than 24 hours; how many it deleted.';
grant execute on function audit_log.forget_batches(timestamp with time zone) to audit_job;
grant execute on function audit_log.forget_batches(timestamp with time zone) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.has_role(p_role text)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select coalesce(
    array_position(array['viewer', 'auditor', 'admin'], p_role)
      <= array_position(
        array['viewer', 'auditor', 'admin'],
        nullif(current_setting('request.jwt.claims', true), '')::jsonb #>> '{app_metadata,audit_role}'
      ),
    false
  )
$function$
;
alter function audit_log.has_role(text) owner to audit_owner;
comment on function audit_log.has_role(text) is 'True when the caller''s claims carry the role p_role or a higher one in app_metadata.audit_role: viewer < auditor < admin.';
grant execute on function audit_log.has_role(text) to audit_owner;
grant execute on function audit_log.has_role(text) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.hold_covers(p_tenant_id uuid, p_from timestamp with time zone, p_to timestamp with time zone, p_is_event boolean, p_object_type text, p_object_id text, p_actor_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.hold_covers(uuid,timestamp with time zone,timestamp with time zone,boolean,text,text,text) owner to audit_owner;
comment on function audit_log.hold_covers(uuid,timestamp with time zone,timestamp with time zone,boolean,text,text,text) is 'The one question that is asked before anything goes: does a hold cover the event with these fields, or, where p_is_event is false, might it cover any of that time? True when it cannot be known. Nobody can place a hold of the tenant between the answer and the end of the transaction.';
grant execute on function audit_log.hold_covers(uuid,timestamp with time zone,timestamp with time zone,boolean,text,text,text) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.import_events(p_import_id uuid, p_from text, p_received_at timestamp with time zone, p_tenant_ids uuid[], p_occurred_ats timestamp with time zone[], p_ids uuid[], p_sources text[], p_actor_ids text[], p_actor_types text[], p_event_types text[], p_object_types text[], p_object_ids text[], p_results text[], p_messages text[], p_durations_ms integer[], p_contexts jsonb[], p_ip_addresses inet[], p_user_agents text[], p_device_fingerprints text[], p_request_ids text[], p_producer_ids text[], p_producer_seqs bigint[], p_leaf_hashes bytea[])
 RETURNS TABLE(tenant_id uuid, occurred_at timestamp with time zone, id uuid, received_at timestamp with time zone, principal text, ip_address inet, user_agent text, device_fingerprint text, leaf_hash bytea)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
declare
  v_tenant_id uuid;
begin
  v_tenant_id := audit_log.lock_import(p_import_id, p_from);
  if v_tenant_id <> any (p_tenant_ids) then
    raise exception 'import events: a record is of another tenant than the import' using errcode = 'insufficient_privilege';
  end if;
  perform audit_log.note_import(array(select distinct (at at time zone 'UTC')::date from unnest(p_occurred_ats) as at));
  return query
  select * from audit_log.ingest(
    p_received_at, 'import:' || p_import_id, p_tenant_ids, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types,
    p_object_ids, p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids,
    p_producer_ids, p_producer_seqs, p_leaf_hashes
  );
end
$function$
;
alter function audit_log.import_events(uuid,text,timestamp with time zone,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) owner to audit_owner;
comment on function audit_log.import_events(uuid,text,timestamp with time zone,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) is 'ingest() for an import that is at p_from: of any time, under the principal import:<id>, and with a note that keeps the days open for 24 hours more. Returns what ingest() returns.';
grant execute on function audit_log.import_events(uuid,text,timestamp with time zone,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to audit_job;
grant execute on function audit_log.import_events(uuid,text,timestamp with time zone,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.ingest(p_received_at timestamp with time zone, p_principal text, p_tenant_ids uuid[], p_occurred_ats timestamp with time zone[], p_ids uuid[], p_sources text[], p_actor_ids text[], p_actor_types text[], p_event_types text[], p_object_types text[], p_object_ids text[], p_results text[], p_messages text[], p_durations_ms integer[], p_contexts jsonb[], p_ip_addresses inet[], p_user_agents text[], p_device_fingerprints text[], p_request_ids text[], p_producer_ids text[], p_producer_seqs bigint[], p_leaf_hashes bytea[])
 RETURNS TABLE(tenant_id uuid, occurred_at timestamp with time zone, id uuid, received_at timestamp with time zone, principal text, ip_address inet, user_agent text, device_fingerprint text, leaf_hash bytea)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
declare
  v_count integer := cardinality(p_ids);
  v_days date[];
  v_seqs bigint[];
  v_lock_timeout text := current_setting('lock_timeout');
begin
  if (v_count = all (array[
    cardinality(p_tenant_ids), cardinality(p_occurred_ats), cardinality(p_sources), cardinality(p_actor_ids), cardinality(p_actor_types),
    cardinality(p_event_types), cardinality(p_object_types), cardinality(p_object_ids), cardinality(p_results), cardinality(p_messages),
    cardinality(p_durations_ms), cardinality(p_contexts), cardinality(p_ip_addresses), cardinality(p_user_agents),
    cardinality(p_device_fingerprints), cardinality(p_request_ids), cardinality(p_producer_ids), cardinality(p_producer_seqs),
    cardinality(p_leaf_hashes)
  ])) is not true then
    raise exception 'ingest: arrays differ in length' using errcode = 'invalid_parameter_value';
  end if;
  perform audit_log.require_durable_commit();
  -- The xid before the first number of the sequence: whoever reads the sequence and then takes an xid as gate knows that every smaller
  -- number belongs to a transaction that ended once no transaction older than the gate is running.
  perform pg_current_xact_id();

  v_days := array(select distinct (at at time zone 'UTC')::date from unnest(p_occurred_ats) as at order by 1);
  -- Shared with every other ingest; a day being closed waits for us, or we for it and then see it closed: the next statement's snapshot is newer.
  perform pg_advisory_xact_lock_shared(1635083369, day - date '2000-01-01') from unnest(v_days) as day;
  if exists (select from audit_log.closed_days as c where c.day = any (v_days)) then
    return query select * from audit_log.ingest_what_is_missing(
      p_received_at, p_principal, p_tenant_ids, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types,
      p_object_ids, p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids,
      p_producer_ids, p_producer_seqs, p_leaf_hashes
    );
    return;
  end if;
  perform audit_log.ensure_partition(day)
  from unnest(v_days) as day
  where to_regclass('audit_log.events_' || to_char(day, 'YYYYMMDD')) is null;

  insert into audit_log.tenants (id, name)
  select listed.id, listed.id::text from (select distinct t from unnest(p_tenant_ids) as t) as listed (id)
  where not exists (select from audit_log.tenants as known where known.id = listed.id)
  order by listed.id
  on conflict do nothing;

  v_seqs := array(select nextval('audit_log.event_seq') from generate_series(1, v_count));
  -- A batch is nearly always new. An INSERT that may fail spares each row the look into the primary key that ON CONFLICT takes beforehand, an eighth of the
  -- whole; when it does fail the block is rolled back, and what it wrote is left to VACUUM.
  -- Two batches that hold the same events in different orders would wait for each other. One that waits for a row lets its own rows go long before
  -- deadlock_timeout (a second) and comes again in the order of the other way.
  begin
    perform set_config('lock_timeout', '200ms', true);
    insert into audit_log.events (
      tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
      duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
    )
    select
      e.tenant_id, e.occurred_at, e.id, e.seq, p_received_at, p_principal, e.source, e.actor_id, e.actor_type, e.event_type, e.object_type, e.object_id,
      e.result, e.message, e.duration_ms, e.context, e.ip_address, e.user_agent, e.device_fingerprint, e.request_id, e.producer_id, e.producer_seq,
      e.leaf_hash
    from (
      -- In the select list arrays are read in step, without the tuplestore that a function in FROM fills first: 9 % of a batch.
      select
        unnest(p_tenant_ids) as tenant_id, unnest(p_occurred_ats) as occurred_at, unnest(p_ids) as id, unnest(v_seqs) as seq,
        unnest(p_sources) as source, unnest(p_actor_ids) as actor_id, unnest(p_actor_types) as actor_type, unnest(p_event_types) as event_type,
        unnest(p_object_types) as object_type, unnest(p_object_ids) as object_id, unnest(p_results) as result, unnest(p_messages) as message,
        unnest(p_durations_ms) as duration_ms, unnest(p_contexts) as context, unnest(p_ip_addresses) as ip_address,
        unnest(p_user_agents) as user_agent, unnest(p_device_fingerprints) as device_fingerprint, unnest(p_request_ids) as request_id,
        unnest(p_producer_ids) as producer_id, unnest(p_producer_seqs) as producer_seq, unnest(p_leaf_hashes) as leaf_hash
    ) as e;
    perform set_config('lock_timeout', v_lock_timeout, true);
  exception when unique_violation or lock_not_available or deadlock_detected then
    return query select * from audit_log.ingest_what_is_missing(
      p_received_at, p_principal, p_tenant_ids, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types,
      p_object_ids, p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids,
      p_producer_ids, p_producer_seqs, p_leaf_hashes
    );
  end;
end
$function$
;
alter function audit_log.ingest(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) owner to audit_owner;
comment on function audit_log.ingest(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) is 'Inserts events in array order, all or none, and returns those that it did not insert: the row that was there before, or, when the day is closed, nothing but the key. Makes missing partitions and tenants.';
grant execute on function audit_log.ingest(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to audit_ingest;
grant execute on function audit_log.ingest(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to audit_owner;
grant execute on function audit_log.ingest(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to service_role;

CREATE OR REPLACE FUNCTION audit_log.ingest_what_is_missing(p_received_at timestamp with time zone, p_principal text, p_tenant_ids uuid[], p_occurred_ats timestamp with time zone[], p_ids uuid[], p_sources text[], p_actor_ids text[], p_actor_types text[], p_event_types text[], p_object_types text[], p_object_ids text[], p_results text[], p_messages text[], p_durations_ms integer[], p_contexts jsonb[], p_ip_addresses inet[], p_user_agents text[], p_device_fingerprints text[], p_request_ids text[], p_producer_ids text[], p_producer_seqs bigint[], p_leaf_hashes bytea[])
 RETURNS TABLE(tenant_id uuid, occurred_at timestamp with time zone, id uuid, received_at timestamp with time zone, principal text, ip_address inet, user_agent text, device_fingerprint text, leaf_hash bytea)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
declare
  v_count integer := cardinality(p_ids);
  v_days date[];
  v_closed date[];
  v_seqs bigint[];
  v_inserted bigint;
begin
  if (v_count = all (array[
    cardinality(p_tenant_ids), cardinality(p_occurred_ats), cardinality(p_sources), cardinality(p_actor_ids), cardinality(p_actor_types),
    cardinality(p_event_types), cardinality(p_object_types), cardinality(p_object_ids), cardinality(p_results), cardinality(p_messages),
    cardinality(p_durations_ms), cardinality(p_contexts), cardinality(p_ip_addresses), cardinality(p_user_agents),
    cardinality(p_device_fingerprints), cardinality(p_request_ids), cardinality(p_producer_ids), cardinality(p_producer_seqs),
    cardinality(p_leaf_hashes)
  ])) is not true then
    raise exception 'ingest: arrays differ in length' using errcode = 'invalid_parameter_value';
  end if;
  perform audit_log.require_durable_commit();
  -- The xid before the first number of the sequence: whoever reads the sequence and then takes an xid as gate knows that every smaller
  -- number belongs to a transaction that ended once no transaction older than the gate is running.
  perform pg_current_xact_id();

  v_days := array(select distinct (at at time zone 'UTC')::date from unnest(p_occurred_ats) as at order by 1);
  -- Shared with every other ingest; a day being closed waits for us, or we for it and then see it closed: the next statement's snapshot is newer.
  perform pg_advisory_xact_lock_shared(1635083369, day - date '2000-01-01') from unnest(v_days) as day;
  v_closed := array(select c.day from audit_log.closed_days as c where c.day = any (v_days));
  perform audit_log.ensure_partition(day)
  from unnest(v_days) as day
  where to_regclass('audit_log.events_' || to_char(day, 'YYYYMMDD')) is null and day <> all (v_closed);

  insert into audit_log.tenants (id, name)
  select listed.id, listed.id::text from (select distinct t from unnest(p_tenant_ids) as t) as listed (id)
  where not exists (select from audit_log.tenants as known where known.id = listed.id)
  order by listed.id
  on conflict do nothing;

  -- A row is ours when it carries the number drawn for it, whatever else this transaction did before.
  v_seqs := array(select nextval('audit_log.event_seq') from generate_series(1, v_count));
  insert into audit_log.events (
    tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
    duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
  )
  select
    e.tenant_id, e.occurred_at, e.id, e.seq, p_received_at, p_principal, e.source, e.actor_id, e.actor_type, e.event_type, e.object_type, e.object_id,
    e.result, e.message, e.duration_ms, e.context, e.ip_address, e.user_agent, e.device_fingerprint, e.request_id, e.producer_id, e.producer_seq,
    e.leaf_hash
  from (
    -- In the select list arrays are read in step, without the tuplestore that a function in FROM fills first: 9 % of a batch.
    select
      unnest(p_tenant_ids) as tenant_id, unnest(p_occurred_ats) as occurred_at, unnest(p_ids) as id, unnest(v_seqs) as seq,
      unnest(p_sources) as source, unnest(p_actor_ids) as actor_id, unnest(p_actor_types) as actor_type, unnest(p_event_types) as event_type,
      unnest(p_object_types) as object_type, unnest(p_object_ids) as object_id, unnest(p_results) as result, unnest(p_messages) as message,
      unnest(p_durations_ms) as duration_ms, unnest(p_contexts) as context, unnest(p_ip_addresses) as ip_address,
      unnest(p_user_agents) as user_agent, unnest(p_device_fingerprints) as device_fingerprint, unnest(p_request_ids) as request_id,
      unnest(p_producer_ids) as producer_id, unnest(p_producer_seqs) as producer_seq, unnest(p_leaf_hashes) as leaf_hash
  ) as e
  where v_closed = '{}' or (e.occurred_at at time zone 'UTC')::date <> all (v_closed)
  -- Every batch that comes here locks its rows in this one order, so none waits for another in a circle; each keeps its own order in seq,
  -- and of equal events the first is stored.
  order by e.id, e.tenant_id, e.occurred_at, e.seq
  on conflict do nothing;
  get diagnostics v_inserted = row_count;
  if v_inserted = v_count then
    return;
  end if;

  -- ON CONFLICT DO NOTHING has waited for whoever inserted the same key first; only a new statement's snapshot sees that row.
  return query
  select e.tenant_id, e.occurred_at, e.id, stored.received_at, stored.principal, stored.ip_address, stored.user_agent, stored.device_fingerprint,
    stored.leaf_hash
  from unnest(p_tenant_ids, p_occurred_ats, p_ids, v_seqs) as e (tenant_id, occurred_at, id, seq)
  left join lateral (
    select s.* from audit_log.events as s
    where s.tenant_id = e.tenant_id and s.occurred_at = e.occurred_at and s.id = e.id
      -- The same for every row, so partitions of other days are left out before the first: with 100 of them, 0.2 ms a retry instead of 0.8.
      and s.occurred_at >= v_days[1]::timestamp at time zone 'UTC'
      and s.occurred_at < (v_days[cardinality(v_days)] + 1)::timestamp at time zone 'UTC'
    limit 1
  ) as stored on true
  where stored.seq is distinct from e.seq;
end
$function$
;
alter function audit_log.ingest_what_is_missing(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) owner to audit_owner;
comment on function audit_log.ingest_what_is_missing(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) is 'The way of ingest() for a batch of which something may be stored already, or whose day is closed: inserts what is missing and returns the rest.';
grant execute on function audit_log.ingest_what_is_missing(timestamp with time zone,text,uuid[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.is_held(p_tenant_id uuid, p_day date)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return audit_log.hold_covers(
    p_tenant_id, p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC' - interval '1 microsecond', false, null, null, null
  );
end
$function$
;
alter function audit_log.is_held(uuid,date) owner to audit_owner;
comment on function audit_log.is_held(uuid,date) is 'True when a hold covers anything of that tenant''s day, or when that cannot be known. No such hold can be placed between the answer and the end of the transaction.';
grant execute on function audit_log.is_held(uuid,date) to audit_job;
grant execute on function audit_log.is_held(uuid,date) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.job_asked(p_job text, p_request_id bigint)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into audit_log.job_outcomes as o (job, asked_at, request_id) values (p_job, now(), p_request_id)
  on conflict (job) do update set asked_at = excluded.asked_at, request_id = excluded.request_id
$function$
;
alter function audit_log.job_asked(text,bigint) owner to audit_owner;
comment on function audit_log.job_asked(text,bigint) is 'Records that the Edge Function p_job was called, and by which number pg_net knows the call.';
grant execute on function audit_log.job_asked(text,bigint) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.job_ended(p_job text, p_problem text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into audit_log.job_outcomes as o (job, succeeded_at, failed_at, failures, problem)
  values (p_job, case when p_problem is null then now() end, case when p_problem is not null then now() end, (p_problem is not null)::integer, left(p_problem, 1000))
  on conflict (job) do update set
    request_id = null,
    succeeded_at = coalesce(excluded.succeeded_at, o.succeeded_at),
    failed_at = coalesce(excluded.failed_at, o.failed_at),
    failures = case when p_problem is null then 0 else o.failures + 1 end,
    problem = excluded.problem
$function$
;
alter function audit_log.job_ended(text,text) owner to audit_owner;
comment on function audit_log.job_ended(text,text) is 'Records that a run of p_job has ended: with success when p_problem is null.';
grant execute on function audit_log.job_ended(text,text) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.lease_tokens(p_buckets text[], p_tenant_ids uuid[], p_rates integer[], p_burst_seconds integer, p_balances double precision[], p_wanted double precision[])
 RETURNS TABLE(place integer, per_second integer, granted double precision, tokens_left double precision)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.lease_tokens(text[],uuid[],integer[],integer,double precision[],double precision[]) owner to audit_owner;
comment on function audit_log.lease_tokens(text[],uuid[],integer[],integer,double precision[],double precision[]) is 'Settles what a process spent of its leases (p_balances: what is left of each, below zero when too much was spent) and grants new ones, at most p_wanted. p_rates are the defaults of tenants without a row in rate_limits; place counts the arrays from 1.';
grant execute on function audit_log.lease_tokens(text[],uuid[],integer[],integer,double precision[],double precision[]) to audit_ingest;
grant execute on function audit_log.lease_tokens(text[],uuid[],integer[],integer,double precision[],double precision[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.lock_holds(p_tenant_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'lock holds: the transaction is %, so it may not see the newest hold', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state';
  end if;
  perform pg_advisory_xact_lock(1635083370, hashtext(p_tenant_id::text));
end
$function$
;
alter function audit_log.lock_holds(uuid) owner to audit_owner;
comment on function audit_log.lock_holds(uuid) is 'Until the transaction ends nobody else places or releases a hold of this tenant, deletes an event of it or begins to delete an archive of it.';
grant execute on function audit_log.lock_holds(uuid) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.lock_import(p_import_id uuid, p_from text)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_import audit_log.imports;
begin
  select * into v_import from audit_log.imports as i where i.id = p_import_id for update;
  if v_import.id is null then
    raise exception 'import events: the import was not begun' using errcode = 'no_data_found';
  end if;
  -- Two processes on one source: the second finds that it is not where it was.
  if v_import.position is distinct from p_from then
    raise exception 'import events: another process has gone on with this import' using errcode = 'object_not_in_prerequisite_state';
  end if;
  return v_import.tenant_id;
end
$function$
;
alter function audit_log.lock_import(uuid,text) owner to audit_owner;
comment on function audit_log.lock_import(uuid,text) is 'Keeps an import to one process until commit, and refuses one that is not at p_from; its tenant.';
grant execute on function audit_log.lock_import(uuid,text) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.may_administer(p_tenant_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user), 'audit_job', 'member')
    or (audit_log.has_role('admin') and coalesce(p_tenant_id = any (audit_log.tenant_ids()), false))
$function$
;
alter function audit_log.may_administer(uuid) owner to audit_owner;
comment on function audit_log.may_administer(uuid) is 'True when the caller is a job, or claims to be admin of that tenant. For security-definer functions to ask; nobody else may execute it.';
grant execute on function audit_log.may_administer(uuid) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.movable_tiles(p_tenant_id uuid, p_first_tile bigint, p_last_tile bigint, p_limit integer)
 RETURNS TABLE(tile_index bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select t.tile_index from audit_log.tiles as t
  where t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index between p_first_tile and p_last_tile and octet_length(t.hashes) = 8192
    and not exists (
      select from (select distinct (at at time zone 'UTC')::date as day from unnest(t.occurred_ats) as at) as held
      where not exists (select from audit_log.archive_days as d where d.day = held.day and d.state = 'dropped')
    )
  order by t.tile_index
  limit p_limit
$function$
;
alter function audit_log.movable_tiles(uuid,bigint,bigint,integer) owner to audit_owner;
comment on function audit_log.movable_tiles(uuid,bigint,bigint,integer) is 'Full tiles of level 0 between two, all of whose days were dropped, at most p_limit.';
grant execute on function audit_log.movable_tiles(uuid,bigint,bigint,integer) to audit_job;
grant execute on function audit_log.movable_tiles(uuid,bigint,bigint,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.move_tiles(p_tenant_id uuid, p_day date, p_lease uuid, p_tile_indexes bigint[], p_sha256s bytea[], p_is_last boolean)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform audit_log.require_durable_commit();
  begin
    perform from audit_log.archive_days as d
    where d.day in (
      select (held.at at time zone 'UTC')::date from audit_log.tiles as t cross join lateral unnest(t.occurred_ats) as held (at)
      where t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index = any (p_tile_indexes)
    )
    order by d.day for share nowait;
  exception when lock_not_available then
    -- A restore is under way: the lease runs out, and the tiles are looked at again.
    return false;
  end;
  update audit_log.archives as a
  set tiles_moved_at = case when p_is_last then clock_timestamp() end, lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where a.tenant_id = p_tenant_id and a.day = p_day and a.lease = p_lease and a.state = 'archived';
  if not found then
    return false;
  end if;
  -- What was uploaded must be what stands here, and of days that were all dropped by now.
  delete from audit_log.tiles as t using unnest(p_tile_indexes, p_sha256s) as moved (tile_index, sha256)
  where t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index = moved.tile_index and sha256(t.hashes) = moved.sha256
    and not exists (
      select from (select distinct (at at time zone 'UTC')::date as day from unnest(t.occurred_ats) as at) as held
      where not exists (select from audit_log.archive_days as d where d.day = held.day and d.state = 'dropped')
    );
  return true;
end
$function$
;
alter function audit_log.move_tiles(uuid,date,uuid,bigint[],bytea[],boolean) owner to audit_owner;
comment on function audit_log.move_tiles(uuid,date,uuid,bigint[],bytea[],boolean) is 'Deletes tiles of level 0 that were found whole in object storage; false when the lease is another worker''s by now, or a day of them is being restored.';
grant execute on function audit_log.move_tiles(uuid,date,uuid,bigint[],bytea[],boolean) to audit_job;
grant execute on function audit_log.move_tiles(uuid,date,uuid,bigint[],bytea[],boolean) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.note_import(p_days date[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- Shared with ingest(), against whoever closes a day: either that one sees this note, or this transaction's events find the day closed.
  perform pg_advisory_xact_lock_shared(1635083369, listed.day - date '2000-01-01') from (select distinct d from unnest(p_days) as d order by 1) as listed (day);
  insert into audit_log.imported_days as i (day, imported_at) select distinct d, clock_timestamp() from unnest(p_days) as d
  on conflict (day) do update set imported_at = greatest(i.imported_at, excluded.imported_at);
end
$function$
;
alter function audit_log.note_import(date[]) owner to audit_owner;
comment on function audit_log.note_import(date[]) is 'Notes that the running transaction imports events into these UTC days: they stay open for 24 hours more. To be called in each transaction of an import, before ingest().';
grant execute on function audit_log.note_import(date[]) to audit_ingest;
grant execute on function audit_log.note_import(date[]) to audit_job;
grant execute on function audit_log.note_import(date[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.place_hold(p_id uuid, p_tenant_id uuid, p_reason text, p_object_type text, p_object_id text, p_actor_id text, p_from timestamp with time zone, p_to timestamp with time zone, p_placed_by text)
 RETURNS TABLE(going_days bigint, first_going_day date)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.place_hold(uuid,uuid,text,text,text,text,timestamp with time zone,timestamp with time zone,text) owner to audit_owner;
comment on function audit_log.place_hold(uuid,uuid,text,text,text,text,timestamp with time zone,timestamp with time zone,text) is 'Places a hold, unless archives that it would cover are being deleted at this moment: then it says how many days and which is the first, and places nothing.';
grant execute on function audit_log.place_hold(uuid,uuid,text,text,text,text,timestamp with time zone,timestamp with time zone,text) to audit_job;
grant execute on function audit_log.place_hold(uuid,uuid,text,text,text,text,timestamp with time zone,timestamp with time zone,text) to audit_owner;
grant execute on function audit_log.place_hold(uuid,uuid,text,text,text,text,timestamp with time zone,timestamp with time zone,text) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.plan_archive_day(p_day date, p_rows_max integer, p_bytes_max bigint)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rows bigint;
begin
  perform audit_log.require_durable_commit();
  perform from audit_log.archive_days as d where d.day = p_day and d.state = 'closed' for update skip locked;
  if not found then
    return 'busy';
  end if;
  if exists (
    select from audit_log.events as e
    where e.occurred_at >= p_day::timestamp at time zone 'UTC' and e.occurred_at < (p_day + 1)::timestamp at time zone 'UTC'
      and e.seq > (select s.sealed_seq from audit_log.sealer as s)
  ) then
    return 'unsealed';
  end if;
  execute $query$
    with sized as (
      select e.tenant_id, e.occurred_at, e.id, row_number() over in_order as at,
        sum(500 + coalesce(octet_length(e.message), 0) + coalesce(octet_length(e.context::text), 0) + coalesce(octet_length(e.user_agent), 0))
          over in_order as bytes
      from audit_log.events as e
      where e.occurred_at >= $1 and e.occurred_at < $2
      window in_order as (partition by e.tenant_id order by e.occurred_at, e.id rows unbounded preceding)
    ), cut as (
      -- Either bound begins a new piece, so no piece is beyond one of them.
      select s.*, (s.at - 1) / $3 + s.bytes / $4 as piece from sized as s
    ), edge as (
      select c.*, c.piece is distinct from lag(c.piece) over along as begins, c.piece is distinct from lead(c.piece) over along as ends
      from cut as c window along as (partition by c.tenant_id order by c.at)
    ), first as (
      select f.*, row_number() over (partition by f.tenant_id order by f.at) - 1 as part from edge as f where f.begins
    ), last as (
      select l.*, row_number() over (partition by l.tenant_id order by l.at) - 1 as part from edge as l where l.ends
    ), filed as (
      insert into audit_log.archive_files (tenant_id, day, part, rows, from_occurred_at, from_id, to_occurred_at, to_id)
      select f.tenant_id, $5, f.part, l.at - f.at + 1, f.occurred_at, f.id, l.occurred_at, l.id
      from first as f join last as l on l.tenant_id = f.tenant_id and l.part = f.part
      returning archive_files.tenant_id, archive_files.rows
    )
    insert into audit_log.archives (tenant_id, day, rows, files)
    select filed.tenant_id, $5, sum(filed.rows), count(*) from filed group by filed.tenant_id
  $query$ using p_day::timestamp at time zone 'UTC', (p_day + 1)::timestamp at time zone 'UTC', p_rows_max, p_bytes_max, p_day;
  select coalesce(sum(a.rows), 0) into v_rows from audit_log.archives as a where a.day = p_day;
  update audit_log.archive_days set state = 'planned', planned_at = clock_timestamp(), rows = v_rows where day = p_day;
  return 'planned';
end
$function$
;
alter function audit_log.plan_archive_day(date,integer,bigint) owner to audit_owner;
comment on function audit_log.plan_archive_day(date,integer,bigint) is 'Cuts each tenant''s events of a closed day into files. planned, or unsealed while an event of it is not sealed, or busy when it is planned already or by another worker now.';
grant execute on function audit_log.plan_archive_day(date,integer,bigint) to audit_job;
grant execute on function audit_log.plan_archive_day(date,integer,bigint) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.record_answers()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.record_answers() owner to audit_owner;
comment on function audit_log.record_answers() is 'Reads what Edge Functions answered to the calls of call_function() into job_outcomes; an answer that is five minutes late is given up.';
grant execute on function audit_log.record_answers() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.record_archive_check(p_tenant_id uuid, p_day date, p_part integer, p_lease uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archive_files set state = 'checked', lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where tenant_id = p_tenant_id and day = p_day and part = p_part and lease = p_lease and state = 'written';
  return found;
end
$function$
;
alter function audit_log.record_archive_check(uuid,date,integer,uuid) owner to audit_owner;
comment on function audit_log.record_archive_check(uuid,date,integer,uuid) is 'Records that a file was read back and holds what the signed tree says; false when the lease is another worker''s by now.';
grant execute on function audit_log.record_archive_check(uuid,date,integer,uuid) to audit_job;
grant execute on function audit_log.record_archive_check(uuid,date,integer,uuid) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.record_archive_deleted(p_tenant_id uuid, p_day date, p_lease uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archives as a
  set state = 'deleted', deleted_at = clock_timestamp(), lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where a.tenant_id = p_tenant_id and a.day = p_day and a.lease = p_lease and a.state = 'expiring';
  return found;
end
$function$
;
alter function audit_log.record_archive_deleted(uuid,date,uuid) owner to audit_owner;
comment on function audit_log.record_archive_deleted(uuid,date,uuid) is 'Records that an expiring archive''s files are gone; false when the lease is another worker''s by now.';
grant execute on function audit_log.record_archive_deleted(uuid,date,uuid) to audit_job;
grant execute on function audit_log.record_archive_deleted(uuid,date,uuid) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.record_archive_file(p_tenant_id uuid, p_day date, p_part integer, p_lease uuid, p_key text, p_sha256 bytea, p_bytes bigint, p_first bigint, p_last bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archive_files
  set state = 'written', key = p_key, sha256 = p_sha256, bytes = p_bytes, first_log_index = p_first, last_log_index = p_last,
    lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where tenant_id = p_tenant_id and day = p_day and part = p_part and lease = p_lease and state = 'planned';
  return found;
end
$function$
;
alter function audit_log.record_archive_file(uuid,date,integer,uuid,text,bytea,bigint,bigint,bigint) owner to audit_owner;
comment on function audit_log.record_archive_file(uuid,date,integer,uuid,text,bytea,bigint,bigint,bigint) is 'Records that a file was uploaded, as far as the store says; false when the lease is another worker''s by now.';
grant execute on function audit_log.record_archive_file(uuid,date,integer,uuid,text,bytea,bigint,bigint,bigint) to audit_job;
grant execute on function audit_log.record_archive_file(uuid,date,integer,uuid,text,bytea,bigint,bigint,bigint) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.record_archive_manifest(p_tenant_id uuid, p_day date, p_lease uuid, p_key text, p_sha256 bytea, p_checkpoint_size bigint, p_checkpoint_root bytea)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform audit_log.require_durable_commit();
  update audit_log.archives as a
  set state = 'ready', manifest_key = p_key, manifest_sha256 = p_sha256, checkpoint_size = p_checkpoint_size, checkpoint_root = p_checkpoint_root,
    bytes = f.bytes, first_log_index = f.first_log_index, last_log_index = f.last_log_index,
    lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  from (
    select sum(c.bytes) as bytes, min(c.first_log_index) as first_log_index, max(c.last_log_index) as last_log_index, sum(c.rows) as rows,
      bool_and(c.state = 'checked') as all_checked
    from audit_log.archive_files as c where c.tenant_id = p_tenant_id and c.day = p_day
  ) as f
  where a.tenant_id = p_tenant_id and a.day = p_day and a.lease = p_lease and a.state = 'open' and f.all_checked and f.rows = a.rows;
  return found;
end
$function$
;
alter function audit_log.record_archive_manifest(uuid,date,uuid,text,bytea,bigint,bytea) owner to audit_owner;
comment on function audit_log.record_archive_manifest(uuid,date,uuid,text,bytea,bigint,bytea) is 'Records a manifest that was signed, uploaded and read back; false when the lease is another worker''s by now or a file is not checked.';
grant execute on function audit_log.record_archive_manifest(uuid,date,uuid,text,bytea,bigint,bytea) to audit_job;
grant execute on function audit_log.record_archive_manifest(uuid,date,uuid,text,bytea,bigint,bytea) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.record_bundle(p_name text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$ insert into audit_log.checkpoint_bundles (name) values (p_name) on conflict do nothing $function$
;
alter function audit_log.record_bundle(text) owner to audit_owner;
comment on function audit_log.record_bundle(text) is 'Records that a bundle of checkpoints is durable in object storage.';
grant execute on function audit_log.record_bundle(text) to audit_job;
grant execute on function audit_log.record_bundle(text) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  raise exception '% on %.%: events are append-only', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$function$
;
alter function audit_log.refuse_change() owner to audit_owner;
comment on function audit_log.refuse_change() is 'Refuses UPDATE, DELETE and TRUNCATE, also when session_replication_role is replica.';
grant execute on function audit_log.refuse_change() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.refuse_losing_a_checkpoint()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_next_hour timestamptz;
begin
  if tg_op = 'DELETE' and tg_table_name = 'checkpoints' then
    -- The next larger one tells: sizes and times grow together, and looking for any would read a tenant's whole history.
    select date_trunc('hour', kept.signed_at, 'UTC') into v_next_hour
    from audit_log.checkpoints as kept
    where kept.tenant_id = old.tenant_id and kept.size > old.size
    order by kept.size
    limit 1;
    if old.signed_at < now() - interval '48 hours' and v_next_hour = date_trunc('hour', old.signed_at, 'UTC') then
      return old;
    end if;
  end if;
  raise exception '% on %.%: checkpoints are append-only', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$function$
;
alter function audit_log.refuse_losing_a_checkpoint() owner to audit_owner;
comment on function audit_log.refuse_losing_a_checkpoint() is 'Refuses UPDATE, DELETE and TRUNCATE; but a checkpoint older than 48 hours may go when a larger one of its tenant and hour stays.';
grant execute on function audit_log.refuse_losing_a_checkpoint() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.refuse_losing_a_hold()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'UPDATE' and old.released_at is null and new.released_at is not null
    and (to_jsonb(new) - array['released_by', 'released_at', 'release_reason']) = (to_jsonb(old) - array['released_by', 'released_at', 'release_reason']) then
    return new;
  end if;
  raise exception '% on %.%: a hold is released, once, and nothing else', lower(tg_op), tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
end
$function$
;
alter function audit_log.refuse_losing_a_hold() owner to audit_owner;
comment on function audit_log.refuse_losing_a_hold() is 'Lets a hold be released, once; refuses every other UPDATE, and every DELETE and TRUNCATE.';
grant execute on function audit_log.refuse_losing_a_hold() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.refuse_rewriting_a_tree()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.refuse_rewriting_a_tree() owner to audit_owner;
comment on function audit_log.refuse_rewriting_a_tree() is 'Lets a tree grow, a tile be appended to, a full tile of level 0 go once all its days were dropped, and a tree problem once it stands among the ended; refuses every other UPDATE and DELETE, and every TRUNCATE.';
grant execute on function audit_log.refuse_rewriting_a_tree() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.release_hold(p_tenant_id uuid, p_id uuid, p_reason text, p_released_by text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.release_hold(uuid,uuid,text,text) owner to audit_owner;
comment on function audit_log.release_hold(uuid,uuid,text,text) is 'Releases a hold of the tenant, for good: true when this call did it, false when it was released before, null when the tenant has no such hold.';
grant execute on function audit_log.release_hold(uuid,uuid,text,text) to audit_job;
grant execute on function audit_log.release_hold(uuid,uuid,text,text) to audit_owner;
grant execute on function audit_log.release_hold(uuid,uuid,text,text) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.require_durable_commit()
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if current_setting('synchronous_commit') not in ('on', 'remote_apply') then
    perform set_config('synchronous_commit', 'on', true);
  end if;
end
$function$
;
alter function audit_log.require_durable_commit() owner to audit_owner;
comment on function audit_log.require_durable_commit() is 'Makes the COMMIT of the running transaction wait for the disk, whatever the session, role or database says; remote_apply stays.';
grant execute on function audit_log.require_durable_commit() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.restore_events(p_tenant_id uuid, p_log_indexes bigint[], p_received_ats timestamp with time zone[], p_principals text[], p_occurred_ats timestamp with time zone[], p_ids uuid[], p_sources text[], p_actor_ids text[], p_actor_types text[], p_event_types text[], p_object_types text[], p_object_ids text[], p_results text[], p_messages text[], p_durations_ms integer[], p_contexts jsonb[], p_ip_addresses inet[], p_user_agents text[], p_device_fingerprints text[], p_request_ids text[], p_producer_ids text[], p_producer_seqs bigint[], p_leaf_hashes bytea[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into audit_log.events (
    tenant_id, occurred_at, id, seq, received_at, principal, source, actor_id, actor_type, event_type, object_type, object_id, result, message,
    duration_ms, context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
  )
  select p_tenant_id, e.occurred_at, e.id, coalesce(t.seqs[e.log_index % 256 + 1], e.log_index - 4503599627370496), e.received_at, e.principal, e.source,
    e.actor_id, e.actor_type, e.event_type, e.object_type, e.object_id, e.result, e.message, e.duration_ms, e.context, e.ip_address, e.user_agent,
    e.device_fingerprint, e.request_id, e.producer_id, e.producer_seq, e.leaf_hash
  from unnest(
    p_log_indexes, p_received_ats, p_principals, p_occurred_ats, p_ids, p_sources, p_actor_ids, p_actor_types, p_event_types, p_object_types, p_object_ids,
    p_results, p_messages, p_durations_ms, p_contexts, p_ip_addresses, p_user_agents, p_device_fingerprints, p_request_ids, p_producer_ids, p_producer_seqs,
    p_leaf_hashes
  ) as e (
    log_index, received_at, principal, occurred_at, id, source, actor_id, actor_type, event_type, object_type, object_id, result, message, duration_ms,
    context, ip_address, user_agent, device_fingerprint, request_id, producer_id, producer_seq, leaf_hash
  )
  left join audit_log.tiles as t on t.tenant_id = p_tenant_id and t.level = 0 and t.tile_index = e.log_index / 256
$function$
;
alter function audit_log.restore_events(uuid,bigint[],timestamp with time zone[],text[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) owner to audit_owner;
comment on function audit_log.restore_events(uuid,bigint[],timestamp with time zone[],text[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) is 'Inserts events of an archive between begin_restore() and end_restore(), as they were; fails when one is there.';
grant execute on function audit_log.restore_events(uuid,bigint[],timestamp with time zone[],text[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to audit_job;
grant execute on function audit_log.restore_events(uuid,bigint[],timestamp with time zone[],text[],timestamp with time zone[],uuid[],text[],text[],text[],text[],text[],text[],text[],text[],integer[],jsonb[],inet[],text[],text[],text[],text[],bigint[],bytea[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.return_restored_day(p_day date)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rows bigint;
begin
  perform audit_log.require_durable_commit();
  perform pg_advisory_xact_lock(1635083369, p_day - date '2000-01-01');
  perform from audit_log.archive_days as d where d.day = p_day and d.state = 'restored' for update;
  if not found then
    return null;
  end if;
  if exists (
    select from audit_log.archives as a
    where a.day = p_day and a.state = 'restored'
      and a.rows is distinct from (select sum(f.rows) from audit_log.archive_files as f where f.tenant_id = a.tenant_id and f.day = a.day)
  ) then
    raise exception 'return restored day: the files of an archive are not known here' using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- Nothing that was true when the day first left is believed: each file is read back and compared again, and the manifest signed anew.
  update audit_log.archive_files as f
  set state = 'written', lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  from audit_log.archives as a
  where a.day = p_day and a.state = 'restored' and f.tenant_id = a.tenant_id and f.day = a.day;
  update audit_log.archives as a
  set state = 'open', tiles_moved_at = null, lease = null, leased_until = null, attempts = 0, retry_at = null, problem = null
  where a.day = p_day and a.state = 'restored';
  update audit_log.archive_days set state = 'planned', planned_at = clock_timestamp(), retry_at = null, problem = null where day = p_day;
  select coalesce(sum(a.rows), 0) into v_rows from audit_log.archives as a where a.day = p_day and a.state in ('open', 'ready');
  return v_rows;
end
$function$
;
alter function audit_log.return_restored_day(date) owner to audit_owner;
comment on function audit_log.return_restored_day(date) is 'Lets a restored day leave Postgres again, for all tenants that it was restored for: the archiver checks every file anew, then drops the day. How many events that is; null when the day is not restored.';
grant execute on function audit_log.return_restored_day(date) to audit_job;
grant execute on function audit_log.return_restored_day(date) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.revoke_key(p_tenant_id uuid, p_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'revoke key: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  update audit_log.api_keys as k set revoked_at = coalesce(k.revoked_at, now()) where k.tenant_id = p_tenant_id and k.id = p_id;
  return found;
end
$function$
;
alter function audit_log.revoke_key(uuid,text) owner to audit_owner;
comment on function audit_log.revoke_key(uuid,text) is 'Revokes a key of the tenant, for good; false when the tenant has no such key. Callers may believe a cached key for up to 60 s.';
grant execute on function audit_log.revoke_key(uuid,text) to audit_job;
grant execute on function audit_log.revoke_key(uuid,text) to audit_owner;
grant execute on function audit_log.revoke_key(uuid,text) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.run_job(p_job text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.run_job(text) owner to audit_owner;
comment on function audit_log.run_job(text) is 'Runs a job that needs nothing but the database, partitions (today and seven days ahead) or clean-up, and records how it went.';
grant execute on function audit_log.run_job(text) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.schedule_jobs()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.schedule_jobs() owner to audit_owner;
comment on function audit_log.schedule_jobs() is 'Schedules every job by pg_cron as the login that calls it, and says how many; 0 with a notice without pg_cron. May be called again, such as after installing pg_net.';
grant execute on function audit_log.schedule_jobs() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.seal_append(p_from_seq bigint, p_to_seq bigint, p_tree_tenant_ids uuid[], p_tree_old_sizes bigint[], p_tree_new_sizes bigint[], p_tree_edges bytea[], p_tree_roots bytea[], p_tile_tenant_ids uuid[], p_tile_levels integer[], p_tile_indexes bigint[], p_tile_offsets integer[], p_tile_hashes bytea[], p_tile_leaves integer[], p_leaf_seqs bigint[], p_leaf_occurred_ats timestamp with time zone[], p_leaf_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rows bigint;
begin
  update audit_log.sealer set sealed_seq = p_to_seq where sealed_seq = p_from_seq and p_to_seq between p_from_seq and open_seq;
  if not found then
    raise exception 'seal: another sealer went ahead' using errcode = 'serialization_failure';
  end if;

  insert into audit_log.tree_state (tenant_id, size, edge, root)
  select t.tenant_id, t.new_size, t.edge, t.root
  from unnest(p_tree_tenant_ids, p_tree_old_sizes, p_tree_new_sizes, p_tree_edges, p_tree_roots) as t (tenant_id, old_size, new_size, edge, root)
  where t.old_size = 0;
  update audit_log.tree_state as s set size = t.new_size, edge = t.edge, root = t.root, sealed_at = now()
  from unnest(p_tree_tenant_ids, p_tree_old_sizes, p_tree_new_sizes, p_tree_edges, p_tree_roots) as t (tenant_id, old_size, new_size, edge, root)
  where t.old_size > 0 and s.tenant_id = t.tenant_id and s.size = t.old_size;
  get diagnostics v_rows = row_count;
  if v_rows <> (select count(*) from unnest(p_tree_old_sizes) as old (size) where old.size > 0) then
    raise exception 'seal: a tree has another size than was read' using errcode = 'serialization_failure';
  end if;

  -- A tile that begins must not be there yet; one that goes on must end where the append begins.
  insert into audit_log.tiles (tenant_id, level, tile_index, hashes, first_seq, seqs, occurred_ats, ids)
  select t.tenant_id, t.level, t.tile_index, t.hashes, p_leaf_seqs[t.leaf], p_leaf_seqs[t.leaf:t.last], p_leaf_occurred_ats[t.leaf:t.last],
    p_leaf_ids[t.leaf:t.last]
  from (
    select u.*, u.leaf + octet_length(u.hashes) / 32 - 1 as last
    from unnest(p_tile_tenant_ids, p_tile_levels, p_tile_indexes, p_tile_offsets, p_tile_hashes, p_tile_leaves)
      as u (tenant_id, level, tile_index, tile_offset, hashes, leaf)
  ) as t
  where t.tile_offset = 0;
  update audit_log.tiles as s
  set hashes = s.hashes || t.hashes, seqs = s.seqs || p_leaf_seqs[t.leaf:t.last], occurred_ats = s.occurred_ats || p_leaf_occurred_ats[t.leaf:t.last],
    ids = s.ids || p_leaf_ids[t.leaf:t.last]
  from (
    select u.*, u.leaf + octet_length(u.hashes) / 32 - 1 as last
    from unnest(p_tile_tenant_ids, p_tile_levels, p_tile_indexes, p_tile_offsets, p_tile_hashes, p_tile_leaves)
      as u (tenant_id, level, tile_index, tile_offset, hashes, leaf)
  ) as t
  where t.tile_offset > 0 and s.tenant_id = t.tenant_id and s.level = t.level and s.tile_index = t.tile_index
    and octet_length(s.hashes) = t.tile_offset * 32;
  get diagnostics v_rows = row_count;
  if v_rows <> (select count(*) from unnest(p_tile_offsets) as append (tile_offset) where append.tile_offset > 0) then
    raise exception 'seal: a tile has another width than was read' using errcode = 'serialization_failure';
  end if;
end
$function$
;
alter function audit_log.seal_append(bigint,bigint,uuid[],bigint[],bigint[],bytea[],bytea[],uuid[],integer[],bigint[],integer[],bytea[],integer[],bigint[],timestamp with time zone[],uuid[]) owner to audit_owner;
comment on function audit_log.seal_append(bigint,bigint,uuid[],bigint[],bigint[],bytea[],bytea[],uuid[],integer[],bigint[],integer[],bytea[],integer[],bigint[],timestamp with time zone[],uuid[]) is 'Appends leaves to trees and tiles and moves the sealer from p_from_seq to p_to_seq, if all is as it was read; raises serialization_failure otherwise.';
grant execute on function audit_log.seal_append(bigint,bigint,uuid[],bigint[],bigint[],bytea[],bytea[],uuid[],integer[],bigint[],integer[],bytea[],integer[],bigint[],timestamp with time zone[],uuid[]) to audit_job;
grant execute on function audit_log.seal_append(bigint,bigint,uuid[],bigint[],bigint[],bytea[],bytea[],uuid[],integer[],bigint[],integer[],bytea[],integer[],bigint[],timestamp with time zone[],uuid[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.seal_coverage(p_tenant_id uuid, p_from timestamp with time zone, p_to timestamp with time zone)
 RETURNS TABLE(unsealed bigint, problems bigint, tree_problem text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.seal_coverage(uuid,timestamp with time zone,timestamp with time zone) owner to audit_owner;
comment on function audit_log.seal_coverage(uuid,timestamp with time zone,timestamp with time zone) is 'For auditors of the tenant: its events of the window that are not sealed yet, those that were changed before they could be, and what is wrong with its tree, if anything is.';
grant execute on function audit_log.seal_coverage(uuid,timestamp with time zone,timestamp with time zone) to audit_owner;
grant execute on function audit_log.seal_coverage(uuid,timestamp with time zone,timestamp with time zone) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.seal_open()
 RETURNS TABLE(outcome text, sealed_seq bigint, open_seq bigint, gate_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
#variable_conflict use_column
declare
  v audit_log.sealer;
  v_before audit_log.sealer;
  v_last bigint;
begin
  if pg_is_in_recovery() then
    raise exception 'seal: this is a replica' using errcode = 'read_only_sql_transaction';
  end if;
  -- With an older snapshot the lock would protect nothing: what the sealer before us committed would be invisible.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'seal: isolation level is %', current_setting('transaction_isolation') using errcode = 'invalid_transaction_state';
  end if;
  -- An xid that is older than the reading of the sequence is no gate: an ingest between the two would have a younger one and be missed.
  if pg_current_xact_id_if_assigned() is not null then
    raise exception 'seal: this transaction has written before' using errcode = 'invalid_transaction_state';
  end if;
  if not pg_try_advisory_xact_lock(1635083369, -2) then
    return query select 'busy'::text, null::bigint, null::bigint, null::timestamptz;
    return;
  end if;
  perform audit_log.require_durable_commit();
  select s.* into strict v from audit_log.sealer as s;
  v_before := v;
  -- A gate from the future comes from another cluster, by dump and restore: xids begin anew there.
  if v.gate_xid >= pg_snapshot_xmax(pg_current_snapshot()) then
    v.gate_xid := null;
  end if;
  -- First the gate that an earlier turn has set, then, if it has passed or there was none, one of our own, which passes at once when nobody older runs.
  if v.gate_xid <= pg_snapshot_xmin(pg_current_snapshot()) then
    v.open_seq := v.gate_seq;
    v.gate_xid := null;
  end if;
  if v.gate_xid is null then
    select case when q.is_called then q.last_value else 0 end into v_last from audit_log.event_seq as q;
    if v_last > v.open_seq then
      v.gate_seq := v_last;
      v.gate_xid := pg_current_xact_id();
      v.gate_at := clock_timestamp();
      -- The snapshot of this statement is newer than the gate.
      if v.gate_xid <= pg_snapshot_xmin(pg_current_snapshot()) then
        v.open_seq := v.gate_seq;
        v.gate_xid := null;
      end if;
    end if;
  end if;
  if v.gate_xid is null then
    v.gate_seq := null;
    v.gate_at := null;
  end if;
  if v is distinct from v_before then
    update audit_log.sealer as s
    set open_seq = v.open_seq, gate_seq = v.gate_seq, gate_xid = v.gate_xid, gate_at = v.gate_at;
  end if;
  return query select 'open'::text, v.sealed_seq, v.open_seq, v.gate_at;
end
$function$
;
alter function audit_log.seal_open() owner to audit_owner;
comment on function audit_log.seal_open() is 'Takes the sealer''s lock for the running transaction, sets or passes the gate, and says which events may be sealed now; ''busy'' when another sealer is at work.';
grant execute on function audit_log.seal_open() to audit_job;
grant execute on function audit_log.seal_open() to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.seal_report(p_tenant_ids uuid[], p_occurred_ats timestamp with time zone[], p_ids uuid[], p_seqs bigint[], p_stored bytea[], p_rebuilt bytea[], p_tree_tenant_ids uuid[], p_tree_problems text[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into audit_log.seal_problems (tenant_id, occurred_at, id, seq, stored_leaf_hash, rebuilt_leaf_hash)
  select * from unnest(p_tenant_ids, p_occurred_ats, p_ids, p_seqs, p_stored, p_rebuilt)
  on conflict do nothing;
  insert into audit_log.tree_problems (tenant_id, problem)
  select * from unnest(p_tree_tenant_ids, p_tree_problems)
  on conflict do nothing;
$function$
;
alter function audit_log.seal_report(uuid[],timestamp with time zone[],uuid[],bigint[],bytea[],bytea[],uuid[],text[]) owner to audit_owner;
comment on function audit_log.seal_report(uuid[],timestamp with time zone[],uuid[],bigint[],bytea[],bytea[],uuid[],text[]) is 'Records events whose row does not rebuild its leaf hash, and tenants whose tree does not match its checkpoint.';
grant execute on function audit_log.seal_report(uuid[],timestamp with time zone[],uuid[],bigint[],bytea[],bytea[],uuid[],text[]) to audit_job;
grant execute on function audit_log.seal_report(uuid[],timestamp with time zone[],uuid[],bigint[],bytea[],bytea[],uuid[],text[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.seal_sign(p_verifier_key text, p_tenant_ids uuid[], p_sizes bigint[], p_roots bytea[], p_notes text[], p_signed_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_rows bigint;
begin
  insert into audit_log.checkpoints (tenant_id, size, signed_at, verifier_key, root, note)
  select c.tenant_id, c.size, p_signed_at, p_verifier_key, c.root, c.note
  from unnest(p_tenant_ids, p_sizes, p_roots, p_notes) as c (tenant_id, size, root, note)
  join audit_log.tree_state as s on s.tenant_id = c.tenant_id and s.size = c.size and s.root = c.root;
  get diagnostics v_rows = row_count;
  if v_rows <> cardinality(p_tenant_ids) then
    raise exception 'seal: a checkpoint is not of the tree as it stands' using errcode = 'serialization_failure';
  end if;
end
$function$
;
alter function audit_log.seal_sign(text,uuid[],bigint[],bytea[],text[],timestamp with time zone) owner to audit_owner;
comment on function audit_log.seal_sign(text,uuid[],bigint[],bytea[],text[],timestamp with time zone) is 'Records signed checkpoints of trees as they stand; raises serialization_failure when one is of another size or root.';
grant execute on function audit_log.seal_sign(text,uuid[],bigint[],bytea[],text[],timestamp with time zone) to audit_job;
grant execute on function audit_log.seal_sign(text,uuid[],bigint[],bytea[],text[],timestamp with time zone) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.seal_trees(p_tenant_ids uuid[])
 RETURNS TABLE(tenant_id uuid, size bigint, edge bytea, widths integer[], note text, verifier_key text, problem text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select t.tenant_id, coalesce(s.size, 0), coalesce(s.edge, ''),
    -- Widths of the last tile of each level, null where there is none: to be compared with those of a tree of this size.
    array(
      select (
        select octet_length(e.hashes) / 32 from audit_log.tiles as e
        where e.tenant_id = t.tenant_id and e.level = l.level
          and e.tile_index = div(coalesce(s.size, 0), 256::numeric ^ (l.level + 1))::bigint
      )
      from generate_series(0, 6) as l (level) order by l.level
    ),
    c.note, c.verifier_key, p.problem
  from unnest(p_tenant_ids) as t (tenant_id)
  left join audit_log.tree_state as s on s.tenant_id = t.tenant_id
  left join audit_log.tree_problems as p on p.tenant_id = t.tenant_id
  left join lateral (
    select k.note, k.verifier_key from audit_log.checkpoints as k where k.tenant_id = t.tenant_id order by k.size desc, k.signed_at desc limit 1
  ) as c on true
$function$
;
alter function audit_log.seal_trees(uuid[]) owner to audit_owner;
comment on function audit_log.seal_trees(uuid[]) is 'The trees of these tenants as they stand, each with its last checkpoint; size 0 for one that has none yet.';
grant execute on function audit_log.seal_trees(uuid[]) to audit_job;
grant execute on function audit_log.seal_trees(uuid[]) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.sealed_leaves(p_tenant_id uuid, p_from bigint, p_limit integer)
 RETURNS TABLE(leaf_index bigint, occurred_at timestamp with time zone, id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select t.tile_index * 256 + leaf.at - 1, leaf.occurred_at, leaf.id
  from audit_log.tiles as t
  cross join lateral unnest(t.occurred_ats, t.ids) with ordinality as leaf (occurred_at, id, at)
  where t.tenant_id = p_tenant_id and t.level = 0
    and t.tile_index between p_from / 256 and (p_from + p_limit - 1) / 256
    and t.tile_index * 256 + leaf.at - 1 between p_from and p_from + p_limit - 1
    and p_tenant_id = any ((select audit_log.tenant_ids())::uuid[]) and (select audit_log.has_role('viewer'))
  order by t.tile_index, leaf.at
$function$
;
alter function audit_log.sealed_leaves(uuid,bigint,integer) owner to audit_owner;
comment on function audit_log.sealed_leaves(uuid,bigint,integer) is 'The p_limit leaves from index p_from on of the tenant''s tree, in order, for viewers of that tenant; fewer at the end of the tree and where tiles have moved to the archive.';
grant execute on function audit_log.sealed_leaves(uuid,bigint,integer) to audit_owner;
grant execute on function audit_log.sealed_leaves(uuid,bigint,integer) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.set_rate_limits(p_tenant_id uuid, p_ingest_per_second integer, p_ingest_per_second_per_caller integer, p_reads_per_second integer, p_reads_per_second_per_caller integer)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$
;
alter function audit_log.set_rate_limits(uuid,integer,integer,integer,integer) owner to audit_owner;
comment on function audit_log.set_rate_limits(uuid,integer,integer,integer,integer) is 'Sets a tenant''s quotas, null for the deployment''s default; with nothing but nulls the tenant has no quotas of its own. For the operator.';
grant execute on function audit_log.set_rate_limits(uuid,integer,integer,integer,integer) to audit_job;
grant execute on function audit_log.set_rate_limits(uuid,integer,integer,integer,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.set_retention(p_tenant_id uuid, p_years integer, p_default_years integer, p_changed_by text)
 RETURNS TABLE(was_years integer, archives bigint)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not audit_log.may_administer(p_tenant_id) then
    raise exception 'set retention: caller is not admin of the tenant' using errcode = 'insufficient_privilege';
  end if;
  -- Against expiry: an archive is judged by the policy before or the one after, and its date agrees with it.
  perform audit_log.lock_holds(p_tenant_id);
  was_years := (select p.retention_years from audit_log.retention_policies as p where p.tenant_id = p_tenant_id);
  insert into audit_log.retention_policies as p (tenant_id, retention_years, changed_by) values (p_tenant_id, p_years, p_changed_by)
  on conflict (tenant_id) do update set retention_years = excluded.retention_years, changed_by = excluded.changed_by, changed_at = excluded.changed_at;
  update audit_log.archives as a set expires_at = audit_log.archive_expiry(a.tenant_id, a.day, p_default_years)
  where a.tenant_id = p_tenant_id and a.state in ('archived', 'restored');
  get diagnostics archives = row_count;
  return next;
end
$function$
;
alter function audit_log.set_retention(uuid,integer,integer,text) owner to audit_owner;
comment on function audit_log.set_retention(uuid,integer,integer,text) is 'Sets how many years the tenant''s events are kept, null for the deployment''s default, and moves the expiry of its archives with it: what it was before, and how many archives.';
grant execute on function audit_log.set_retention(uuid,integer,integer,text) to audit_job;
grant execute on function audit_log.set_retention(uuid,integer,integer,text) to audit_owner;
grant execute on function audit_log.set_retention(uuid,integer,integer,text) to authenticated;

CREATE OR REPLACE FUNCTION audit_log.tenant_ids()
 RETURNS uuid[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select coalesce(array_agg(listed.tenant_id::uuid), '{}')
  from (
    select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' as app
  ) as claims
  cross join lateral (
    select claims.app ->> 'tenant_id' as tenant_id
    union
    select element.value
    from jsonb_array_elements_text(
      case when jsonb_typeof(claims.app -> 'tenant_ids') = 'array' then claims.app -> 'tenant_ids' else '[]' end
    ) as element (value)
  ) as listed
  where listed.tenant_id ~ '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$'
$function$
;
alter function audit_log.tenant_ids() owner to audit_owner;
comment on function audit_log.tenant_ids() is 'Tenants that the caller''s claims name in app_metadata.tenant_id or app_metadata.tenant_ids; empty when there are none. In policies: (select audit_log.tenant_ids()), so that it runs once a query.';
grant execute on function audit_log.tenant_ids() to audit_owner;
grant execute on function audit_log.tenant_ids() to authenticated;

CREATE OR REPLACE FUNCTION audit_log.thin_checkpoints(p_since timestamp with time zone, p_limit integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_thinned bigint;
begin
  delete from audit_log.checkpoints as c
  using (
    select o.tenant_id, o.size, o.verifier_key
    from audit_log.checkpoints as o
    where o.signed_at >= p_since and o.signed_at < now() - interval '48 hours' and date_trunc('hour', o.signed_at, 'UTC') = (
      select date_trunc('hour', kept.signed_at, 'UTC') from audit_log.checkpoints as kept
      where kept.tenant_id = o.tenant_id and kept.size > o.size
      order by kept.size
      limit 1
    )
    order by o.signed_at
    limit least(p_limit, 100000)
  ) as o
  where c.tenant_id = o.tenant_id and c.size = o.size and c.verifier_key = o.verifier_key;
  get diagnostics v_thinned = row_count;
  return v_thinned;
end
$function$
;
alter function audit_log.thin_checkpoints(timestamp with time zone,integer) owner to audit_owner;
comment on function audit_log.thin_checkpoints(timestamp with time zone,integer) is 'Deletes checkpoints signed from p_since on and older than 48 hours of which a larger one of the same tenant and hour stays, at most p_limit; how many it deleted.';
grant execute on function audit_log.thin_checkpoints(timestamp with time zone,integer) to audit_job;
grant execute on function audit_log.thin_checkpoints(timestamp with time zone,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.touch_key(p_id text, p_used_at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  -- A lost minute is no loss: whoever was called does not wait for the disk on account of this.
  perform set_config('synchronous_commit', 'off', true);
  update audit_log.api_keys as k set last_used_at = p_used_at
  where k.id = (
    select t.id from audit_log.api_keys as t
    where t.id = p_id and (t.last_used_at is null or t.last_used_at <= p_used_at - interval '1 minute')
    -- Another process is writing the same minute.
    for no key update skip locked
  );
end
$function$
;
alter function audit_log.touch_key(text,timestamp with time zone) owner to audit_owner;
comment on function audit_log.touch_key(text,timestamp with time zone) is 'Notes that a key was used; at most once a minute, whatever the number of processes.';
grant execute on function audit_log.touch_key(text,timestamp with time zone) to audit_ingest;
grant execute on function audit_log.touch_key(text,timestamp with time zone) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.trees_signed_by_others(p_verifier_key text, p_limit integer)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select s.tenant_id from audit_log.tree_state as s
  where not exists (
    select from audit_log.checkpoints as c where c.tenant_id = s.tenant_id and c.size = s.size and c.verifier_key = p_verifier_key
  ) and not exists (select from audit_log.tree_problems as p where p.tenant_id = s.tenant_id)
  limit p_limit
$function$
;
alter function audit_log.trees_signed_by_others(text,integer) owner to audit_owner;
comment on function audit_log.trees_signed_by_others(text,integer) is 'Tenants, at most p_limit, whose tree as it stands has no checkpoint by this key.';
grant execute on function audit_log.trees_signed_by_others(text,integer) to audit_job;
grant execute on function audit_log.trees_signed_by_others(text,integer) to audit_owner;

CREATE OR REPLACE FUNCTION audit_log.use_signing_key(p_verifier_key text, p_log_origin text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_retired_at timestamptz;
begin
  select k.retired_at into v_retired_at from audit_log.signing_keys as k where k.verifier_key = p_verifier_key and k.log_origin = p_log_origin;
  if found then
    return case when v_retired_at <= now() then 'retired' else 'usable' end;
  end if;
  -- Two sealers that start a new log with two keys: the second waits here, and is refused.
  lock table audit_log.signing_keys in share row exclusive mode;
  if exists (select from audit_log.signing_keys) then
    return 'unknown';
  end if;
  insert into audit_log.signing_keys (verifier_key, log_origin) values (p_verifier_key, p_log_origin);
  return 'usable';
end
$function$
;
alter function audit_log.use_signing_key(text,text) owner to audit_owner;
comment on function audit_log.use_signing_key(text,text) is 'Whether a key may sign: usable, retired, or unknown. The first key of a database becomes known by asking.';
grant execute on function audit_log.use_signing_key(text,text) to audit_job;
grant execute on function audit_log.use_signing_key(text,text) to audit_owner;

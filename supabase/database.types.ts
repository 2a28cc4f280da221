// The schema audit_log as types, by `supabase gen types`. Made by `npm run schema`, compared by a test; never edited.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "audit_log": {
    Tables: {
      "api_keys": {
        Row: {
          "created_at": string;
          "expires_at": string | null;
          "id": string;
          "key_hash": string;
          "last_used_at": string | null;
          "name": string;
          "revoked_at": string | null;
          "scopes": (string)[];
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "expires_at"?: string | null;
          "id": string;
          "key_hash": string;
          "last_used_at"?: string | null;
          "name": string;
          "revoked_at"?: string | null;
          "scopes": (string)[];
          "tenant_id": string;
        };
        Update: {
          "created_at"?: string;
          "expires_at"?: string | null;
          "id"?: string;
          "key_hash"?: string;
          "last_used_at"?: string | null;
          "name"?: string;
          "revoked_at"?: string | null;
          "scopes"?: (string)[];
          "tenant_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "api_key_belongs_to_a_tenant";
            columns: ["tenant_id"];
            isOneToOne: false;
            referencedRelation: "tenants";
            referencedColumns: ["id"];
          },
        ];
      };
      "archive_days": {
        Row: {
          "day": string;
          "dropped_at": string | null;
          "planned_at": string | null;
          "problem": string | null;
          "problem_at": string | null;
          "retry_at": string | null;
          "rows": number | null;
          "state": string;
        };
        ComputedFields: never;
        Insert: {
          "day": string;
          "dropped_at"?: string | null;
          "planned_at"?: string | null;
          "problem"?: string | null;
          "problem_at"?: string | null;
          "retry_at"?: string | null;
          "rows"?: number | null;
          "state"?: string;
        };
        Update: {
          "day"?: string;
          "dropped_at"?: string | null;
          "planned_at"?: string | null;
          "problem"?: string | null;
          "problem_at"?: string | null;
          "retry_at"?: string | null;
          "rows"?: number | null;
          "state"?: string;
        };
        Relationships: [];
      };
      "archive_files": {
        Row: {
          "attempts": number;
          "bytes": number | null;
          "day": string;
          "first_log_index": number | null;
          "from_id": string;
          "from_occurred_at": string;
          "generation": number;
          "key": string | null;
          "last_log_index": number | null;
          "lease": string | null;
          "leased_until": string | null;
          "part": number;
          "problem": string | null;
          "problem_at": string | null;
          "retry_at": string | null;
          "rows": number;
          "sha256": string | null;
          "state": string;
          "tenant_id": string;
          "to_id": string;
          "to_occurred_at": string;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number;
          "bytes"?: number | null;
          "day": string;
          "first_log_index"?: number | null;
          "from_id": string;
          "from_occurred_at": string;
          "generation"?: number;
          "key"?: string | null;
          "last_log_index"?: number | null;
          "lease"?: string | null;
          "leased_until"?: string | null;
          "part": number;
          "problem"?: string | null;
          "problem_at"?: string | null;
          "retry_at"?: string | null;
          "rows": number;
          "sha256"?: string | null;
          "state"?: string;
          "tenant_id": string;
          "to_id": string;
          "to_occurred_at": string;
        };
        Update: {
          "attempts"?: number;
          "bytes"?: number | null;
          "day"?: string;
          "first_log_index"?: number | null;
          "from_id"?: string;
          "from_occurred_at"?: string;
          "generation"?: number;
          "key"?: string | null;
          "last_log_index"?: number | null;
          "lease"?: string | null;
          "leased_until"?: string | null;
          "part"?: number;
          "problem"?: string | null;
          "problem_at"?: string | null;
          "retry_at"?: string | null;
          "rows"?: number;
          "sha256"?: string | null;
          "state"?: string;
          "tenant_id"?: string;
          "to_id"?: string;
          "to_occurred_at"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "file_belongs_to_an_archive";
            columns: ["tenant_id", "day"];
            isOneToOne: false;
            referencedRelation: "archives";
            referencedColumns: ["tenant_id", "day"];
          },
        ];
      };
      "archives": {
        Row: {
          "archived_at": string | null;
          "attempts": number;
          "bytes": number | null;
          "checkpoint_root": string | null;
          "checkpoint_size": number | null;
          "day": string;
          "deleted_at": string | null;
          "expires_at": string | null;
          "expiring_at": string | null;
          "files": number;
          "first_log_index": number | null;
          "last_log_index": number | null;
          "lease": string | null;
          "leased_until": string | null;
          "manifest_key": string | null;
          "manifest_sha256": string | null;
          "problem": string | null;
          "problem_at": string | null;
          "retry_at": string | null;
          "rows": number;
          "state": string;
          "tenant_id": string;
          "tiles_moved_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "archived_at"?: string | null;
          "attempts"?: number;
          "bytes"?: number | null;
          "checkpoint_root"?: string | null;
          "checkpoint_size"?: number | null;
          "day": string;
          "deleted_at"?: string | null;
          "expires_at"?: string | null;
          "expiring_at"?: string | null;
          "files": number;
          "first_log_index"?: number | null;
          "last_log_index"?: number | null;
          "lease"?: string | null;
          "leased_until"?: string | null;
          "manifest_key"?: string | null;
          "manifest_sha256"?: string | null;
          "problem"?: string | null;
          "problem_at"?: string | null;
          "retry_at"?: string | null;
          "rows": number;
          "state"?: string;
          "tenant_id": string;
          "tiles_moved_at"?: string | null;
        };
        Update: {
          "archived_at"?: string | null;
          "attempts"?: number;
          "bytes"?: number | null;
          "checkpoint_root"?: string | null;
          "checkpoint_size"?: number | null;
          "day"?: string;
          "deleted_at"?: string | null;
          "expires_at"?: string | null;
          "expiring_at"?: string | null;
          "files"?: number;
          "first_log_index"?: number | null;
          "last_log_index"?: number | null;
          "lease"?: string | null;
          "leased_until"?: string | null;
          "manifest_key"?: string | null;
          "manifest_sha256"?: string | null;
          "problem"?: string | null;
          "problem_at"?: string | null;
          "retry_at"?: string | null;
          "rows"?: number;
          "state"?: string;
          "tenant_id"?: string;
          "tiles_moved_at"?: string | null;
        };
        Relationships: [];
      };
      "batches": {
        Row: {
          "body_hash": string;
          "claimed_at": string;
          "key_hash": string;
          "principal": string;
          "received_at": string;
        };
        ComputedFields: never;
        Insert: {
          "body_hash": string;
          "claimed_at"?: string;
          "key_hash": string;
          "principal": string;
          "received_at": string;
        };
        Update: {
          "body_hash"?: string;
          "claimed_at"?: string;
          "key_hash"?: string;
          "principal"?: string;
          "received_at"?: string;
        };
        Relationships: [];
      };
      "checkpoint_bundles": {
        Row: {
          "name": string;
          "written_at": string;
        };
        ComputedFields: never;
        Insert: {
          "name": string;
          "written_at"?: string;
        };
        Update: {
          "name"?: string;
          "written_at"?: string;
        };
        Relationships: [];
      };
      "checkpoints": {
        Row: {
          "note": string;
          "root": string;
          "signed_at": string;
          "size": number;
          "tenant_id": string;
          "verifier_key": string;
        };
        ComputedFields: never;
        Insert: {
          "note": string;
          "root": string;
          "signed_at": string;
          "size": number;
          "tenant_id": string;
          "verifier_key": string;
        };
        Update: {
          "note"?: string;
          "root"?: string;
          "signed_at"?: string;
          "size"?: number;
          "tenant_id"?: string;
          "verifier_key"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "checkpoint_key_is_known";
            columns: ["verifier_key"];
            isOneToOne: false;
            referencedRelation: "signing_keys";
            referencedColumns: ["verifier_key"];
          },
        ];
      };
      "closed_days": {
        Row: {
          "closed_at": string;
          "day": string;
        };
        ComputedFields: never;
        Insert: {
          "closed_at"?: string;
          "day": string;
        };
        Update: {
          "closed_at"?: string;
          "day"?: string;
        };
        Relationships: [];
      };
      "deletions": {
        Row: {
          "deleted_at": string;
          "deleted_by": string;
          "id": string;
          "occurred_at": string;
          "reason": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "deleted_at"?: string;
          "deleted_by": string;
          "id": string;
          "occurred_at": string;
          "reason": string;
          "tenant_id": string;
        };
        Update: {
          "deleted_at"?: string;
          "deleted_by"?: string;
          "id"?: string;
          "occurred_at"?: string;
          "reason"?: string;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "ended_tree_problems": {
        Row: {
          "ended_at": string;
          "found_at": string;
          "problem": string;
          "size": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "ended_at"?: string;
          "found_at": string;
          "problem": string;
          "size": number;
          "tenant_id": string;
        };
        Update: {
          "ended_at"?: string;
          "found_at"?: string;
          "problem"?: string;
          "size"?: number;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "events": {
        Row: {
          "actor_hash": number | null;
          "actor_id": string | null;
          "actor_type": string | null;
          "context": Json | null;
          "device_fingerprint": string | null;
          "duration_ms": number | null;
          "event_type": string;
          "id": string;
          "ip_address": unknown;
          "leaf_hash": string;
          "message": string | null;
          "object_hash": number | null;
          "object_id": string | null;
          "object_type": string | null;
          "occurred_at": string;
          "principal": string;
          "producer_id": string | null;
          "producer_seq": number | null;
          "received_at": string;
          "request_id": string | null;
          "result": string;
          "seq": number;
          "source": string | null;
          "tenant_id": string;
          "user_agent": string | null;
        };
        ComputedFields: never;
        Insert: {
          "actor_hash"?: never;
          "actor_id"?: string | null;
          "actor_type"?: string | null;
          "context"?: Json | null;
          "device_fingerprint"?: string | null;
          "duration_ms"?: number | null;
          "event_type": string;
          "id": string;
          "ip_address"?: unknown;
          "leaf_hash": string;
          "message"?: string | null;
          "object_hash"?: never;
          "object_id"?: string | null;
          "object_type"?: string | null;
          "occurred_at": string;
          "principal": string;
          "producer_id"?: string | null;
          "producer_seq"?: number | null;
          "received_at": string;
          "request_id"?: string | null;
          "result": string;
          "seq": number;
          "source"?: string | null;
          "tenant_id": string;
          "user_agent"?: string | null;
        };
        Update: {
          "actor_hash"?: never;
          "actor_id"?: string | null;
          "actor_type"?: string | null;
          "context"?: Json | null;
          "device_fingerprint"?: string | null;
          "duration_ms"?: number | null;
          "event_type"?: string;
          "id"?: string;
          "ip_address"?: unknown;
          "leaf_hash"?: string;
          "message"?: string | null;
          "object_hash"?: never;
          "object_id"?: string | null;
          "object_type"?: string | null;
          "occurred_at"?: string;
          "principal"?: string;
          "producer_id"?: string | null;
          "producer_seq"?: number | null;
          "received_at"?: string;
          "request_id"?: string | null;
          "result"?: string;
          "seq"?: number;
          "source"?: string | null;
          "tenant_id"?: string;
          "user_agent"?: string | null;
        };
        Relationships: [];
      };
      "holds": {
        Row: {
          "actor_id": string | null;
          "from_at": string | null;
          "id": string;
          "object_id": string | null;
          "object_type": string | null;
          "placed_at": string;
          "placed_by": string;
          "reason": string;
          "release_reason": string | null;
          "released_at": string | null;
          "released_by": string | null;
          "tenant_id": string;
          "to_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "actor_id"?: string | null;
          "from_at"?: string | null;
          "id": string;
          "object_id"?: string | null;
          "object_type"?: string | null;
          "placed_at"?: string;
          "placed_by": string;
          "reason": string;
          "release_reason"?: string | null;
          "released_at"?: string | null;
          "released_by"?: string | null;
          "tenant_id": string;
          "to_at"?: string | null;
        };
        Update: {
          "actor_id"?: string | null;
          "from_at"?: string | null;
          "id"?: string;
          "object_id"?: string | null;
          "object_type"?: string | null;
          "placed_at"?: string;
          "placed_by"?: string;
          "reason"?: string;
          "release_reason"?: string | null;
          "released_at"?: string | null;
          "released_by"?: string | null;
          "tenant_id"?: string;
          "to_at"?: string | null;
        };
        Relationships: [];
      };
      "imported_days": {
        Row: {
          "day": string;
          "imported_at": string;
        };
        ComputedFields: never;
        Insert: {
          "day": string;
          "imported_at"?: string;
        };
        Update: {
          "day"?: string;
          "imported_at"?: string;
        };
        Relationships: [];
      };
      "imports": {
        Row: {
          "counts": NonNullable<Json>;
          "finished_at": string | null;
          "format": string;
          "id": string;
          "position": string | null;
          "source": string;
          "started_at": string;
          "started_by": string;
          "tenant_id": string | null;
          "updated_at": string;
        };
        ComputedFields: never;
        Insert: {
          "counts"?: NonNullable<Json>;
          "finished_at"?: string | null;
          "format": string;
          "id": string;
          "position"?: string | null;
          "source": string;
          "started_at"?: string;
          "started_by"?: string;
          "tenant_id"?: string | null;
          "updated_at"?: string;
        };
        Update: {
          "counts"?: NonNullable<Json>;
          "finished_at"?: string | null;
          "format"?: string;
          "id"?: string;
          "position"?: string | null;
          "source"?: string;
          "started_at"?: string;
          "started_by"?: string;
          "tenant_id"?: string | null;
          "updated_at"?: string;
        };
        Relationships: [];
      };
      "job_outcomes": {
        Row: {
          "asked_at": string | null;
          "failed_at": string | null;
          "failures": number;
          "job": string;
          "problem": string | null;
          "request_id": number | null;
          "succeeded_at": string | null;
        };
        ComputedFields: never;
        Insert: {
          "asked_at"?: string | null;
          "failed_at"?: string | null;
          "failures"?: number;
          "job": string;
          "problem"?: string | null;
          "request_id"?: number | null;
          "succeeded_at"?: string | null;
        };
        Update: {
          "asked_at"?: string | null;
          "failed_at"?: string | null;
          "failures"?: number;
          "job"?: string;
          "problem"?: string | null;
          "request_id"?: number | null;
          "succeeded_at"?: string | null;
        };
        Relationships: [];
      };
      "key_rotations": {
        Row: {
          "announced_at": string;
          "retired_at": string;
          "retired_key": string;
          "statement": string;
          "successor_key": string;
        };
        ComputedFields: never;
        Insert: {
          "announced_at"?: string;
          "retired_at": string;
          "retired_key": string;
          "statement": string;
          "successor_key": string;
        };
        Update: {
          "announced_at"?: string;
          "retired_at"?: string;
          "retired_key"?: string;
          "statement"?: string;
          "successor_key"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "retired_key_is_known";
            columns: ["retired_key"];
            isOneToOne: true;
            referencedRelation: "signing_keys";
            referencedColumns: ["verifier_key"];
          },
          {
            foreignKeyName: "successor_key_is_known";
            columns: ["successor_key"];
            isOneToOne: true;
            referencedRelation: "signing_keys";
            referencedColumns: ["verifier_key"];
          },
        ];
      };
      "rate_buckets": {
        Row: {
          "bucket": string;
          "refilled_at": string;
          "tokens": number;
        };
        ComputedFields: never;
        Insert: {
          "bucket": string;
          "refilled_at": string;
          "tokens": number;
        };
        Update: {
          "bucket"?: string;
          "refilled_at"?: string;
          "tokens"?: number;
        };
        Relationships: [];
      };
      "rate_limits": {
        Row: {
          "changed_at": string;
          "ingest_per_second": number | null;
          "ingest_per_second_per_caller": number | null;
          "reads_per_second": number | null;
          "reads_per_second_per_caller": number | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "changed_at"?: string;
          "ingest_per_second"?: number | null;
          "ingest_per_second_per_caller"?: number | null;
          "reads_per_second"?: number | null;
          "reads_per_second_per_caller"?: number | null;
          "tenant_id": string;
        };
        Update: {
          "changed_at"?: string;
          "ingest_per_second"?: number | null;
          "ingest_per_second_per_caller"?: number | null;
          "reads_per_second"?: number | null;
          "reads_per_second_per_caller"?: number | null;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "retention_policies": {
        Row: {
          "changed_at": string;
          "changed_by": string;
          "retention_years": number | null;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "changed_at"?: string;
          "changed_by": string;
          "retention_years"?: number | null;
          "tenant_id": string;
        };
        Update: {
          "changed_at"?: string;
          "changed_by"?: string;
          "retention_years"?: number | null;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "seal_problems": {
        Row: {
          "found_at": string;
          "id": string;
          "occurred_at": string;
          "rebuilt_leaf_hash": string | null;
          "seq": number;
          "stored_leaf_hash": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "found_at"?: string;
          "id": string;
          "occurred_at": string;
          "rebuilt_leaf_hash"?: string | null;
          "seq": number;
          "stored_leaf_hash": string;
          "tenant_id": string;
        };
        Update: {
          "found_at"?: string;
          "id"?: string;
          "occurred_at"?: string;
          "rebuilt_leaf_hash"?: string | null;
          "seq"?: number;
          "stored_leaf_hash"?: string;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "sealer": {
        Row: {
          "gate_at": string | null;
          "gate_seq": number | null;
          "gate_xid": unknown;
          "only_row": boolean;
          "open_seq": number;
          "sealed_seq": number;
        };
        ComputedFields: never;
        Insert: {
          "gate_at"?: string | null;
          "gate_seq"?: number | null;
          "gate_xid"?: unknown;
          "only_row"?: boolean;
          "open_seq"?: number;
          "sealed_seq"?: number;
        };
        Update: {
          "gate_at"?: string | null;
          "gate_seq"?: number | null;
          "gate_xid"?: unknown;
          "only_row"?: boolean;
          "open_seq"?: number;
          "sealed_seq"?: number;
        };
        Relationships: [];
      };
      "signing_keys": {
        Row: {
          "log_origin": string;
          "retired_at": string | null;
          "since": string;
          "verifier_key": string;
        };
        ComputedFields: never;
        Insert: {
          "log_origin": string;
          "retired_at"?: string | null;
          "since"?: string;
          "verifier_key": string;
        };
        Update: {
          "log_origin"?: string;
          "retired_at"?: string | null;
          "since"?: string;
          "verifier_key"?: string;
        };
        Relationships: [];
      };
      "tenants": {
        Row: {
          "created_at": string;
          "id": string;
          "name": string;
        };
        ComputedFields: never;
        Insert: {
          "created_at"?: string;
          "id": string;
          "name": string;
        };
        Update: {
          "created_at"?: string;
          "id"?: string;
          "name"?: string;
        };
        Relationships: [];
      };
      "tiles": {
        Row: {
          "first_seq": number | null;
          "hashes": string;
          "ids": (string)[] | null;
          "level": number;
          "occurred_ats": (string)[] | null;
          "seqs": (number)[] | null;
          "tenant_id": string;
          "tile_index": number;
        };
        ComputedFields: never;
        Insert: {
          "first_seq"?: number | null;
          "hashes": string;
          "ids"?: (string)[] | null;
          "level": number;
          "occurred_ats"?: (string)[] | null;
          "seqs"?: (number)[] | null;
          "tenant_id": string;
          "tile_index": number;
        };
        Update: {
          "first_seq"?: number | null;
          "hashes"?: string;
          "ids"?: (string)[] | null;
          "level"?: number;
          "occurred_ats"?: (string)[] | null;
          "seqs"?: (number)[] | null;
          "tenant_id"?: string;
          "tile_index"?: number;
        };
        Relationships: [];
      };
      "tree_problems": {
        Row: {
          "found_at": string;
          "problem": string;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "found_at"?: string;
          "problem": string;
          "tenant_id": string;
        };
        Update: {
          "found_at"?: string;
          "problem"?: string;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
      "tree_state": {
        Row: {
          "edge": string;
          "root": string;
          "sealed_at": string;
          "size": number;
          "tenant_id": string;
        };
        ComputedFields: never;
        Insert: {
          "edge": string;
          "root": string;
          "sealed_at"?: string;
          "size": number;
          "tenant_id": string;
        };
        Update: {
          "edge"?: string;
          "root"?: string;
          "sealed_at"?: string;
          "size"?: number;
          "tenant_id"?: string;
        };
        Relationships: [];
      };
    };
    Views: {
      [_ in never]: never;
    };
    Functions: {
      "advance_import": { Args: { "p_counts": Json; "p_finished": boolean; "p_from": string; "p_import_id": string; "p_to": string }; Returns: undefined };
      "announce_key": {
        Args: { "p_log_origin": string; "p_retired_at": string; "p_retired_key": string; "p_statement": string; "p_successor_key": string };
        Returns: undefined;
      };
      "archive_expiry": { Args: { "p_day": string; "p_default_years": number; "p_tenant_id": string }; Returns: string };
      "begin_import": {
        Args: { "p_again": boolean; "p_format": string; "p_id": string; "p_source": string; "p_tenant_id": string };
        Returns: {
          "counts": Json;
          "finished_at": string;
          "place": string;
        }[];
      };
      "begin_restore": {
        Args: {
          "p_bytes": number;
          "p_checkpoint_root": string;
          "p_checkpoint_size": number;
          "p_day": string;
          "p_default_years": number;
          "p_files": number;
          "p_first": number;
          "p_last": number;
          "p_manifest_key": string;
          "p_manifest_sha256": string;
          "p_rows": number;
          "p_tenant_id": string;
        };
        Returns: string;
      };
      "book_restored_files": {
        Args: {
          "p_bytes": (number)[];
          "p_day": string;
          "p_firsts": (number)[];
          "p_keys": (string)[];
          "p_lasts": (number)[];
          "p_rows": (number)[];
          "p_sha256s": (string)[];
          "p_tenant_id": string;
        };
        Returns: undefined;
      };
      "call_function": { Args: { "p_name": string }; Returns: undefined };
      "claim_archive_expiry": {
        Args: { "p_lease_seconds": number };
        Returns: {
          "bytes": number;
          "day": string;
          "expiring_at": string;
          "files": number;
          "lease": string;
          "manifest_key": string;
          "manifest_sha256": string;
          "rows": number;
          "tenant_id": string;
        }[];
      };
      "claim_archive_tiles": {
        Args: { "p_lease_seconds": number };
        Returns: {
          "day": string;
          "first_tile": number;
          "last_tile": number;
          "lease": string;
          "tenant_id": string;
        }[];
      };
      "claim_archive_work": {
        Args: { "p_lease_seconds": number };
        Returns: {
          "day": string;
          "lease": string;
          "part": number;
          "tenant_id": string;
          "work": string;
        }[];
      };
      "claim_batch": {
        Args: { "p_body_hash": string; "p_key_hash": string; "p_principal": string; "p_received_at": string };
        Returns: {
          "first": boolean;
          "received_at": string;
          "same_body": boolean;
        }[];
      };
      "close_days": { Args: { "p_before": string; "p_limit": number }; Returns: string[] };
      "create_key": {
        Args: { "p_expires_at": string; "p_id": string; "p_key_hash": string; "p_name": string; "p_scopes": (string)[]; "p_tenant_id": string };
        Returns: undefined;
      };
      "create_tenant": { Args: { "p_id": string; "p_name": string }; Returns: undefined };
      "delete_event": { Args: { "p_deleted_by": string; "p_id": string; "p_occurred_at": string; "p_reason": string; "p_tenant_id": string }; Returns: string };
      "deletions_of": {
        Args: { "p_ids": (string)[]; "p_occurred_ats": (string)[]; "p_tenant_id": string };
        Returns: {
          "deleted_at": string;
          "deleted_by": string;
          "place": number;
          "reason": string;
        }[];
      };
      "drop_archived_day": { Args: { "p_day": string; "p_default_years": number; "p_lock_ms": number }; Returns: string };
      "end_restore": { Args: { "p_day": string; "p_tenant_id": string }; Returns: undefined };
      "end_tree_problem": { Args: { "p_tenant_id": string }; Returns: undefined };
      "ensure_partition": { Args: { "p_day": string }; Returns: boolean };
      "ensure_partitions": { Args: { "p_from": string; "p_to": string }; Returns: number };
      "fail_archive_work": {
        Args: {
          "p_day": string;
          "p_give_up": boolean;
          "p_lease": string;
          "p_part": number;
          "p_problem": string;
          "p_retry_seconds": number;
          "p_tenant_id": string;
        };
        Returns: boolean;
      };
      "find_key": {
        Args: { "p_key_hash": string };
        Returns: {
          "expires_at": string;
          "id": string;
          "revoked_at": string;
          "scopes": (string)[];
          "tenant_id": string;
        }[];
      };
      "find_leaf": {
        Args: { "p_id": string; "p_occurred_at": string; "p_tenant_id": string };
        Returns: {
          "leaf_hash": string;
          "leaf_index": number;
        }[];
      };
      "find_leaves": {
        Args: { "p_ids": (string)[]; "p_occurred_ats": (string)[]; "p_tenant_id": string };
        Returns: {
          "leaf_index": number;
          "place": number;
        }[];
      };
      "forget_batches": { Args: { "p_before": string }; Returns: number };
      "has_role": { Args: { "p_role": string }; Returns: boolean };
      "hold_covers": {
        Args: {
          "p_actor_id": string;
          "p_from": string;
          "p_is_event": boolean;
          "p_object_id": string;
          "p_object_type": string;
          "p_tenant_id": string;
          "p_to": string;
        };
        Returns: boolean;
      };
      "import_events": {
        Args: {
          "p_actor_ids": (string)[];
          "p_actor_types": (string)[];
          "p_contexts": (Json)[];
          "p_device_fingerprints": (string)[];
          "p_durations_ms": (number)[];
          "p_event_types": (string)[];
          "p_from": string;
          "p_ids": (string)[];
          "p_import_id": string;
          "p_ip_addresses": (unknown)[];
          "p_leaf_hashes": (string)[];
          "p_messages": (string)[];
          "p_object_ids": (string)[];
          "p_object_types": (string)[];
          "p_occurred_ats": (string)[];
          "p_producer_ids": (string)[];
          "p_producer_seqs": (number)[];
          "p_received_at": string;
          "p_request_ids": (string)[];
          "p_results": (string)[];
          "p_sources": (string)[];
          "p_tenant_ids": (string)[];
          "p_user_agents": (string)[];
        };
        Returns: {
          "device_fingerprint": string;
          "id": string;
          "ip_address": unknown;
          "leaf_hash": string;
          "occurred_at": string;
          "principal": string;
          "received_at": string;
          "tenant_id": string;
          "user_agent": string;
        }[];
      };
      "ingest": {
        Args: {
          "p_actor_ids": (string)[];
          "p_actor_types": (string)[];
          "p_contexts": (Json)[];
          "p_device_fingerprints": (string)[];
          "p_durations_ms": (number)[];
          "p_event_types": (string)[];
          "p_ids": (string)[];
          "p_ip_addresses": (unknown)[];
          "p_leaf_hashes": (string)[];
          "p_messages": (string)[];
          "p_object_ids": (string)[];
          "p_object_types": (string)[];
          "p_occurred_ats": (string)[];
          "p_principal": string;
          "p_producer_ids": (string)[];
          "p_producer_seqs": (number)[];
          "p_received_at": string;
          "p_request_ids": (string)[];
          "p_results": (string)[];
          "p_sources": (string)[];
          "p_tenant_ids": (string)[];
          "p_user_agents": (string)[];
        };
        Returns: {
          "device_fingerprint": string;
          "id": string;
          "ip_address": unknown;
          "leaf_hash": string;
          "occurred_at": string;
          "principal": string;
          "received_at": string;
          "tenant_id": string;
          "user_agent": string;
        }[];
      };
      "ingest_what_is_missing": {
        Args: {
          "p_actor_ids": (string)[];
          "p_actor_types": (string)[];
          "p_contexts": (Json)[];
          "p_device_fingerprints": (string)[];
          "p_durations_ms": (number)[];
          "p_event_types": (string)[];
          "p_ids": (string)[];
          "p_ip_addresses": (unknown)[];
          "p_leaf_hashes": (string)[];
          "p_messages": (string)[];
          "p_object_ids": (string)[];
          "p_object_types": (string)[];
          "p_occurred_ats": (string)[];
          "p_principal": string;
          "p_producer_ids": (string)[];
          "p_producer_seqs": (number)[];
          "p_received_at": string;
          "p_request_ids": (string)[];
          "p_results": (string)[];
          "p_sources": (string)[];
          "p_tenant_ids": (string)[];
          "p_user_agents": (string)[];
        };
        Returns: {
          "device_fingerprint": string;
          "id": string;
          "ip_address": unknown;
          "leaf_hash": string;
          "occurred_at": string;
          "principal": string;
          "received_at": string;
          "tenant_id": string;
          "user_agent": string;
        }[];
      };
      "is_held": { Args: { "p_day": string; "p_tenant_id": string }; Returns: boolean };
      "job_asked": { Args: { "p_job": string; "p_request_id": number }; Returns: undefined };
      "job_ended": { Args: { "p_job": string; "p_problem": string }; Returns: undefined };
      "lease_tokens": {
        Args: {
          "p_balances": (number)[];
          "p_buckets": (string)[];
          "p_burst_seconds": number;
          "p_rates": (number)[];
          "p_tenant_ids": (string)[];
          "p_wanted": (number)[];
        };
        Returns: {
          "granted": number;
          "per_second": number;
          "place": number;
          "tokens_left": number;
        }[];
      };
      "lock_holds": { Args: { "p_tenant_id": string }; Returns: undefined };
      "lock_import": { Args: { "p_from": string; "p_import_id": string }; Returns: string };
      "may_administer": { Args: { "p_tenant_id": string }; Returns: boolean };
      "movable_tiles": {
        Args: { "p_first_tile": number; "p_last_tile": number; "p_limit": number; "p_tenant_id": string };
        Returns: {
          "tile_index": number;
        }[];
      };
      "move_tiles": {
        Args: { "p_day": string; "p_is_last": boolean; "p_lease": string; "p_sha256s": (string)[]; "p_tenant_id": string; "p_tile_indexes": (number)[] };
        Returns: boolean;
      };
      "note_import": { Args: { "p_days": (string)[] }; Returns: undefined };
      "place_hold": {
        Args: {
          "p_actor_id": string;
          "p_from": string;
          "p_id": string;
          "p_object_id": string;
          "p_object_type": string;
          "p_placed_by": string;
          "p_reason": string;
          "p_tenant_id": string;
          "p_to": string;
        };
        Returns: {
          "first_going_day": string;
          "going_days": number;
        }[];
      };
      "plan_archive_day": { Args: { "p_bytes_max": number; "p_day": string; "p_rows_max": number }; Returns: string };
      "record_answers": { Args: Record<PropertyKey, never>; Returns: undefined };
      "record_archive_check": { Args: { "p_day": string; "p_lease": string; "p_part": number; "p_tenant_id": string }; Returns: boolean };
      "record_archive_deleted": { Args: { "p_day": string; "p_lease": string; "p_tenant_id": string }; Returns: boolean };
      "record_archive_file": {
        Args: {
          "p_bytes": number;
          "p_day": string;
          "p_first": number;
          "p_key": string;
          "p_last": number;
          "p_lease": string;
          "p_part": number;
          "p_sha256": string;
          "p_tenant_id": string;
        };
        Returns: boolean;
      };
      "record_archive_manifest": {
        Args: {
          "p_checkpoint_root": string;
          "p_checkpoint_size": number;
          "p_day": string;
          "p_key": string;
          "p_lease": string;
          "p_sha256": string;
          "p_tenant_id": string;
        };
        Returns: boolean;
      };
      "record_bundle": { Args: { "p_name": string }; Returns: undefined };
      "release_hold": { Args: { "p_id": string; "p_reason": string; "p_released_by": string; "p_tenant_id": string }; Returns: boolean };
      "require_durable_commit": { Args: Record<PropertyKey, never>; Returns: undefined };
      "restore_events": {
        Args: {
          "p_actor_ids": (string)[];
          "p_actor_types": (string)[];
          "p_contexts": (Json)[];
          "p_device_fingerprints": (string)[];
          "p_durations_ms": (number)[];
          "p_event_types": (string)[];
          "p_ids": (string)[];
          "p_ip_addresses": (unknown)[];
          "p_leaf_hashes": (string)[];
          "p_log_indexes": (number)[];
          "p_messages": (string)[];
          "p_object_ids": (string)[];
          "p_object_types": (string)[];
          "p_occurred_ats": (string)[];
          "p_principals": (string)[];
          "p_producer_ids": (string)[];
          "p_producer_seqs": (number)[];
          "p_received_ats": (string)[];
          "p_request_ids": (string)[];
          "p_results": (string)[];
          "p_sources": (string)[];
          "p_tenant_id": string;
          "p_user_agents": (string)[];
        };
        Returns: undefined;
      };
      "return_restored_day": { Args: { "p_day": string }; Returns: number };
      "revoke_key": { Args: { "p_id": string; "p_tenant_id": string }; Returns: boolean };
      "run_job": { Args: { "p_job": string }; Returns: undefined };
      "schedule_jobs": { Args: Record<PropertyKey, never>; Returns: number };
      "seal_append": {
        Args: {
          "p_from_seq": number;
          "p_leaf_ids": (string)[];
          "p_leaf_occurred_ats": (string)[];
          "p_leaf_seqs": (number)[];
          "p_tile_hashes": (string)[];
          "p_tile_indexes": (number)[];
          "p_tile_leaves": (number)[];
          "p_tile_levels": (number)[];
          "p_tile_offsets": (number)[];
          "p_tile_tenant_ids": (string)[];
          "p_to_seq": number;
          "p_tree_edges": (string)[];
          "p_tree_new_sizes": (number)[];
          "p_tree_old_sizes": (number)[];
          "p_tree_roots": (string)[];
          "p_tree_tenant_ids": (string)[];
        };
        Returns: undefined;
      };
      "seal_coverage": {
        Args: { "p_from": string; "p_tenant_id": string; "p_to": string };
        Returns: {
          "problems": number;
          "tree_problem": string;
          "unsealed": number;
        }[];
      };
      "seal_open": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "gate_at": string;
          "open_seq": number;
          "outcome": string;
          "sealed_seq": number;
        }[];
      };
      "seal_report": {
        Args: {
          "p_ids": (string)[];
          "p_occurred_ats": (string)[];
          "p_rebuilt": (string)[];
          "p_seqs": (number)[];
          "p_stored": (string)[];
          "p_tenant_ids": (string)[];
          "p_tree_problems": (string)[];
          "p_tree_tenant_ids": (string)[];
        };
        Returns: undefined;
      };
      "seal_sign": {
        Args: {
          "p_notes": (string)[];
          "p_roots": (string)[];
          "p_signed_at": string;
          "p_sizes": (number)[];
          "p_tenant_ids": (string)[];
          "p_verifier_key": string;
        };
        Returns: undefined;
      };
      "seal_trees": {
        Args: { "p_tenant_ids": (string)[] };
        Returns: {
          "edge": string;
          "note": string;
          "problem": string;
          "size": number;
          "tenant_id": string;
          "verifier_key": string;
          "widths": (number)[];
        }[];
      };
      "sealed_leaves": {
        Args: { "p_from": number; "p_limit": number; "p_tenant_id": string };
        Returns: {
          "id": string;
          "leaf_index": number;
          "occurred_at": string;
        }[];
      };
      "set_rate_limits": {
        Args: {
          "p_ingest_per_second": number;
          "p_ingest_per_second_per_caller": number;
          "p_reads_per_second": number;
          "p_reads_per_second_per_caller": number;
          "p_tenant_id": string;
        };
        Returns: undefined;
      };
      "set_retention": {
        Args: { "p_changed_by": string; "p_default_years": number; "p_tenant_id": string; "p_years": number };
        Returns: {
          "archives": number;
          "was_years": number;
        }[];
      };
      "tenant_ids": { Args: Record<PropertyKey, never>; Returns: (string)[] };
      "thin_checkpoints": { Args: { "p_limit": number; "p_since": string }; Returns: number };
      "touch_key": { Args: { "p_id": string; "p_used_at": string }; Returns: undefined };
      "trees_signed_by_others": { Args: { "p_limit": number; "p_verifier_key": string }; Returns: string[] };
      "use_signing_key": { Args: { "p_log_origin": string; "p_verifier_key": string }; Returns: string };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "audit_log">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Insert: infer I;
  } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
    Update: infer U;
  } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"] ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"] ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"] ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "audit_log": {
    Enums: {},
  },
} as const;

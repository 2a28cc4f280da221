import { createHash, randomUUID } from "node:crypto";
import type pg from "pg";

/** One event as `ingest()` takes it; what a test does not name is the same for all. */
export type IngestRow = {
  readonly tenant_id?: string;
  readonly occurred_at?: string;
  readonly id?: string;
  readonly source?: string | null;
  readonly actor_id?: string | null;
  readonly actor_type?: string | null;
  readonly event_type?: string | null;
  readonly object_type?: string | null;
  readonly object_id?: string | null;
  readonly result?: string | null;
  readonly message?: string | null;
  readonly duration_ms?: number | null;
  readonly context?: string | null;
  readonly ip_address?: string | null;
  readonly user_agent?: string | null;
  readonly device_fingerprint?: string | null;
  readonly request_id?: string | null;
  readonly producer_id?: string | null;
  readonly producer_seq?: string | null;
  readonly leaf_hash?: Uint8Array | null;
};

/** What `ingest()` says of an event that it did not insert. */
export type NotInserted = {
  readonly tenant_id: string;
  readonly occurred_at: Date;
  readonly id: string;
  readonly received_at: Date | null;
  readonly principal: string | null;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly device_fingerprint: string | null;
  readonly leaf_hash: Buffer | null;
};

export const tenantA = "123e4567-e89b-12d3-a456-426614174000";
export const tenantB = "98765432-e89b-12d3-a456-426614174000";
export const noon = "2026-03-01T12:00:00.000Z";

export function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A row of its own id, complete enough to be inserted. */
export function newRow(row: IngestRow = {}): IngestRow & { readonly tenant_id: string; readonly occurred_at: string; readonly id: string } {
  return { tenant_id: tenantA, occurred_at: noon, id: randomUUID(), event_type: "order.create", result: "success", leaf_hash: sha256("leaf"), ...row };
}

const columns = [
  "tenant_id",
  "occurred_at",
  "id",
  "source",
  "actor_id",
  "actor_type",
  "event_type",
  "object_type",
  "object_id",
  "result",
  "message",
  "duration_ms",
  "context",
  "ip_address",
  "user_agent",
  "device_fingerprint",
  "request_id",
  "producer_id",
  "producer_seq",
  "leaf_hash",
] as const satisfies readonly (keyof IngestRow)[];

/** Calls `audit_log.ingest()` with whatever role `client` has. */
export async function ingest(
  client: pg.Client,
  rows: readonly IngestRow[],
  stamp: { readonly received_at?: string; readonly principal?: string } = {},
): Promise<readonly NotInserted[]> {
  const places = Array.from({ length: columns.length + 2 }, (_, index) => `$${index + 1}`).join(", ");
  const values = [
    stamp.received_at ?? "2026-03-01T12:00:01.000Z",
    stamp.principal ?? "key:abcdefghijkl",
    ...columns.map((column) => rows.map((row) => row[column] ?? null)),
  ];
  return (await client.query<NotInserted>(`select * from audit_log.ingest(${places})`, values)).rows;
}

// The yardstick: how fast PostgreSQL takes the same rows by COPY into an ordinary table with the same columns, the primary key and both text btrees.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { SampleEvent } from "./sample-events.ts";

const columns = [
  "tenant_id uuid not null",
  "occurred_at timestamptz not null",
  "id uuid not null",
  "seq bigint not null",
  "received_at timestamptz not null",
  "principal text not null",
  "source text",
  "actor_id text",
  "actor_type text",
  "event_type text not null",
  "object_type text",
  "object_id text",
  "result text not null",
  "message text",
  "duration_ms integer",
  "context jsonb",
  "ip_address inet",
  "user_agent text",
  "device_fingerprint text",
  "request_id text",
  "producer_id text",
  "producer_seq bigint",
  "leaf_hash bytea not null",
];

/** Makes the ordinary table `public.<name>`: no partitions, no row-level security, no triggers. */
export async function createPlainTable(admin: pg.Client, name: string): Promise<void> {
  await admin.query(`drop table if exists public.${name}`);
  await admin.query(`create table public.${name} (${columns.join(", ")}, primary key (tenant_id, occurred_at, id))`);
  await admin.query(`create index on public.${name} (tenant_id, object_type, object_id, occurred_at)`);
  await admin.query(`create index on public.${name} (tenant_id, actor_id, occurred_at)`);
}

/** `events` as COPY text format, the seq counted from `firstSeq`; a row holds what our own table would hold for the same event. */
export function copyText(events: readonly SampleEvent[], firstSeq: number): string {
  const receivedAt = new Date().toISOString();
  return events.map((event, index) => {
    const hash = createHash("sha256").update(event.id).digest("hex");
    const context = JSON.stringify(event["context"]);
    const cells = [
      event["tenant_id"],
      event.occurred_at,
      event.id,
      firstSeq + index,
      receivedAt,
      "key:bench00000001",
      event["source"],
      event["actor_id"],
      event["actor_type"],
    ];
    cells.push(event["event_type"], event["object_type"], event["object_id"], event["result"], event["message"], event["duration_ms"], context);
    cells.push(
      event["ip_address"],
      event["user_agent"],
      event["device_fingerprint"],
      event["request_id"],
      event["producer_id"],
      event["producer_seq"],
      `\\x${hash}`,
    );
    return cells.map(cell).join("\t");
  }).join("\n") + "\n";
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return "\\N";
  return String(value).replace(/\\/g, "\\\\").replace(/\t/g, "\\t").replace(/\n/g, "\\n");
}

/**
 * Seconds that two sessions take to COPY `events`, half each, from files the server reads itself: no client work at all, the hardest form of the
 * yardstick. Both commits are durable. The table is made anew before, outside the time.
 */
export async function copyByTwoSessions(adminUrl: string, events: readonly SampleEvent[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "audit-bench-"));
  chmodSync(folder, 0o755);
  const half = Math.ceil(events.length / 2);
  const files = [events.slice(0, half), events.slice(half)].map((part, index) => {
    const file = join(folder, `part-${index}.txt`);
    writeFileSync(file, copyText(part, index * half), { mode: 0o644 });
    return file;
  });
  const sessions = files.map(() => new pg.Client({ connectionString: adminUrl }));
  try {
    await Promise.all(sessions.map((session) => session.connect()));
    await createPlainTable(sessions[0] as pg.Client, "bench_copy");
    await sessions[0]?.query("checkpoint");
    const start = performance.now();
    await Promise.all(sessions.map((session, index) => session.query(`copy public.bench_copy from '${files[index]}'`)));
    return (performance.now() - start) / 1000;
  } finally {
    await Promise.all(sessions.map((session) => session.end()));
    rmSync(folder, { recursive: true, force: true });
  }
}

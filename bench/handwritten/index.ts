// What a team writes by hand on its first day: parse, one multi-row insert, answer. No validation, no hash, no deduplication, no tenancy.
import pg from "pg";

const columns = [
  "tenant_id",
  "occurred_at",
  "id",
  "seq",
  "received_at",
  "principal",
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
  "request_id",
  "leaf_hash",
] as const; // deno-fmt-ignore

const pool = new pg.Pool({ connectionString: Deno.env.toObject()["BENCH_DATABASE_URL"], max: 4 });
const emptyHash = Buffer.alloc(32);
let seq = 0;

export default {
  async fetch(request: Request): Promise<Response> {
    const started = performance.now();
    const { events } = await request.json() as { events: Record<string, unknown>[] };
    const values: unknown[] = [];
    const rows = events.map((event) => {
      const stamped: Record<string, unknown> = { ...event, seq: ++seq, received_at: new Date(), principal: "bench", leaf_hash: emptyHash };
      return `(${columns.map((column) => `$${values.push(stamped[column] ?? null)}`).join(",")})`;
    });
    await pool.query(`insert into public.bench_handwritten (${columns.join(",")}) values ${rows.join(",")}`, values);
    return Response.json({ created_count: events.length, timing: { total_ms: performance.now() - started } }, { status: 201 });
  },
};

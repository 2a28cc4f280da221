// Room that an event takes in Postgres: posted through the door as in life, so that its indexes grew as they do there, then sealed.
import { measureIngest } from "./ingest-http.ts";
import { measureSealing } from "./integrity.ts";
import type { BenchReport } from "./report.ts";
import { type BenchDatabase, startSystem, withClient } from "./system.ts";

// With their parts beside the table: TOAST, maps. WAL is not in it: it is the server's, and goes with its backups.
const sizes = `
  select (select count(*) from audit_log.events)::int as events,
    (select sum(pg_table_size(relid)) from pg_partition_tree('audit_log.events'))::float8 as rows_bytes,
    (select sum(pg_indexes_size(relid)) from pg_partition_tree('audit_log.events'))::float8 as indexes_bytes,
    (select sum(pg_total_relation_size(format('audit_log.%I', name)::regclass))
      from unnest(array['tiles', 'tree_state', 'checkpoints']) as name)::float8 as tree_bytes`;

type Sizes = { readonly events: number; readonly rows_bytes: number; readonly indexes_bytes: number; readonly tree_bytes: number };

/** Events of 600 bytes of JSON of one tenant and day, in batches of 1000. */
export async function benchStorage({ quick }: { readonly quick: boolean }): Promise<BenchReport> {
  const system = await startSystem();
  try {
    const database = await system.freshDatabase();
    const empty = await sizesOf(database);
    await measureIngest(system, database, { name: "storage", clients: 4, batch: 1000, size: 600, events: quick ? 60_000 : 1_000_000 }, 1);
    await measureSealing(system, database);
    const full = await sizesOf(database);
    const each = (part: "rows_bytes" | "indexes_bytes" | "tree_bytes") => (full[part] - empty[part]) / full.events;
    const whole = each("rows_bytes") + each("indexes_bytes") + each("tree_bytes");
    return {
      keys: { "storage.bytes_per_event": whole },
      rows: [
        { name: "row", unit: "bytes/event", median: each("rows_bytes") },
        { name: "its four indexes", unit: "bytes/event", median: each("indexes_bytes") },
        { name: "its place in the tree", unit: "bytes/event", median: each("tree_bytes") },
        { name: "a million events", unit: "MB", median: whole },
      ],
    };
  } finally {
    await system.stop();
  }
}

async function sizesOf(database: BenchDatabase): Promise<Sizes> {
  await withClient(database.adminUrl, (admin) => admin.query("vacuum (analyze)"));
  const { rows } = await withClient(database.adminUrl, (admin) => admin.query<Sizes>(sizes));
  return rows[0] as Sizes;
}

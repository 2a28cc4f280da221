/** One way to tamper through SQL. `sql` returns the id of the event that must be named first, where one can be. */
export type DatabaseKind = {
  readonly name: string;
  readonly sql: string;
  readonly finding: string;
  readonly column?: string;
  /** Only a checkpoint kept outside the database shows it. */
  readonly needsKept?: boolean;
};

const bigTenant = "'123e4567-e89b-12d3-a456-426614174000'";

/** Sets `column` of one event, chosen at random among those that `where` holds for. */
function change(name: string, set: string, options: { readonly where?: string; readonly column?: string } = {}): DatabaseKind {
  const target = `select tenant_id, occurred_at, id from audit_log.events where ${options.where ?? "true"} order by random() limit 1`;
  const sql = `with target as (${target}) update audit_log.events e set ${set} from target t
    where (e.tenant_id, e.occurred_at, e.id) = (t.tenant_id, t.occurred_at, t.id) returning t.id`;
  return { name, sql, finding: "event_changed", ...(options.column === undefined ? {} : { column: options.column }) };
}

/** Sets a column of one checkpoint, chosen at random, beside its signed note. */
function checkpointRow(column: string, set: string): DatabaseKind {
  const sql = `with target as (select tenant_id, note from audit_log.checkpoints order by random() limit 1)
    update audit_log.checkpoints k set ${set} from target t where (k.tenant_id, k.note) = (t.tenant_id, t.note)`;
  return { name: `a checkpoint's ${column} beside its note`, sql, finding: "checkpoint_changed" };
}

const columnKinds = [
  change("received_at", "received_at = received_at + interval '7 milliseconds'", { column: "received_at" }),
  change("received_at by a microsecond", "received_at = received_at + interval '1 microsecond'", { column: "received_at" }),
  change("principal", "principal = 'user:somebody-else'"),
  change("source", "source = 'forged'", { where: "source is null", column: "source" }),
  change("actor_id", "actor_id = 'somebody-else'"),
  change("actor_type", "actor_type = 'robot'"),
  change("event_type", "event_type = 'nothing.happened'"),
  change("object_type", "object_type = null", { where: "object_type is not null", column: "object_type" }),
  change("object_id", "object_id = 'another'"),
  change("result", "result = case when result = 'success' then 'failure' else 'success' end", { column: "result" }),
  change("message", "message = 'forged'"),
  change("duration_ms", "duration_ms = duration_ms - 1", { where: "duration_ms > 0", column: "duration_ms" }),
  change("context: a member added", `context = context || '{"forged": true}'`, { where: "context is not null", column: "context" }),
  change("context: null for nothing", "context = 'null'", { where: "context is null", column: "context" }),
  change("ip_address", "ip_address = '203.0.113.9'", { where: "ip_address is null", column: "ip_address" }),
  change("ip_address with a mask", "ip_address = set_masklen(ip_address, 24)", { where: "family(ip_address) = 4" }),
  change("user_agent", "user_agent = 'curl'"),
  change("device_fingerprint", "device_fingerprint = '0'"),
  change("request_id", "request_id = 'req-0'"),
  change("producer_id", "producer_id = 'node-x'"),
  change("producer_seq", "producer_seq = producer_seq - 1", { where: "producer_seq is not null", column: "producer_seq" }),
  change("leaf_hash", "leaf_hash = sha256(leaf_hash)", { column: "leaf_hash" }),
  change("occurred_at", "occurred_at = e.occurred_at + interval '1 millisecond'", { column: "occurred_at" }),
  change("tenant_id", "tenant_id = '00000000-0000-4000-8000-0000000000bb'", { column: "tenant_id" }),
  change("seq", "seq = seq + 10000", { column: "seq" }),
];

/** Rows removed, added, exchanged. */
const rowKinds: readonly DatabaseKind[] = [
  {
    name: "two contexts swapped",
    sql: `with two as (
        select tenant_id, occurred_at, id, seq, lead(context) over w as next, lag(context) over w as previous
        from (select * from audit_log.events where context is not null and context <> '{}' order by random() limit 2) as chosen window w as (order by seq)
      ), swapped as (
        update audit_log.events e set context = coalesce(t.next, t.previous) from two t
        where (e.tenant_id, e.occurred_at, e.id) = (t.tenant_id, t.occurred_at, t.id) returning t.seq, t.id
      )
      select id from swapped order by seq`,
    finding: "event_changed",
  },
  {
    name: "first event deleted",
    sql: `delete from audit_log.events where seq = (select min(seq) from audit_log.events where tenant_id = ${bigTenant}) returning id`,
    finding: "event_missing",
  },
  {
    name: "last event deleted",
    sql: `delete from audit_log.events where seq = (select max(seq) from audit_log.events where tenant_id = ${bigTenant}) returning id`,
    finding: "event_missing",
  },
  {
    name: "a range of events deleted",
    sql: `with gone as (delete from audit_log.events where seq between 100 and 120 returning seq, id) select id from gone order by seq limit 1`,
    finding: "event_missing",
  },
  { name: "every event deleted", sql: "truncate audit_log.events", finding: "event_missing" },
  {
    name: "a forged row slipped in",
    sql: `insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, event_type, result, leaf_hash)
      select tenant_id, occurred_at, gen_random_uuid(), seq, received_at, principal, 'forged', 'success', leaf_hash from audit_log.events
      order by random() limit 1 returning id`,
    finding: "event_added",
  },
  {
    // The true event is written anew, so that it lies behind the forged one and comes after it where both have one seq.
    name: "a forged row slipped in before the event whose seq it has",
    sql:
      `create temp table forged as select tenant_id, occurred_at, id as true_id, gen_random_uuid() as id, seq from audit_log.events order by random() limit 1;
      insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, event_type, result, leaf_hash)
        select tenant_id, occurred_at, id, seq, occurred_at, 'key:forged', 'forged', 'success', sha256('') from forged;
      update audit_log.events as e set result = e.result from forged as f where (e.tenant_id, e.occurred_at, e.id) = (f.tenant_id, f.occurred_at, f.true_id);
      select id from forged`,
    finding: "event_added",
  },
  {
    name: "an event hidden from readers by a deletion that nobody made",
    sql: `insert into audit_log.deletions (tenant_id, occurred_at, id, reason, deleted_by) select tenant_id, occurred_at, id, 'forged', 'user:somebody'
      from audit_log.events order by random() limit 1 returning id`,
    finding: "event_hidden",
  },
  {
    name: "a row doubled a millisecond later",
    sql: `insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, event_type, result, leaf_hash)
      select tenant_id, occurred_at + interval '1 millisecond', id, seq, received_at, principal, event_type, result, leaf_hash from audit_log.events
      order by random() limit 1 returning id`,
    finding: "event_added",
  },
];

/** Trees, tiles and checkpoints. */
const treeKinds: readonly DatabaseKind[] = [
  {
    name: "bytes of a tile",
    sql: `update audit_log.tiles set hashes = set_byte(hashes, 40, (get_byte(hashes, 40) + 1) % 256)
      where level = 0 and tile_index = 0 and tenant_id = ${bigTenant} returning ids[2] as id`,
    finding: "tile_changed",
  },
  { name: "bytes of an upper tile", sql: "update audit_log.tiles set hashes = sha256(hashes) where level = 1", finding: "tile_changed" },
  { name: "a tile deleted", sql: `delete from audit_log.tiles where level = 0 and tile_index = 0 and tenant_id = ${bigTenant}`, finding: "tile_changed" },
  { name: "tree state: size", sql: `update audit_log.tree_state set size = size - 1 where tenant_id = ${bigTenant}`, finding: "tree_changed" },
  { name: "tree state: root", sql: `update audit_log.tree_state set root = sha256(root) where tenant_id = ${bigTenant}`, finding: "tree_changed" },
  { name: "tree state deleted", sql: `delete from audit_log.tree_state where tenant_id = ${bigTenant}`, finding: "tree_changed" },
  {
    name: "a checkpoint's note",
    sql: `update audit_log.checkpoints set note = replace(note, '/123e', '/123f') where tenant_id = ${bigTenant}`,
    finding: "checkpoint_invalid",
  },
  checkpointRow("size", "size = size + 1"),
  checkpointRow("root", "root = sha256(root)"),
  checkpointRow("signed_at", "signed_at = k.signed_at + (random() < 0.5)::integer * interval '1 hour' + interval '1 microsecond'"),
  {
    name: "a checkpoint's verifier_key beside its note",
    sql: `with other as (insert into audit_log.signing_keys (verifier_key, log_origin) values ('log.example/audit+00000000+other', 'log.example/audit')
        returning verifier_key)
      update audit_log.checkpoints k set verifier_key = other.verifier_key from other
      where (k.tenant_id, k.note) = (select tenant_id, note from audit_log.checkpoints order by random() limit 1)`,
    finding: "checkpoint_changed",
  },
  {
    name: "newest checkpoint deleted",
    sql:
      `delete from audit_log.checkpoints where tenant_id = ${bigTenant} and size = (select max(size) from audit_log.checkpoints where tenant_id = ${bigTenant})`,
    finding: "tree_changed",
  },
  {
    name: "every trace of one tenant deleted",
    sql: ["events", "tiles", "tree_state", "checkpoints"].map((table) => `delete from audit_log.${table} where tenant_id = ${bigTenant}`).join("; "),
    finding: "rolled_back",
    needsKept: true,
  },
];

export const databaseKinds: readonly DatabaseKind[] = [...columnKinds, ...rowKinds, ...treeKinds];

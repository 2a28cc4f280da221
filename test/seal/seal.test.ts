import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../core/format/checkpoint.ts";
import { sameBytes, treeRoot } from "../../core/format/merkle.ts";
import { checkDatabase } from "../support/check-log.ts";
import { eventRow, randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

const tenants = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"] as const;

describe("seal()", () => {
  let log: TestLog;
  beforeEach(async () => void (log = await openLog()));
  afterEach(() => log.close());
  const ingest = async (seed: number, count: number, tenantIds: readonly string[] = tenants) => {
    const events = randomEvents(randomFrom(seed), count, { tenantIds });
    await log.ingest(events);
    return events;
  };
  /** As a superuser for whom no trigger stands in the way. */
  const tamper = async (sql: string) => {
    const { rows } = await log.admin.query(
      "select c.oid::regclass::text as name from pg_class c where relnamespace = 'audit_log'::regnamespace and relkind in ('r', 'p')",
    );
    for (const { name } of rows) await log.admin.query(`alter table ${name} disable trigger all`);
    await log.admin.query(sql);
    for (const { name } of rows) await log.admin.query(`alter table ${name} enable trigger all`);
  };

  it("appends what is committed, tenant by tenant in the order of insertion, and signs the new tree", async () => {
    const events = await ingest(1, 1200);
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 1200, checkpoints: 2, problems: 0, tree_problems: 0 });
    for (const tenantId of tenants) {
      const leaves = events.filter((event) => event.tenant_id === tenantId).map((event) => Buffer.from(eventRow(event).leafHash, "hex"));
      const { rows: [checkpoint] } = await log.admin.query("select size, root, note from audit_log.checkpoints where tenant_id = $1", [tenantId]);
      const opened = await openCheckpoint(checkpoint.note, firstKey.signer);
      expect(opened).toMatchObject({ origin: `${logOrigin}/${tenantId}`, size: leaves.length });
      expect(sameBytes(opened.root, treeRoot(sha256, leaves))).toBe(true);
    }
    expect(await log.seal()).toEqual({ status: "done", turns: 1, sealed: 0, checkpoints: 0, problems: 0, tree_problems: 0 });
  });

  it("does bounded work a turn, and ends a call whose time is over with more to do", async () => {
    await ingest(2, 250);
    let first = await log.seal({}, { rowsPerTurn: 100, budgetMs: 0 });
    // Another test's transaction may keep the gate shut.
    while (first.sealed === 0) first = await log.seal({}, { rowsPerTurn: 100, budgetMs: 0 });
    expect(first).toMatchObject({ status: "out_of_time", turns: 1, sealed: 100 });
    expect(await log.seal({}, { rowsPerTurn: 100 })).toMatchObject({ status: "done", turns: 2, sealed: 150 });
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 250, unsealed: 0 });
  });

  it("signs no tree earlier than a smaller one, when its clock was ahead and was put right", async () => {
    const ahead = new Date(Date.now() + 3_600_000);
    await ingest(8, 30);
    await log.seal({ now: () => ahead });
    // Within one call and in another; a tenant of its own keeps the time of the others.
    await ingest(9, 30, tenants.slice(0, 1));
    await log.seal({}, { rowsPerTurn: 10 });
    await ingest(10, 30);
    await log.seal({ now: () => new Date(ahead.getTime() + 60_000) });
    const { rows } = await log.admin.query("select size, signed_at from audit_log.checkpoints where tenant_id = $1 order by size", [tenants[0]]);
    const times = rows.map((row) => Math.round((Date.parse(row.signed_at) - ahead.getTime()) / 1000));
    expect(times).toHaveLength(5);
    expect(times.slice(0, -1).every((seconds) => Math.abs(seconds) <= 1)).toBe(true);
    expect(Math.abs((times.at(-1) ?? 0) - 60)).toBeLessThanOrEqual(1);
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 90 });
  });

  it("signs a tree at its own time, beside one that a clock that was ahead has signed", async () => {
    const ahead = new Date(Date.now() + 86_400_000);
    await ingest(11, 20, tenants.slice(0, 1));
    await log.seal({ now: () => ahead });
    await ingest(12, 40);
    expect(await log.seal()).toMatchObject({ checkpoints: 2 });
    const { rows } = await log.admin.query("select tenant_id, max(signed_at) as signed_at from audit_log.checkpoints group by 1");
    const hoursAhead = tenants.map((tenantId) => (rows.find((row) => row.tenant_id === tenantId).signed_at - Date.now()) / 3_600_000);
    expect(hoursAhead[0]).toBeGreaterThan(20);
    expect(hoursAhead[1]).toBeLessThan(1);
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 60 });
  });

  it("reports a row that no longer rebuilds its leaf hash, once, and seals the others", async () => {
    const events = await ingest(3, 60);
    await tamper(`update audit_log.events set message = 'forged' where id = '${events[20]?.id}'`);
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 59, problems: 1 });
    const { rows } = await log.admin.query("select id from audit_log.seal_problems");
    expect(rows).toEqual([{ id: events[20]?.id }]);
    await ingest(4, 5);
    expect(await log.seal()).toMatchObject({ sealed: 5, problems: 0 });
    const report = await checkDatabase(log.database.adminUrl);
    expect(report).toMatchObject({ sound: false, finding_count: 1, first_bad_event: { kind: "event_differs_unsealed", id: events[20]?.id } });
  });

  it.each([
    ["a number too large for any leaf", `context = '{"a": 1e400}'`],
    ["a microsecond", "received_at = received_at + interval '1 microsecond'"],
    ["an IPv4-mapped address", "ip_address = '::ffff:192.0.2.7'"],
    ["a time beyond all times", "received_at = 'infinity'"],
  ])("reports a row that holds what no door lets in, and goes on: %s", async (_, change) => {
    const events = await ingest(5, 20);
    await tamper(`update audit_log.events set ${change} where id = '${events[3]?.id}'`);
    expect(await log.seal()).toMatchObject({ sealed: 19, problems: 1 });
  });

  it.each([
    ["the recorded root and edge", `update audit_log.tree_state set edge = sha256(edge) || substring(edge from 33) where tenant_id = '${tenants[0]}'`],
    ["the recorded size", `update audit_log.tree_state set size = size + 256 where tenant_id = '${tenants[0]}'`],
    ["the tree's record", `delete from audit_log.tree_state where tenant_id = '${tenants[0]}'`],
    ["the last tile", `delete from audit_log.tiles where tenant_id = '${tenants[0]}'`],
    ["the checkpoints", `delete from audit_log.checkpoints where tenant_id = '${tenants[0]}'`],
    ["a checkpoint's text", `update audit_log.checkpoints set note = replace(note, E'\\n', E'\\n1') where tenant_id = '${tenants[0]}'`],
  ])("does not sign over a change of %s: that tenant's tree is left alone, the others grow", async (_, sql) => {
    await ingest(6, 40);
    await log.seal();
    await tamper(sql);
    const before = await log.admin.query("select count(*) from audit_log.checkpoints where tenant_id = $1", [tenants[0]]);
    const more = await ingest(7, 40);
    const others = more.filter((event) => event.tenant_id === tenants[1]).length;
    expect(await log.seal()).toMatchObject({ sealed: others, tree_problems: 1 });
    expect(await log.seal()).toMatchObject({ sealed: 0, tree_problems: 0 });
    const after = await log.admin.query("select count(*) from audit_log.checkpoints where tenant_id = $1", [tenants[0]]);
    expect(after.rows).toEqual(before.rows);
    const report = await checkDatabase(log.database.adminUrl);
    expect(report.findings.map((finding) => finding.tenant_id)).toContain(tenants[0]);
    expect(report.findings.map((finding) => finding.tenant_id)).not.toContain(tenants[1]);
  });

  it("waits for a transaction that has drawn its numbers and not committed, says so, and then seals it in its place", async () => {
    const slow = new pg.Client({ connectionString: log.database.adminUrl });
    await slow.connect();
    await slow.query("begin; select pg_current_xact_id(); select nextval('audit_log.event_seq')");
    await ingest(8, 10);
    const waiting = await log.seal({}, { waitMs: 40 });
    expect(waiting).toMatchObject({ status: "waiting", sealed: 0 });
    expect(waiting.gate_at).toMatch(/^20/);
    await slow.query("rollback");
    await slow.end();
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 10 });
  });

  it("goes on after a restore into another cluster, where the gate's xid lies in the future", async () => {
    await ingest(9, 10);
    await log.admin.query("update audit_log.sealer set gate_seq = 3, gate_xid = '999999999999', gate_at = now()");
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 10 });
  });

  it("refuses to seal, and says so, where the sequence of events was not brought along with them", async () => {
    await ingest(11, 20);
    await log.seal();
    await log.admin.query("select setval('audit_log.event_seq', 1, false)");
    await expect(log.seal()).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringMatching(/event_seq: stands at 0, but events up to \d+ were sealed/),
    });
    // Either way of setting it is right: to the last number, or to the next.
    const { rows: [{ open_seq: openSeq }] } = await log.admin.query("select open_seq::int from audit_log.sealer");
    await log.admin.query(`alter sequence audit_log.event_seq restart with ${openSeq}`);
    await expect(log.seal()).rejects.toMatchObject({ code: "conflict" });
    for (const set of [`alter sequence audit_log.event_seq restart with ${openSeq + 1}`, `select setval('audit_log.event_seq', ${openSeq})`]) {
      await log.admin.query(set);
      expect(await log.seal()).toMatchObject({ status: "done", sealed: 0 });
    }
    await ingest(12, 20);
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 20 });
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 40 });
  });

  it("does nothing while another sealer is at work", async () => {
    await ingest(10, 10);
    const other = new pg.Client({ connectionString: log.database.adminUrl });
    await other.connect();
    await other.query("begin; select audit_log.seal_open()");
    expect(await log.seal()).toMatchObject({ status: "busy", sealed: 0 });
    await other.query("rollback");
    await other.end();
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 10 });
  });

  it("begins a new log beside another sealer that begins it with the same key", async () => {
    await ingest(13, 10);
    const other = new pg.Client({ connectionString: log.database.adminUrl });
    await other.connect();
    await other.query("begin");
    await other.query("select audit_log.use_signing_key($1, $2)", [firstKey.verifierKey, logOrigin]);
    const sealed = log.seal();
    const waiting = "select from pg_locks where not granted and relation = 'audit_log.signing_keys'::regclass" +
      " and database = (select oid from pg_database where datname = current_database())";
    await expect.poll(async () => (await log.admin.query(waiting)).rowCount).toBe(1);
    await other.query("commit");
    await other.end();
    expect(await sealed).toMatchObject({ status: "done", sealed: 10 });
  });

  it("refuses a transaction in which its gate would be none", async () => {
    const session = (sql: string) => log.admin.query(sql).finally(() => log.admin.query("rollback"));
    await expect(session("begin; select pg_current_xact_id(); select audit_log.seal_open()")).rejects.toThrow("has written before");
    await expect(session("begin isolation level repeatable read; select audit_log.seal_open()")).rejects.toThrow("isolation level is repeatable read");
  });
});

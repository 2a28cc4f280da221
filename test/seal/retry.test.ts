import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { retryTree } from "../../core/seal-retry.ts";
import { createSealHandler } from "../../core/seal-handler.ts";
import type { SealBounds } from "../../core/sealer.ts";
import { checkDatabase } from "../support/check-log.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { openLog, sealBounds, type TestLog } from "../support/sealed-log.ts";

const stuck = "123e4567-e89b-12d3-a456-426614174000";
const other = "00000000-0000-4000-8000-0000000000aa";

describe("retryTree()", () => {
  let log: TestLog;
  beforeEach(async () => void (log = await openLog()));
  afterEach(() => log.close());
  const retry = (bounds: Partial<SealBounds> = {}, tenantId = stuck) => retryTree(log.dependencies, { ...sealBounds, ...bounds }, tenantId);
  const ingest = async (seed: number, count: number, tenantIds: readonly string[] = [stuck, other]) => {
    const events = randomEvents(randomFrom(seed), count, { tenantIds });
    await log.ingest(events);
    return events;
  };
  /** As a superuser for whom no trigger stands in the way. */
  const asSuperuser = (sql: string) =>
    log.admin.query(`begin; set local session_replication_role = replica; ${alwaysTriggers("disable")}; ${sql}; ${alwaysTriggers("enable always")}; commit`);
  const alwaysTriggers = (verb: string) =>
    ["tree_state", "tiles"].map((table) => `alter table audit_log.${table} ${verb} trigger tree_refuses_rewriting`).join("; ");
  const problems = async () => (await log.admin.query("select tenant_id from audit_log.tree_problems")).rows.map((row) => row.tenant_id);
  const sizeOf = async (tenantId: string) =>
    Number((await log.admin.query("select size from audit_log.tree_state where tenant_id = $1", [tenantId])).rows[0].size);

  /** Each breaks the stuck tenant's tree and keeps aside what it takes to put it right again. */
  const causes = [
    [
      "an edge without the signed root",
      `create table public.kept as select * from audit_log.tree_state where tenant_id = '${stuck}';
       update audit_log.tree_state set edge = sha256(edge) || substring(edge from 33) where tenant_id = '${stuck}'`,
      `update audit_log.tree_state as s set edge = kept.edge from public.kept where s.tenant_id = kept.tenant_id`,
    ],
    [
      "a tree that is gone",
      `create table public.kept as select * from audit_log.tree_state where tenant_id = '${stuck}'; delete from audit_log.tree_state where tenant_id = '${stuck}'`,
      "insert into audit_log.tree_state select * from public.kept",
    ],
    [
      "a last tile that is gone",
      `create table public.kept as select * from audit_log.tiles where tenant_id = '${stuck}'; delete from audit_log.tiles where tenant_id = '${stuck}'`,
      "insert into audit_log.tiles select * from public.kept",
    ],
  ] as const;

  it.each(causes)("refuses %s; once that is put right it seals what was passed over, and the log is sound and grows", async (_, breakIt, putRight) => {
    await ingest(1, 300);
    await log.seal();
    const before = await sizeOf(stuck);
    await asSuperuser(breakIt);
    const meanwhile = (await ingest(2, 60)).filter((event) => event.tenant_id === stuck).length;
    expect(await log.seal()).toMatchObject({ sealed: 60 - meanwhile, tree_problems: 1 });

    const refused = await retry();
    expect(refused).toMatchObject({ status: "differs", sealed: 0 });
    expect(refused.problem).toBeTypeOf("string");
    expect(await problems()).toEqual([stuck]);

    await asSuperuser(putRight);
    await ingest(3, 10, [other]);
    await log.seal();
    // In turns of seven: what was passed over outlasts one.
    expect(await retry({ rowsPerTurn: 7 })).toEqual({ status: "ended", sealed: meanwhile, problems: 0 });
    expect(await problems()).toEqual([]);
    expect(await sizeOf(stuck)).toBe(before + meanwhile);
    const { rows: [ended] } = await log.admin.query("select tenant_id, size, ended_at > found_at as is_later from audit_log.ended_tree_problems");
    expect(ended).toMatchObject({ tenant_id: stuck, is_later: true });
    expect(Number(ended.size)).toBe(before + meanwhile);
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 370, unsealed: 0, finding_count: 0 });

    await ingest(4, 20);
    expect(await log.seal()).toMatchObject({ sealed: 20, tree_problems: 0 });
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 390, unsealed: 0 });
    expect(await retry()).toEqual({ status: "no_problem", sealed: 0, problems: 0 });
  });

  it("goes on where it was when its time is over, and the tenant stays out until the last event", async () => {
    await ingest(1, 30, [stuck]);
    await log.seal();
    await asSuperuser(causes[0][1]);
    await ingest(2, 20, [stuck]);
    await log.seal();
    await asSuperuser(causes[0][2]);
    expect(await retry({ rowsPerTurn: 8, budgetMs: 0 })).toEqual({ status: "out_of_time", sealed: 8, problems: 0 });
    expect(await problems()).toEqual([stuck]);
    await ingest(3, 5, [stuck]);
    expect(await log.seal()).toMatchObject({ sealed: 0 });
    expect(await retry({ rowsPerTurn: 8 })).toEqual({ status: "ended", sealed: 17, problems: 0 });
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 55, unsealed: 0 });
  });

  it("refuses a full last tile that was removed: its events would be sealed a second time", async () => {
    await ingest(1, 256, [stuck]);
    await log.seal();
    await asSuperuser(
      `${causes[0][1]}; create table public.tile as select * from audit_log.tiles where level = 0; delete from audit_log.tiles where level = 0`,
    );
    await ingest(2, 5, [stuck]);
    expect(await log.seal()).toMatchObject({ sealed: 0, tree_problems: 1 });
    await asSuperuser(causes[0][2]);
    expect(await retry()).toMatchObject({ status: "differs", problem: "the last full tile of level 0 is missing" });
    expect(await sizeOf(stuck)).toBe(256);
    await asSuperuser("insert into audit_log.tiles select * from public.tile");
    expect(await retry()).toEqual({ status: "ended", sealed: 5, problems: 0 });
    expect(await checkDatabase(log.database.adminUrl)).toMatchObject({ sound: true, events: 261, unsealed: 0 });
  });

  it("does not seal an event that was changed while it waited, and leaves it on record", async () => {
    await ingest(1, 10, [stuck]);
    await log.seal();
    await asSuperuser(causes[0][1]);
    const waiting = await ingest(2, 10, [stuck]);
    await log.seal();
    await asSuperuser(`${causes[0][2]}; alter table audit_log.events disable trigger all`);
    const { rows: [{ partition }] } = await log.admin.query("select tableoid::regclass::text as partition from audit_log.events where id = $1", [
      waiting[4]?.id,
    ]);
    await log.admin.query(`alter table ${partition} disable trigger all; update ${partition} set message = 'forged' where id = '${waiting[4]?.id}'`);
    expect(await retry()).toEqual({ status: "ended", sealed: 9, problems: 1 });
    const report = await checkDatabase(log.database.adminUrl);
    expect(report).toMatchObject({ sound: false, finding_count: 1, first_bad_event: { kind: "event_differs_unsealed", id: waiting[4]?.id } });
  });

  it("is the only way: the problem cannot be deleted, nor ended while tree and checkpoint differ", async () => {
    await ingest(1, 10, [stuck]);
    await log.seal();
    await asSuperuser(`update audit_log.tree_state set root = sha256(root) where tenant_id = '${stuck}'`);
    await log.admin.query("insert into audit_log.tree_problems (tenant_id, problem) values ($1, 'for this test')", [stuck]);
    await expect(log.admin.query("delete from audit_log.tree_problems")).rejects.toThrow("append-only");
    await expect(log.admin.query("select audit_log.end_tree_problem($1)", [stuck])).rejects.toThrow("not what its last checkpoint states");
    expect(await problems()).toEqual([stuck]);
  });

  it("waits for its turn like any sealer", async () => {
    const sealing = new pg.Client({ connectionString: log.database.adminUrl });
    await sealing.connect();
    await sealing.query("begin; select audit_log.seal_open()");
    expect(await retry()).toMatchObject({ status: "busy" });
    await expect(log.admin.query("select audit_log.end_tree_problem($1)", [stuck])).rejects.toThrow("a sealer is at work");
    await sealing.end();
  });

  it("is asked for by ?retry= with a secret key, and by nobody else", async () => {
    const ask = async (kind: "secret" | "key", query: string) => {
      const handler = createSealHandler({
        ...log.dependencies,
        bounds: sealBounds,
        authenticate: () => Promise.resolve({ kind } as never),
        log: () => {},
        randomBytes: (length) => new Uint8Array(length),
      });
      const answer = await handler(new Request(`http://localhost/audit-sealer?${query}`, { method: "POST" }));
      return { http: answer.status, ...await answer.json() };
    };
    expect(await ask("secret", `retry=${stuck.toUpperCase()}`)).toMatchObject({ http: 200, status: "no_problem" });
    expect(await ask("secret", "retry=x'--")).toMatchObject({ http: 400 });
    expect((await ask("key", `retry=${stuck}`)).http).toBe(403);
  });
});

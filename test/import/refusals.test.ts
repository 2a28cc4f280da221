import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { runCommand } from "../command/run-command.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const otherTenantId = "00000000-0000-4000-8000-0000000000aa";
const day = (n: number) => `2024-05-0${n}`;
const line = (fields: Record<string, unknown>) => JSON.stringify({ event_type: "order.paid", ...fields });

describe("npm run audit -- import", () => {
  let log: TestLog;
  const folder = mkdtempSync(join(tmpdir(), "audit-import-"));
  let files = 0;
  const file = (lines: readonly string[], ending = "ndjson") => {
    const path = join(folder, `old-${++files}.${ending}`);
    writeFileSync(path, lines.join("\n"));
    return path;
  };
  const run = async (source: string, ...args: readonly string[]) => {
    const ran = await runCommand(["import", source, "--database", log.database.url, "--json", ...args]);
    return { ...ran, report: ran.out === "" ? undefined : JSON.parse(ran.out) };
  };
  const stored = async () => (await log.admin.query("select count(*)::int as n from audit_log.events where event_type <> 'audit.events.imported'")).rows[0].n;

  beforeAll(async () => {
    log = await openLog();
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await log.admin.query("drop role if exists import_stranger");
    await log.close();
  });

  it("stores what is an event, and names the line of what is not, with the reason", async () => {
    const good = line({ timestamp: `${day(1)}T00:00:00Z` });
    const source = file([
      good,
      '{"event_type": ',
      line({ timestamp: "yesterday" }),
      line({ timestamp: `${day(1)}T00:00:01Z`, actor_id: "a".repeat(300) }),
      "[]",
      line({}),
    ]);
    const refused = join(folder, "refused.ndjson");
    const { status, report } = await run(source, "--tenant", tenantId, "--refused", refused);
    expect(status).toBe(1);
    expect(report).toMatchObject({ status: "imported", counts: { created: 1, refused: 5 } });
    expect(report.refused.map(({ place, errors }: { place: string; errors: { pointer: string }[] }) => [place, errors[0]?.pointer])).toEqual([
      ["line 2", ""],
      ["line 3", "/occurred_at"],
      ["line 4", "/actor_id"],
      ["line 5", ""],
      ["line 6", "/occurred_at"],
    ]);
    expect(readFileSync(refused, "utf8").trim().split("\n").map((text) => JSON.parse(text).place)).toHaveLength(5);
    // What could not be told a time is not said to have happened now.
    expect((await log.admin.query("select 1 from audit_log.events where event_type = 'order.paid' and occurred_at > '2024-06-01'")).rowCount).toBe(0);
  });

  it("names broken records of CSV by the line they begin in", async () => {
    const source = file(
      ["timestamp,event_type,message", `${day(1)}T01:00:00Z,a.b,"two\nlines"`, `${day(1)}T01:00:01Z,a.b`, `${day(1)}T01:00:02Z,a.b,x"y`],
      "csv",
    );
    const { status, report } = await run(source, "--tenant", tenantId);
    expect(status).toBe(1);
    expect(report.counts).toMatchObject({ created: 1, refused: 2 });
    expect(report.refused.map(({ place }: { place: string }) => place)).toEqual(["line 4", "line 5"]);
  });

  it("refuses records of another tenant than the one that it is for, and takes its own", async () => {
    const records = [line({ tenant_id: tenantId, timestamp: `${day(2)}T00:00:00Z` }), line({ tenant_id: otherTenantId, timestamp: `${day(2)}T00:00:00Z` })];
    const { status, report } = await run(file(records), "--tenant", tenantId);
    expect(status).toBe(1);
    expect(report.counts).toMatchObject({ created: 1, refused: 1, tenants: { [tenantId]: 1 } });
    expect(report.refused).toMatchObject([{ place: "line 2", errors: [{ code: "tenant_forbidden" }] }]);
    const both = await run(file(records.toReversed()));
    expect(both.report.counts).toMatchObject({ created: 1, duplicate: 1, refused: 0, tenants: { [otherTenantId]: 1 } });
  });

  it("has the database refuse another tenant too, and whoever is no job", async () => {
    const call = async (role: string, sql: string) => {
      await log.admin.query(`begin; set local role ${role}`);
      const outcome = await log.admin.query(sql).then(() => "done", (fault: { message: string }) => fault.message);
      await log.admin.query("rollback");
      return outcome;
    };
    const id = "00000000-0000-8000-8000-000000000001";
    const begin = `select audit_log.begin_import('${id}', '${tenantId}', 'test', 'ndjson', false)`;
    for (const role of ["audit_ingest", "authenticated", "service_role", "anon"]) expect(await call(role, begin)).toContain("permission denied");
    expect(await call("audit_job", begin)).toBe("done");
    const none = "array[null]::text[]";
    const insert = (tenant: string) =>
      `${begin}; select audit_log.import_events('${id}', null, now(), array['${tenant}']::uuid[], array['${day(2)}T12:00Z']::timestamptz[],
      array['${id}']::uuid[], ${none}, ${none}, ${none}, array['a'], ${none}, ${none}, array['success'], ${none}, array[null]::int[], array[null]::jsonb[], array[null]::inet[],
      ${none}, ${none}, ${none}, ${none}, array[null]::bigint[], array[sha256('')])`;
    expect(await call("audit_job", insert(tenantId))).toBe("done");
    expect(await call("audit_job", insert(otherTenantId))).toContain("of another tenant than the import");
  });

  it("refuses a login that may not import, and says what it lacks", async () => {
    await log.admin.query("create role import_stranger login password 'test'").catch(() => undefined);
    const url = new URL(log.database.url);
    [url.username, url.password] = ["import_stranger", "test"];
    const ran = await runCommand(["import", file([line({ timestamp: `${day(3)}T00:00:00Z` })]), "--tenant", tenantId, "--database", url.href, "--json"]);
    expect(ran).toMatchObject({ status: 2, err: expect.stringContaining("audit_job") });
    expect(JSON.parse(ran.out)).toMatchObject({ status: "failed", code: "forbidden" });
  });

  it("names closed days, stores the others, and notes the days that it wrote to", async () => {
    await log.admin.query("insert into audit_log.closed_days (day) values ($1)", [day(4)]);
    const source = file([line({ timestamp: `${day(4)}T23:59:59.999Z` }), line({ timestamp: `${day(5)}T00:00:00Z` })]);
    const dry = await run(source, "--tenant", tenantId, "--dry-run");
    expect(dry.status).toBe(1);
    expect(dry.report).toMatchObject({ status: "dry_run", counts: { created: 1, refused: 1, closedDays: { [day(4)]: 1 } } });
    const { status, report } = await run(source, "--tenant", tenantId);
    expect(status).toBe(1);
    expect(report).toMatchObject({ counts: { created: 1, refused: 1, closedDays: { [day(4)]: 1 } } });
    expect(report.refused).toMatchObject([{ place: "line 1", errors: [{ code: "day_closed" }] }]);
    expect((await log.admin.query("select 1 from audit_log.imported_days where day = $1", [day(5)])).rowCount).toBe(1);
    // 24 hours long such a day is not closed, however old it is.
    await log.admin.query("select audit_log.close_days(current_date, 1000)");
    expect((await log.admin.query("select 1 from audit_log.closed_days where day = $1", [day(5)])).rowCount).toBe(0);
    await log.admin.query("update audit_log.imported_days set imported_at = now() - interval '25 hours'");
    await log.admin.query("select audit_log.close_days(current_date, 1000)");
    expect((await log.admin.query("select 1 from audit_log.closed_days where day = $1", [day(5)])).rowCount).toBe(1);
  });

  it("stores nothing in a dry run, and tells where every column goes", async () => {
    const before = await stored();
    const record = { created_at: `2024-06-01 10:00:00+02`, operation_type: "LOGIN", uid: 7, ip_address: "host.example", received_at: "x", duration_ms: "12.6" };
    const { status, report } = await run(file([JSON.stringify(record)]), "--tenant", tenantId, "--dry-run", "--map", "uid=actor_id");
    expect(status).toBe(0);
    expect(report).toMatchObject({ status: "dry_run", counts: { created: 1 }, days: { first: "2024-06-01", last: "2024-06-01", count: 1 } });
    expect(Object.fromEntries(report.columns.map(({ column, target }: { column: string; target: string }) => [column, target]))).toEqual({
      created_at: "occurred_at",
      operation_type: "event_type",
      uid: "actor_id",
      ip_address: "ip_address",
      received_at: "(set by the log itself)",
      duration_ms: "duration_ms",
    });
    expect(await stored()).toBe(before);
    await run(file([JSON.stringify(record)]), "--tenant", tenantId, "--map", "uid=actor_id");
    const { rows } = await log.admin.query(
      "select occurred_at, event_type, actor_id, ip_address, duration_ms, context from audit_log.events where occurred_at = '2024-06-01T08:00Z'",
    );
    expect(rows).toMatchObject([{ event_type: "login", actor_id: "7", ip_address: null, duration_ms: 13, context: { ip_address: "host.example" } }]);
  });

  it("takes records that are the same to the letter for one event, unless it is told to keep them apart", async () => {
    const same = line({ timestamp: "2024-06-02T00:00:00Z" });
    expect((await run(file([same, same, same]), "--tenant", tenantId)).report.counts).toMatchObject({ created: 1, duplicate: 2 });
    const apart = line({ timestamp: "2024-06-02T00:00:01Z" });
    expect((await run(file([apart, apart, apart]), "--tenant", tenantId, "--keep-identical")).report.counts).toMatchObject({ created: 3, duplicate: 0 });
  });

  it("refuses an id that stands for something else already, and leaves the stored event", async () => {
    const id = "0198c7a4-0000-4000-8000-000000000001";
    await run(file([line({ id, timestamp: "2024-06-03T00:00:00Z", message: "first" })]), "--tenant", tenantId);
    const { status, report } = await run(file([line({ id, timestamp: "2024-06-03T00:00:00Z", message: "other" })]), "--tenant", tenantId);
    expect(status).toBe(1);
    expect(report.refused).toMatchObject([{ errors: [{ code: "conflict" }] }]);
    expect((await log.admin.query("select message from audit_log.events where id = $1", [id])).rows).toEqual([{ message: "first" }]);
  });

  it("takes its own export back as what it is: known events", async () => {
    const { rows } = await log.admin.query(
      "select to_jsonb(e) - 'seq' - 'leaf_hash' as event, encode(leaf_hash, 'hex') as leaf_hash from audit_log.events e where occurred_at::date = '2024-06-03'",
    );
    const lines = rows.map(({ event, leaf_hash }) => JSON.stringify({ ...event, leaf_hash, log_index: 0 }));
    const { report } = await run(file([...lines, '{"audit_events_export":{"version":1}}']), "--tenant", tenantId);
    expect(report.counts).toMatchObject({ created: 0, duplicate: lines.length, refused: 0 });
  });

  it("takes over what an older log wrote of itself, as the import's word", async () => {
    const source = file([line({ event_type: "audit.events.exported", source: "audit-events", principal: "user:mallory", timestamp: "2024-06-04T00:00:00Z" })]);
    expect((await run(source, "--tenant", tenantId)).report.counts).toMatchObject({ created: 1, refused: 0 });
    const { rows } = await log.admin.query("select principal from audit_log.events where occurred_at::date = '2024-06-04'");
    expect(rows).toEqual([{ principal: expect.stringMatching(/^import:/) }]);
  });

  it("says what to do when a source cannot be read or a record needs a tenant", async () => {
    const failed = async (source: string, ...args: readonly string[]) => {
      const { status, report } = await run(source, ...args);
      return [status, report.code];
    };
    expect(await failed(join(folder, "none.ndjson"))).toEqual([2, "file_enoent"]);
    expect(await failed(file(["x"], "txt"))).toEqual([2, "unknown_format"]);
    expect(await failed(folder, "--format", "csv")).toEqual([2, "file_eisdir"]);
    expect(await failed(file(['{"Records": []}'], "json"))).toEqual([2, "tenant_required"]);
    expect(await failed(log.database.url, "--tenant", tenantId)).toEqual([2, "no_table"]);
    await log.admin.query("create table public.spreadsheet (moment text, what text)");
    const asText = await run(log.database.adminUrl, "--tenant", tenantId, "--table", "spreadsheet", "--map", "moment=occurred_at");
    expect(asText.report).toMatchObject({
      code: "no_time",
      message: expect.stringContaining("the column moment is text"),
      hint: expect.stringContaining("view"),
    });
    expect(await failed(file(["x"]), "--map", "a=nothing")).toEqual([2, "invalid_map"]);
    expect((await run(file([line({ timestamp: `${day(1)}T00:00:00Z` })]))).report.refused).toMatchObject([{ errors: [{ code: "tenant_required" }] }]);
  });
});

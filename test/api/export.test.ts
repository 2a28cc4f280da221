import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { AuditEvent } from "../../core/event.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { eventRow, randomEvents, randomFrom } from "../support/random-events.ts";
import { csvRows, type FileRow, ndjsonRows, parquetRows, query } from "./export-files.ts";
import { limits } from "../../core/limits.ts";
import { sealAll } from "./seal-all.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

const seed = Number(process.env["AUDIT_TEST_SEED"] ?? Math.floor(Math.random() * 1e9));

describe(`GET /events/export (seed ${seed})`, () => {
  let log: TestLog;
  let service: Service;
  let auditor: string;
  let events: readonly AuditEvent[];
  const sub = "33333333-3333-4333-8333-333333333333";

  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
    auditor = await tokenOf("auditor", [tenantA], sub);
    const random = randomFrom(seed);
    events = [...randomEvents(random, 700, { tenantIds: [tenantA] }), ...randomEvents(random, 50, { tenantIds: [tenantB] })];
    await service.parts.events.insert(events.map(eventRow));
    await sealAll(log);
    await service.store(
      tenantA,
      hostile.map((message) => ({ event_type: "hostile.text", message, actor_id: message.slice(0, 50), object_id: message.slice(0, 20) })),
    );
  });
  afterAll(async () => {
    await service.stop();
    await log.close();
  });

  const bytesOf = async (path: string, as = auditor, from = service) => {
    const response = await from.app.request(`/api/v1/audit${path}`, { headers: { authorization: `Bearer ${as}` } });
    return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) };
  };
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const rowsHash = (rows: readonly FileRow[]) => hash(Buffer.concat(rows.map((row) => Buffer.from(String(row["leaf_hash"]), "hex"))));
  /** The records of exports, newest first. */
  const records = async (type: string, of = service) => {
    const { json } = await of.ask(`/events?q=principal:user:${sub} action:${type}&limit=1000`, { as: await tokenOf("viewer") });
    return (json as { readonly events: readonly { readonly id: string; readonly result: string; readonly context: Record<string, unknown> }[] }).events;
  };

  it("holds the same rows as CSV, NDJSON and Parquet, every value as it was stored", async () => {
    const filter = "q=-source:audit-events";
    const [csv, ndjson, parquet] = await Promise.all(
      ["csv", "ndjson", "parquet"].map(async (format) => (await bytesOf(`/events/export?format=${format}&${filter}`)).bytes),
    );
    const lines = ndjsonRows(Buffer.from(ndjson ?? []).toString());
    const table = await parquetRows(parquet ?? new Uint8Array());
    const cells = await csvRows(csv ?? new Uint8Array());
    const own = events.filter(({ tenant_id }) => tenant_id === tenantA);
    expect(lines.rows).toHaveLength(own.length + hostile.length);
    expect(table.rows).toEqual(lines.rows);
    expect(cells).toEqual(lines.rows.map(withoutEmptyText));
    const stored = new Map(own.map((event) => [event.id, event]));
    const exported = lines.rows.filter(({ id }) => stored.has(String(id)));
    for (const { leaf_hash: _, log_index: __, ...row } of exported) {
      const event = stored.get(String(row["id"])) as AuditEvent;
      expect(row).toEqual(Object.fromEntries(Object.entries(event).map(([name, value]) => [name, name === "context" ? value : String(value)])));
    }
    // Of what is sealed every leaf of the tenant's tree, once each; the rest has no place yet.
    expect(exported.map((row) => Number(row["log_index"])).sort((a, b) => a - b)).toEqual(own.map((_, index) => index));
    expect(lines.rows.filter((row) => row["log_index"] === undefined)).toHaveLength(hostile.length);
    for (const { manifest } of [lines, table]) {
      expect(manifest).toMatchObject({
        version: 1,
        rows: lines.rows.length,
        rows_sha256: rowsHash(lines.rows),
        complete: true,
        tree_size: own.length,
        tenant_id: tenantA,
      });
    }
  });

  it.each(["csv", "ndjson", "parquet"])("is on record with its rows, their hash and that of the file: %s", async (format) => {
    const { bytes, headers } = await bytesOf(`/events/export?format=${format}&event_type=user.login`);
    expect(headers.get("content-disposition")).toMatch(new RegExp(`^attachment; filename="audit-events-[-0-9]+\\.${format}"$`));
    const [done] = await records("audit.events.exported");
    const [begun] = await records("audit.events.export_started");
    const expected = events.filter(({ tenant_id, event_type }) => tenant_id === tenantA && event_type === "user.login").length;
    expect(done).toMatchObject({ result: "success", context: { rows: expected, complete: true, format, file_sha256: hash(bytes), bytes: bytes.length } });
    expect(begun?.context["export_id"]).toBe(done?.id);
    if (format !== "csv") {
      const { manifest } = format === "ndjson" ? ndjsonRows(Buffer.from(bytes).toString()) : await parquetRows(bytes);
      expect(manifest).toMatchObject({ record: { id: done?.id }, rows_sha256: done?.context["rows_sha256"], exported_by: `user:${sub}` });
    }
  });

  it("cannot be read as whole when it was cut", async () => {
    const { bytes } = await bytesOf("/events/export?format=ndjson&event_type=user.login");
    const text = Buffer.from(bytes).toString();
    expect(ndjsonRows(text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1)).manifest).toBeUndefined();
    const parquet = await bytesOf("/events/export?format=parquet&event_type=user.login");
    await expect(query(parquet.bytes.slice(0, -1), "parquet", (path) => `select * from '${path}'`)).rejects.toThrow();
  });

  it("is a file with nothing in it when nothing matches", async () => {
    const none = "q=actor:nobody-at-all";
    expect(Buffer.from((await bytesOf(`/events/export?${none}`)).bytes).toString().split("\r\n")).toHaveLength(2);
    expect(ndjsonRows(Buffer.from((await bytesOf(`/events/export?format=ndjson&${none}`)).bytes).toString())).toMatchObject({
      rows: [],
      manifest: { rows: 0, complete: true },
    });
    expect(await parquetRows((await bytesOf(`/events/export?format=parquet&${none}`)).bytes)).toMatchObject({ rows: [], manifest: { rows: 0 } });
  });

  it("runs as no formula in a spreadsheet, and gives back what was stored", async () => {
    const { bytes } = await bytesOf("/events/export?event_type=hostile.text&order=asc");
    const raw = await query(
      bytes,
      "csv",
      (path) =>
        `select message, actor_id from read_csv('${path}', header = true, all_varchar = true, quote = '"', escape = '"', delim = ',', parallel = false)`,
    );
    for (const cell of raw.flatMap((row) => [row["message"], row["actor_id"]]).map(String)) {
      for (const line of cell.split(/\r\n|\r|\n/)) expect(line).not.toMatch(/^[\s\u200b-\u200f\u2060\ufeff]*[=+\-@\t\uff0b\uff0d\uff1d\uff20]/);
    }
    expect((await csvRows(bytes)).map(({ message }) => message).sort()).toEqual([...hostile].sort());
  });

  it("is refused to viewers, and nothing is recorded", async () => {
    const before = (await records("audit.events.export_started")).length;
    const viewer = await tokenOf("viewer", [tenantA], sub);
    expect((await bytesOf("/events/export", viewer)).status).toBe(403);
    expect(await records("audit.events.export_started")).toHaveLength(before);
  });

  it("does not begin when it cannot be recorded, and breaks off when its end cannot be", async () => {
    const recorder = service.parts.recorder;
    const failing = (type: string) =>
      startService({
        database: log.database,
        replace: () => ({ recorder: { ...recorder, record: (...all) => all[0] === type ? Promise.reject(new Error("disk full")) : recorder.record(...all) } }),
      });
    const mute = await failing("audit.events.export_started");
    expect(await bytesOf("/events/export?format=ndjson", auditor, mute)).toMatchObject({ status: 500 });
    await mute.stop();
    const broken = await failing("audit.events.exported");
    const response = await broken.app.request("/api/v1/audit/events/export?format=ndjson", { headers: { authorization: `Bearer ${auditor}` } });
    let received = "";
    const decoder = new TextDecoder();
    await expect((async () => {
      for await (const chunk of response.body ?? []) received += decoder.decode(chunk, { stream: true });
    })()).rejects.toThrow("broken off");
    expect(received).not.toContain("audit_events_export");
    expect(broken.logs.some((line) => line.includes("export.broken_off"))).toBe(true);
    await broken.stop();
  });

  it("answers 503 not_recorded when the log takes no event", async () => {
    const closed = await startService();
    await closed.admin.query("revoke execute on all functions in schema audit_log from audit_ingest");
    expect(await closed.ask("/events/export", { as: auditor })).toMatchObject({ status: 503, json: { code: "not_recorded" } });
    await closed.stop();
  });

  it("records how far a reader came who went away", async () => {
    const response = await service.app.request("/api/v1/audit/events/export?format=ndjson", { headers: { authorization: `Bearer ${auditor}` } });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const [last] = await records("audit.events.exported");
    expect(last).toMatchObject({ result: "failure", context: { complete: false } });
    expect(last?.context["rows"]).toBeLessThan(700);
  });

  it("is taken from a reader who takes no more and stays, and records how far he came", async () => {
    const response = await service.app.request("/api/v1/audit/events/export?format=ndjson", { headers: { authorization: `Bearer ${auditor}` } });
    const reader = response.body?.getReader();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
      vi.advanceTimersByTime(limits.exportStallMs);
    } finally {
      vi.useRealTimers();
    }
    await expect(reader?.read()).rejects.toThrow("takes no more");
    await service.settled();
    const [last] = await records("audit.events.exported");
    expect(last).toMatchObject({ result: "failure", context: { complete: false } });
    expect(service.logs.filter((line) => line.includes("export.stalled"))).toHaveLength(1);
  });

  it("is not begun by a question for its head", async () => {
    const before = (await records("audit.events.export_started")).length;
    const answer = await service.ask("/events/export?format=parquet", { as: auditor, method: "HEAD" });
    expect([answer.status, answer.headers.get("content-type"), answer.text]).toEqual([200, "application/vnd.apache.parquet", ""]);
    expect(await records("audit.events.export_started")).toHaveLength(before);
  });

  it("comes in parts on the Edge, which together are the whole as of the first", async () => {
    const edge = await startService({ database: log.database, exportBounds: { rowsMax: 150, bytesMax: 1e9, ms: 60_000 } });
    const filter = "event_type=order.created&order=desc";
    const expected = events.filter(({ tenant_id, event_type }) => tenant_id === tenantA && event_type === "order.created").map(({ id }) => id);
    for (const format of ["csv", "ndjson", "parquet"]) {
      const seen: string[] = [];
      let path: string | undefined = `/events/export?format=${format}&${filter}`;
      for (let part = 0; path !== undefined; part++) {
        const { headers, bytes, status }: Awaited<ReturnType<typeof bytesOf>> = await bytesOf(path, auditor, edge);
        expect(status).toBe(200);
        const rows: readonly FileRow[] = format === "csv"
          ? await csvRows(bytes)
          : format === "ndjson"
          ? ndjsonRows(Buffer.from(bytes).toString()).rows
          : (await parquetRows(bytes)).rows;
        expect(headers.get("audit-export-rows")).toBe(String(rows.length));
        expect(headers.get("audit-export-sha256")).toBe(hash(bytes));
        seen.push(...rows.map(({ id }) => String(id)));
        const link = /^<(\?[^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
        expect(headers.get("audit-export-complete")).toBe(String(link === undefined));
        if (format === "ndjson" && link !== undefined) {
          const { manifest } = ndjsonRows(Buffer.from(bytes).toString());
          expect(manifest).toMatchObject({ complete: false, next_cursor: new URLSearchParams(link).get("cursor") });
        }
        path = link === undefined ? undefined : `/events/export${link}`;
        if (part === 0) await service.admin.query(lateEvent, [tenantA]);
      }
      expect(seen.toSorted()).toEqual(expected.toSorted());
    }
    await edge.stop();
  });
});

/** Stored while an export runs, in a place that the walk has not reached: the oldest event's, whose day is there. Received after the bound of any export. */
const lateEvent = `insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, event_type, result, leaf_hash)
  select $1, min(occurred_at), gen_random_uuid(), nextval('audit_log.event_seq'), now() + interval '1 day', 'x', 'order.created', 'success', sha256('')
  from audit_log.events where tenant_id = $1`;

/** CSV has one text for "absent" and "empty". */
function withoutEmptyText(row: FileRow): FileRow {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== ""));
}

const starts = [
  "=",
  "+",
  "-",
  "@",
  "\t=",
  " =",
  "\u00a0=",
  "\u3000+",
  "\ufeff=",
  "\u200b@",
  "＝",
  "＋",
  "－",
  "＠",
  "'=",
  "''=",
  "\n=",
  "\r\n=",
  "a\n=",
  "a\r=",
  "a\n \t-",
  "\t",
  "\r",
  "'\r",
];
const payloads = ["1+1", 'HYPERLINK("http://x","y")', "cmd|' /C calc'!A0", "SUM(1;2)\n=3", '"quoted","', "x"];
const hostile = starts.flatMap((start) => payloads.map((payload) => start + payload));

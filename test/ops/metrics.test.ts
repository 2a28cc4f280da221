import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMetrics } from "../../core/metrics.ts";
import type { OperationsReader } from "../../core/operations.ts";
import { operationsMetrics } from "../../core/operations-metrics.ts";
import { counted } from "../../core/request-metrics.ts";
import { projectFolder } from "../../scripts/stack/deno-process.ts";
import { type ServerProcess, startServer } from "../api/server-process.ts";
import { sealAll } from "../api/seal-all.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "../api/service.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { secretKey, testEnvironment } from "../support/tokens.ts";
import { parsePrometheus, valueOf } from "./prometheus.ts";

const token = "metrics-token-of-the-test";

describe("createMetrics()", () => {
  it("writes text that a parser of Prometheus' format takes, whatever stands in labels", () => {
    const metrics = createMetrics();
    metrics.counter("a_total", "Back\\slash and\nnew line.").add({ route: 'quote " back \\ line \n end' }, 2.5);
    metrics.gauge("b", "Infinite.").set(Infinity);
    const histogram = metrics.histogram("c_seconds", "Times.", [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 3]) histogram.observe(value, { route: "/x" });
    metrics.gauge("never_set", "Absent.");
    const families = parsePrometheus(metrics.text());
    expect([...families.keys()]).toEqual(["a_total", "b", "c_seconds"]);
    expect(families.get("a_total")?.samples).toEqual([{ name: "a_total", labels: { route: 'quote " back \\ line \n end' }, value: 2.5 }]);
    expect(valueOf(families, "b")).toBe(Infinity);
    expect([valueOf(families, "c_seconds_bucket", { le: "0.1" }), valueOf(families, "c_seconds_bucket", { le: "1" }), valueOf(families, "c_seconds_count")])
      .toEqual([2, 3, 4]);
  });
});

describe("docs/operations.md", () => {
  it("names every metric that there is, and in its alert rules no other", () => {
    const names: string[] = [];
    const note = (name: string) => void names.push(name);
    const registry = {
      counter: (name: string) => (note(name), { add: () => {} }),
      gauge: (name: string) => (note(name), { set: () => {} }),
      histogram: (name: string) => (note(name), { observe: () => {} }),
      text: () => "",
    };
    counted(() => {}, registry);
    operationsMetrics({ metrics: registry, operations: {} as OperationsReader, openStreams: () => 0, now: () => new Date() });
    const documented = new Set(
      [...readFileSync(join(projectFolder, "docs", "operations.md"), "utf8").matchAll(/audit_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, "")),
    );
    documented.delete("audit_log");
    expect([...documented].sort()).toEqual([...new Set(names)].sort());
  });
});

describe("counted()", () => {
  it("shows what alerts watch as 0 from the start: Prometheus takes a series that begins at 1 for no increase", () => {
    const metrics = createMetrics();
    const log = counted(() => {}, metrics);
    const failures = () =>
      (["batch", "access record", "key use", "quota lease"] as const).map((work) =>
        valueOf(parsePrometheus(metrics.text()), "audit_deferred_failures_total", { work })
      );
    expect(failures()).toEqual([0, 0, 0, 0]);
    expect(valueOf(parsePrometheus(metrics.text()), "audit_ingest_unlisted_events_total")).toBe(0);
    for (const event of ["ingest.async.failed", "access.not_recorded", "key.not_touched", "rates.not_settled"]) log({ level: "warn", event });
    expect(failures()).toEqual([1, 1, 1, 1]);
  });
});

describe("GET /metrics", () => {
  let log: TestLog;
  let service: Service;
  let server: ServerProcess;
  let edge: TestFunction;
  beforeAll(async () => {
    log = await openLog();
    service = await startService({ database: log.database });
    [server, edge] = await Promise.all([
      startServer(testEnvironment(log.database)),
      startFunction("audit-api", { env: { ...testEnvironment(log.database), AUDIT_METRICS_TOKEN: token } }),
    ]);
  });
  afterAll(async () => {
    await server?.stop();
    await edge?.stop();
    await service?.stop();
    await log?.close();
  });
  const scrape = async (url = server.url, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await fetch(`${url}/metrics`, { headers });
    expect({ status: answer.status, type: answer.headers.get("content-type") }).toEqual({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    return parsePrometheus(await answer.text());
  };
  const post = async (events: readonly object[]) => {
    const headers = { apikey: secretKey, "content-type": "application/json" };
    const answer = await fetch(`${server.url}/api/v1/audit/events`, { method: "POST", headers, body: JSON.stringify({ events }) });
    return await answer.json() as { readonly results: readonly { readonly id: string; readonly occurred_at: string }[] };
  };

  it("counts requests by route and status, and events by verdict", async () => {
    const route = "/api/v1/audit/events";
    const before = await scrape();
    const { results } = await post([{ event_type: "a", tenant_id: tenantA }, { event_type: "a", tenant_id: tenantA }]);
    await post([{ event_type: "a", tenant_id: tenantA, id: results[0]?.id, occurred_at: results[0]?.occurred_at }, {
      event_type: "not a type",
      tenant_id: tenantA,
    }]);
    await fetch(`${server.url}${route}?q=secret`, { headers: { authorization: `Bearer ${await tokenOf("viewer")}` } });
    await fetch(`${server.url}${route}`);
    await fetch(`${server.url}/nowhere/${tenantA}`);
    await fetch(`${server.url}${route}/stream`, { method: "BREW" }).catch(() => undefined);
    const after = await scrape();
    const grown = (name: string, labels: Readonly<Record<string, string>>) => (valueOf(after, name, labels) ?? 0) - (valueOf(before, name, labels) ?? 0);
    expect(grown("audit_http_requests_total", { method: "POST", route, status: "201" })).toBe(1);
    expect(grown("audit_http_requests_total", { method: "POST", route, status: "207" })).toBe(1);
    expect(grown("audit_http_requests_total", { method: "GET", route, status: "200" })).toBe(1);
    expect(grown("audit_http_requests_total", { method: "GET", route, status: "401" })).toBe(1);
    expect(grown("audit_http_request_duration_seconds_count", { method: "POST", route })).toBe(2);
    expect(grown("audit_ingest_events_total", { verdict: "created" })).toBe(2);
    expect(grown("audit_ingest_events_total", { verdict: "duplicate" })).toBe(1);
    expect(grown("audit_ingest_events_total", { verdict: "rejected" })).toBe(1);
    expect(grown("audit_ingest_batch_events_count", {})).toBe(2);
    expect(grown("audit_ingest_batch_events_sum", {})).toBe(4);
    const labels = [...after.values()].flatMap(({ samples }) => samples).flatMap((sample) => Object.values(sample.labels));
    expect(labels.filter((value) => value.includes(tenantA) || value.includes("secret"))).toEqual([]);
  });

  it("shows how the log fares: what is sealed, which days there are, how it grows, how jobs and archives do", async () => {
    const today = () => Math.floor(Date.now() / 86_400_000);
    const madeOn = today();
    await log.admin.query("select audit_log.ensure_partitions(current_date - 3, current_date + 2), audit_log.job_ended('partitions', 'no')");
    await sealAll(log);
    const fresh = await service.parts.operations.figures();
    expect(fresh).toMatchObject({ unsealed: 0, unsealedSince: undefined, sealProblems: 0, archiveProblems: 0 });
    const sequence = fresh.lastSeq;
    const stored = await service.store(tenantB, Array.from({ length: 50 }, () => ({ message: "x".repeat(2000) })));
    await log.admin.query("insert into audit_log.archive_days (day, state) values ('2020-01-01', 'planned'), ('2020-01-02', 'closed')");
    await expect.poll(async () => valueOf(await scrape(), "audit_unsealed_events"), { interval: 500 }).toBe(50);
    const unsealed = await scrape();
    expect(valueOf(unsealed, "audit_seal_lag_seconds")).toBeGreaterThan(0);
    expect(valueOf(unsealed, "audit_event_sequence")).toBe(sequence + stored.length);
    // One day less once midnight has passed meanwhile.
    expect(valueOf(unsealed, "audit_partitions_ahead_days")).toBe(3 - (today() - madeOn));
    const oldest = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
    expect(valueOf(unsealed, "audit_oldest_hot_day_timestamp_seconds")).toBeLessThanOrEqual(Date.parse(oldest) / 1000);
    expect(valueOf(unsealed, "audit_hot_days")).toBeGreaterThanOrEqual(6);
    expect(valueOf(unsealed, "audit_job_failures", { job: "partitions" })).toBe(1);
    expect([valueOf(unsealed, "audit_archive_days", { state: "planned" }), valueOf(unsealed, "audit_archives", { state: "archived" })]).toEqual([1, 0]);
    expect(valueOf(unsealed, "audit_events_bytes")).toBeGreaterThan(fresh.eventBytes);
    expect(valueOf(unsealed, "audit_database_up")).toBe(1);
    expect(valueOf(unsealed, "audit_database_pool_connections", { state: "max" })).toBe(4);
    expect(valueOf(unsealed, "audit_database_pool_connections", { state: "idle" })).toBeGreaterThan(0);
    await sealAll(log);
    await expect.poll(async () => valueOf(await scrape(), "audit_unsealed_events"), { interval: 500 }).toBe(0);
    const sealed = await scrape();
    expect(valueOf(sealed, "audit_seal_lag_seconds")).toBe(0);
    expect(Math.abs((valueOf(sealed, "audit_checkpoint_timestamp_seconds") ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  });

  it("shows open streams, and what they handed out when they end", async () => {
    const control = new AbortController();
    const headers = { authorization: `Bearer ${await tokenOf("viewer")}`, "last-event-id": "0" };
    const stream = await fetch(`${server.url}/api/v1/audit/events/stream`, { headers, signal: control.signal });
    const reader = stream.body?.getReader();
    await reader?.read();
    await reader?.read();
    expect(valueOf(await scrape(), "audit_streams_open")).toBe(1);
    control.abort();
    await expect.poll(async () => valueOf(await scrape(), "audit_streams_open")).toBe(0);
    const families = await scrape();
    expect(valueOf(families, "audit_streams_ended_total", { reason: "closed" })).toBe(1);
    expect(valueOf(families, "audit_stream_events_total")).toBeGreaterThan(0);
  });

  it("counts work after an answer that failed", async () => {
    const other = await startService({
      database: log.database,
      replace: (parts) => ({ events: { ...parts.events, insert: () => Promise.reject(new Error("gone")) } }),
    });
    await other.ask("/events", {
      method: "POST",
      as: secretKey,
      headers: { prefer: "respond-async" },
      body: { events: [{ event_type: "a", tenant_id: tenantA }] },
    });
    await other.settled();
    expect(valueOf(parsePrometheus(other.parts.metrics.text()), "audit_deferred_failures_total", { work: "batch" })).toBe(1);
    await other.stop();
  });

  it("counts uses of keys that could not be noted, and leases of quotas that could not be had", async () => {
    const revoked = ["touch_key", "lease_tokens"].map((name) => `(select oid::regprocedure::text from pg_proc where proname = '${name}')`);
    const change = async (verb: string) => {
      for (const name of revoked) await log.admin.query(`do $$ begin execute format('${verb}', ${name}); end $$`);
    };
    const quotas = { AUDIT_INGEST_EVENTS_PER_SECOND: "10000", AUDIT_READS_PER_SECOND: "1000" };
    const other = await startService({ database: log.database, env: quotas });
    const { text: key } = await other.makeKey(tenantA, ["read"]);
    await change("revoke execute on function %s from audit_ingest");
    try {
      expect((await other.ask("/limits", { as: key })).status).toBe(200);
      expect((await other.ask("/events", { as: key })).status).toBe(200);
      await other.settled();
    } finally {
      await change("grant execute on function %s to audit_ingest");
    }
    const figures = parsePrometheus(other.parts.metrics.text());
    expect(valueOf(figures, "audit_deferred_failures_total", { work: "key use" })).toBe(1);
    expect(valueOf(figures, "audit_deferred_failures_total", { work: "quota lease" })).toBeGreaterThanOrEqual(1);
    await other.stop();
  });

  it("counts events that the catalogue does not know, when it only warns", async () => {
    const catalogue = JSON.stringify({ types: { "order.paid": { description: "A customer paid" } } });
    const other = await startService({ database: log.database, env: { AUDIT_EVENT_CATALOGUE: catalogue } });
    await other.store(tenantA, [{ event_type: "order.paid" }]);
    expect(valueOf(parsePrometheus(other.parts.metrics.text()), "audit_ingest_unlisted_events_total")).toBe(0);
    await other.store(tenantA, [{ event_type: "order.paid" }, { event_type: "order.lost" }, { event_type: "order.found" }]);
    expect(valueOf(parsePrometheus(other.parts.metrics.text()), "audit_ingest_unlisted_events_total")).toBe(2);
    await other.stop();
  });

  it("refuses strangers: another machine behind a proxy, a function without its token, a wrong one", async () => {
    const far = await fetch(`${server.url}/metrics`, { headers: { "x-forwarded-for": "203.0.113.7, 127.0.0.1" } });
    expect({ status: far.status, body: await far.json() }).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await fetch(`${server.url}/metrics`, { headers: { "x-forwarded-for": "127.0.0.1" } })).status).toBe(200);
    for (const authorization of ["", `Bearer ${token}x`, token, `Bearer ${secretKey}`]) {
      const answer = await fetch(`${edge.url}/metrics`, { headers: authorization === "" ? {} : { authorization } });
      expect({ status: answer.status, body: await answer.json() }, authorization).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    }
    expect(valueOf(await scrape(edge.url, { authorization: `Bearer ${token}` }), "audit_database_up")).toBe(1);
    expect((await service.ask("//metrics")).status).toBe(403);
  });
});

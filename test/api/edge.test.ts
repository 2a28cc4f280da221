import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../core/limits.ts";
import { startFunction, type TestFunction } from "../support/functions.ts";
import { testEnvironment } from "../support/tokens.ts";
import { csvRows, ndjsonRows, parquetRows } from "./export-files.ts";
import { seedEvents, type Service, startService, tenantA, tokenOf } from "./service.ts";

const count = limits.exportEdgeRowsMax + 2_000;

describe.each(["2.9", "2.1.4"] as const)("functions/audit-api on Deno %s", (denoVersion) => {
  let service: Service;
  let edge: TestFunction;
  let auditor: string;
  beforeAll(async () => {
    service = await startService();
    await seedEvents(service.admin, tenantA, count, { days: 1 });
    auditor = await tokenOf("auditor");
    edge = await startFunction("audit-api", { env: testEnvironment(service.database), denoVersion });
  });
  afterAll(async () => {
    await edge?.stop();
    await service?.stop();
  });
  const get = (path: string) => fetch(`${edge.url}${path}`, { headers: { authorization: `Bearer ${auditor}` } });

  it("serves the same routes below its own name", async () => {
    const list = await get("/api/v1/audit/events?limit=3&q=source:web");
    expect(list.status).toBe(200);
    const { events, next_cursor } = await list.json() as {
      readonly events: readonly { readonly id: string; readonly href: string }[];
      readonly next_cursor: string;
    };
    expect(events).toHaveLength(3);
    const one = await fetch(new URL(events[0]?.href ?? "", `${edge.url}/api/v1/audit/events`), { headers: { authorization: `Bearer ${auditor}` } });
    expect(await one.json()).toMatchObject({ event: { id: events[0]?.id } });
    expect((await (await get(`/api/v1/audit/events?limit=3&q=source:web&cursor=${next_cursor}`)).json() as { readonly events: readonly unknown[] }).events)
      .toHaveLength(3);
    expect(await (await get("/api/v1/audit/stats?buckets=10")).json()).toMatchObject({ facets: { capped: false } });
    expect((await get("/api/v1/audit/reports/compliance")).status).toBe(200);
    expect((await get("/openapi.json")).status).toBe(200);
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/nowhere")).status).toBe(404);
    expect((await fetch(`${edge.url}/api/v1/audit/events`)).status).toBe(401);
  });

  it("takes batches", async () => {
    const body = JSON.stringify({ events: [{ event_type: "edge.posted" }] });
    const headers = { authorization: `Bearer ${auditor}`, "content-type": "application/json" };
    const answer = await fetch(`${edge.url}/api/v1/audit/events`, { method: "POST", headers, body });
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({ status: 201, body: { created_count: 1, method: "api" } });
  });

  it.each(["csv", "ndjson", "parquet"])("hands out exports in parts that end cleanly: %s", async (format) => {
    const ids: string[] = [];
    let path: string | undefined = `/api/v1/audit/events/export?format=${format}&q=principal:key:seed`;
    const completes: (string | null)[] = [];
    while (path !== undefined) {
      const answer: Response = await get(path);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      expect(answer.status).toBe(200);
      const rows = format === "csv"
        ? await csvRows(bytes)
        : format === "ndjson"
        ? ndjsonRows(Buffer.from(bytes).toString()).rows
        : (await parquetRows(bytes)).rows;
      ids.push(...rows.map(({ id }) => String(id)));
      completes.push(answer.headers.get("audit-export-complete"));
      const link: string | undefined = /^<(\?[^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
      path = link === undefined ? undefined : `/api/v1/audit/events/export${link}`;
    }
    expect(completes).toEqual(["false", "true"]);
    expect(ids).toHaveLength(count);
    expect(new Set(ids).size).toBe(count);
  });
});

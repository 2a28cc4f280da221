import { hc } from "hono/client";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import type { AppType } from "../../api/app.ts";
import { routeRules } from "./matrix-routes.ts";
import { type Service, startService, tenantA, tokenOf } from "./service.ts";

type Operation = {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Readonly<Record<string, unknown>>;
    readonly description?: string;
  }[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
  readonly security?: readonly unknown[];
  readonly requestBody?: unknown;
};
type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes: unknown };
};

/** The document itself, and the page made from it. */
const undescribed = ["GET /openapi.json", "GET /docs", "GET /docs/style.css"];

describe("GET /openapi.json", () => {
  let service: Service;
  let document: Document;
  const operation = (method: string, path: string) => document.paths[path]?.[method] as Operation;
  beforeAll(async () => {
    service = await startService();
    document = (await service.ask("//openapi.json")).json as Document;
  });
  afterAll(() => service.stop());

  it("describes every route, with an answer, and its refusals unless everybody may ask", () => {
    expect(document.openapi).toBe("3.1.0");
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`)
    );
    expect(described.sort()).toEqual(Object.keys(routeRules).filter((route) => !undescribed.includes(route)).sort());
    for (const [route, { needs }] of Object.entries(routeRules)) {
      if (undescribed.includes(route)) continue;
      const [method = "", path = ""] = route.split(" ");
      const { responses, summary } = operation(method.toLowerCase(), path.replaceAll(/:(\w+)/g, "{$1}"));
      expect(summary, route).toBeTruthy();
      expect(Object.keys(responses), route).toContainEqual(expect.stringMatching(/^2\d\d$/));
      if (needs !== "public") expect(Object.keys(responses), route).toEqual(expect.arrayContaining(["400", "401", "403", "503"]));
    }
  });

  it("names every status that the matrix of callers and places meets", () => {
    const side = {
      tenantId: tenantA,
      canary: "canary",
      handle: "handle",
      eventId: tenantA,
      occurredAt: "2026-11-22T10:00:00.000Z",
      takenId: tenantA,
      cursor: "c",
    };
    for (const [route, { placements }] of Object.entries(routeRules)) {
      if (undescribed.includes(route)) continue;
      const [method = "", path = ""] = route.split(" ");
      const named = Object.keys(operation(method.toLowerCase(), path.replaceAll(/:(\w+)/g, "{$1}")).responses);
      const met = placements({ own: side, foreign: side }).flatMap(({ status }) => status).map(String);
      expect(met.filter((status) => !named.includes(status)), route).toEqual([]);
    }
  });

  it("takes its parameters from the schemas that validate them", () => {
    const { parameters = [] } = operation("get", "/api/v1/audit/events");
    const named = Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter]));
    expect(Object.keys(named).sort()).toEqual(
      [
        ...[
          "tenant_id",
          "from",
          "start_date",
          "to",
          "end_date",
          "source",
          "event_type",
          "operation_type",
          "result",
          "actor_id",
          "actor_type",
          "object_type",
          "object_id",
        ],
        ...["ip_address", "request_id", "q", "include_deleted", "order", "limit", "cursor", "offset"],
      ].sort(),
    );
    expect(named["limit"]?.schema).toMatchObject({ type: "integer", minimum: 1, maximum: 1000 });
    expect(JSON.stringify(named["limit"])).toContain("default 100");
    expect(named["result"]?.schema).toMatchObject({ enum: ["success", "failure", "warning"] });
    expect(named["order"]?.schema).toMatchObject({ enum: ["asc", "desc"] });
    expect(parameters.filter(({ in: place }) => place === "path")).toEqual([]);
    expect(operation("get", "/api/v1/audit/events/{id}").parameters).toContainEqual(expect.objectContaining({ name: "id", in: "path", required: true }));
    expect(operation("get", "/api/v1/audit/events/export").responses["200"]?.content).toHaveProperty("application/vnd.apache.parquet");
  });

  it("says of each route what is so there: the window of a stream, whose id it is, what limits refuse", () => {
    const about = (path: string, name: string) =>
      operation("get", `/api/v1/audit${path}`).parameters?.find((parameter) => parameter.name === name)?.description;
    expect([about("/events", "from"), about("/events/stream", "from")]).toEqual([
      expect.stringContaining("seven days"),
      expect.stringContaining("default all"),
    ]);
    expect([about("/events/{id}", "id"), about("/holds/{id}", "id")]).toEqual(["id of the event", "id of the hold"]);
    expect(Object.keys(operation("get", "/api/v1/audit/limits").responses)).toEqual(expect.arrayContaining(["400", "403", "503"]));
  });

  it("describes batches by the schema that is held equal to the door's own checks", () => {
    const text = JSON.stringify(operation("post", "/api/v1/audit/events").requestBody);
    for (const field of ["event_type", "operation_type", "duration_ms", "producer_seq", "extra_info"]) expect(text).toContain(`"${field}"`);
  });

  it("gives Hono's client its types", async () => {
    await service.store(tenantA, [{ event_type: "typed.event", actor_id: "alice" }]);
    const client = hc<AppType>("http://service", {
      fetch: service.app.request as typeof fetch,
      headers: { authorization: `Bearer ${await tokenOf("auditor")}` },
    });
    const audit = client.api.v1.audit;
    const response = await audit.events.$get({ query: { q: "actor:alice", limit: "10" } });
    if (!response.ok) throw new Error("the client was refused");
    const { events, next_cursor } = await response.json();
    expect(events[0]).toMatchObject({ actor_id: "alice" });
    expectTypeOf(next_cursor).toEqualTypeOf<string | null>();
    expectTypeOf(events[0]?.event_type).toEqualTypeOf<string | undefined>();
    const one = await audit.events[":id"].$get({ param: { id: events[0]?.id ?? "" }, query: {} });
    expect((await one.json() as { readonly event: unknown }).event).toMatchObject({ event_type: "typed.event" });
    expect(audit.stats.$url({ query: { buckets: "3" } }).pathname).toBe("/api/v1/audit/stats");
    // @ts-expect-error: a parameter that the route does not take
    expect((await audit.events.$get({ query: { limt: "1" } })).status).toBe(400);
  });
});

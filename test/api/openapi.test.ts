import { hc } from "hono/client";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import type { AppType } from "../../api/app.ts";
import { AuditError } from "../../core/errors.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";
import { secretKey } from "../support/tokens.ts";
import { type Answered, askEverything, away, listening } from "./answered-headers.ts";
import { routeRules } from "./matrix-routes.ts";
import { sealAll } from "./seal-all.ts";
import { type Service, type ServiceOptions, startService, tenantA, tenantB, tokenOf } from "./service.ts";

type Operation = {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Readonly<Record<string, unknown>>;
    readonly description?: string;
  }[];
  readonly responses: Readonly<Record<string, Answer>>;
  readonly security?: readonly unknown[];
  readonly requestBody?: unknown;
};
type Answer = { readonly content?: Readonly<Record<string, unknown>>; readonly headers: Readonly<Record<string, { readonly $ref: string }>> };
type Document = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes: unknown; readonly headers: Readonly<Record<string, { readonly required?: boolean }>> };
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

describe("headers of answers in GET /openapi.json", () => {
  const root = "/api/v1/audit";
  const answered: Answered[] = [];
  let log: TestLog;
  let document: Document;

  /** Lets `work` ask a service over the same database, by HTTP. */
  const during = async (options: ServiceOptions, work: (http: Awaited<ReturnType<typeof listening>>, service: Service) => Promise<void>) => {
    const service = await startService({ database: log.database, ...options });
    const http = await listening(service, answered);
    await work(http, service).finally(http.close).finally(service.stop);
  };

  beforeAll(async () => {
    log = await openLog();
    const admin = await tokenOf("admin");
    const side = async (service: Service, tenantId: string) => {
      const [stored, taken] = await service.store(tenantId, [{ actor_id: "a" }, { actor_id: "a" }]);
      const { json } = await service.ask("/events?limit=1", { as: await tokenOf("viewer", [tenantId]) });
      const { next_cursor: cursor } = json as { readonly next_cursor: string };
      return { tenantId, canary: "c", handle: "a", eventId: stored?.id ?? "", occurredAt: stored?.occurred_at ?? "", takenId: taken?.id ?? "", cursor };
    };
    await during({ replace: () => ({ streamBounds: { ms: 0, eventsMax: 0, bytesMax: 0 } }) }, async (http, service) => {
      document = (await service.ask("//openapi.json")).json as Document;
      const world = { own: await side(service, tenantA), foreign: await side(service, tenantB) };
      await askEverything(http, world, admin);
      await http.ask(`GET ${root}/events`, "?limit=1", { as: admin });
      await http.ask(`GET ${root}/limits`, "", { as: admin });
      await http.ask("GET /metrics");
      for (const prefer of ["return=minimal", "handling=strict", "respond-async"]) {
        const body = { events: [{ event_type: "a.b", tenant_id: tenantA, actor_id: prefer }, { event_type: "" }] };
        for (const events of [body.events, body.events.slice(0, 1)]) {
          await http.ask(`POST ${root}/events`, "", { as: secretKey, body: { events }, headers: { prefer, "idempotency-key": `${prefer} ${events.length}` } });
        }
        await http.ask(`POST ${root}/events`, "", { as: secretKey, body: { events: [{ event_type: "" }] }, headers: { prefer } });
        const { id, occurred_at } = { id: world.own.eventId, occurred_at: world.own.occurredAt };
        const again = { event_type: "test.done", actor_id: "a", user_agent: "canary", tenant_id: tenantA, id, occurred_at };
        await http.ask(`POST ${root}/events`, "", { as: secretKey, body: { events: [again] }, headers: { prefer } });
      }
      await service.settled();
      await sealAll(log);
      await http.ask(`GET ${root}/events/:id/receipt`, `/${world.own.eventId}/receipt`, { as: admin });
      await http.ask(`GET ${root}/checkpoints/:size`, "/latest", { as: admin });
      await http.ask(`GET ${root}/consistency`, "?from=0", { as: admin });
    });
    const bounds = { rowsMax: 1, bytesMax: 1_000_000, ms: 10_000 };
    await during({ exportBounds: bounds }, async ({ ask }) => void await ask(`GET ${root}/events/export`, "", { as: admin }));
    const gone = away(new AuditError("unavailable", "test: away", { retryAfterSeconds: 2 }));
    const parts = ["reader", "prove", "events", "keys", "holds", "deletions", "policies", "archives", "retentionPreview", "feed"];
    const none = { eventId: tenantA, tenantId: tenantA, canary: "c", handle: "a", occurredAt: "2026-01-01T00:00:00.000Z", takenId: tenantA, cursor: "c" };
    const world = { own: none, foreign: none };
    await during({ replace: () => Object.fromEntries(parts.map((name) => [name, gone])) }, async (http) => await askEverything(http, world, admin));
    const few = { AUDIT_READS_PER_SECOND: "1", AUDIT_INGEST_EVENTS_PER_SECOND: "1", AUDIT_METRICS_TOKEN: "a-token-for-metrics-of-32-characters" };
    await during({ env: few }, async ({ ask }) => {
      await ask("GET /metrics");
      for (const [route, { needs, placements }] of Object.entries(routeRules)) {
        const [{ path = "", body } = {}] = placements(world);
        if (needs === "public" && !route.endsWith("/limits")) continue;
        for (let asked = 0; asked < 100 && await ask(route, path, { as: admin, body }) !== 429; asked++);
      }
    });
  });
  afterAll(() => log.close());

  const namesOf = (operation: string, status: string): readonly string[] | undefined => {
    const [method = "", path = ""] = operation.split(" ");
    const answer = document.paths[path]?.[method.toLowerCase()]?.responses[status];
    return answer && Object.keys(answer.headers).map((name) => name.toLowerCase());
  };
  const described = () => answered.filter(({ operation }) => !undescribed.includes(operation));

  it("was asked so that every operation gave a good answer, and each of the refusals that all have", () => {
    const came = new Set(described().map(({ operation, status }) => `${operation} ${status.startsWith("2") ? "2xx" : status}`));
    for (const [route, { needs }] of Object.entries(routeRules)) {
      if (undescribed.includes(route)) continue;
      const operation = route.replaceAll(/:(\w+)/g, "{$1}");
      const statuses = [...route.includes(":id") && !/GET .*events/.test(route) ? [] : ["2xx"], ...needs === "public" ? [] : ["400", "401", "429", "503"]];
      for (const status of statuses) expect([...came], route).toContain(`${operation} ${status}`);
    }
  });

  it("names every one that comes, and every status", () => {
    const unnamed = described().flatMap(({ operation, status, names }) => {
      const named = namesOf(operation, status);
      return named === undefined ? [`${operation} ${status}`] : names.filter((name) => !named.includes(name)).map((name) => `${operation} ${status} ${name}`);
    });
    expect([...new Set(unnamed)]).toEqual([]);
  });

  it("names none that never comes, and calls those required that always do", () => {
    const byAnswer = Map.groupBy(described(), ({ operation, status }) => `${operation} ${status}`);
    const required = new Set(Object.entries(document.components.headers).filter(([, { required }]) => required).map(([name]) => name.toLowerCase()));
    const missing = [...byAnswer].flatMap(([key, answers]) =>
      (namesOf(answers[0]?.operation ?? "", answers[0]?.status ?? "") ?? []).filter((name) => {
        const came = answers.filter(({ names }) => names.includes(name)).length;
        return came === 0 || required.has(name) && came < answers.length;
      }).map((name) => `${key} ${name}`)
    );
    expect(missing).toEqual([]);
    const used = new Set(described().flatMap(({ operation, status }) => namesOf(operation, status) ?? []));
    expect([...used].sort()).toEqual(Object.keys(document.components.headers).map((name) => name.toLowerCase()).sort());
  });
});

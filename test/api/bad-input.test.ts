import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nastyBodies } from "../support/nasties.ts";
import { secretKey } from "../support/tokens.ts";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

type Problem = { readonly code: string; readonly detail: string; readonly errors?: readonly { readonly pointer: string; readonly message: string }[] };

const routes = ["/events", "/events/export", "/stats"] as const;

/** What a filter route takes: each is tried with what is wrong for it. */
const wrong: readonly (readonly [string, string, ...string[]])[] = [
  ["tenant_id", "123", "x", "{123e4567-e89b-12d3-a456-426614174000}", ""],
  ["from", "yesterday", "2026-02-31", "2026-01-01T25:00:00Z", "infinity", "10000-01-01", "2026-01-01T00:00:00 02:00", "-1", "0044 BC", ""],
  ["start_date", "now", "20260101"],
  ["to", "epoch", "2026-13-01", "1e9"],
  ["end_date", "tomorrow"],
  ["source", "a b", "a".repeat(101), ""],
  ["event_type", "drop table;", "é"],
  ["operation_type", "a*"],
  ["result", "done", "", "success,failure"],
  ["actor_id", "a".repeat(256), "é".repeat(128), "a\0b", ""],
  ["actor_type", "a'b"],
  ["object_type", "order;"],
  ["object_id", "\0", "x".repeat(256)],
  ["ip_address", "10.1", "localhost", "10.0.0.0/33", "fe80::1%eth0", "0x7f.1", "1.2.3.4:80"],
  ["request_id", "r".repeat(256)],
  ["q", "foo:bar", 'actor:"x', "ip:300.1.1.1", "created:never", "result:maybe", "a ".repeat(60), "\0"],
  ["include_deleted", "yes", "1", ""],
];
const wrongList: readonly (readonly [string, string, ...string[]])[] = [
  ["limit", "0", "1001", "-1", "1.5", "1e2", "ten", "", "99999999999999999999"],
  ["offset", "-1", "10001", "x"],
  ["order", "up", "DESC"],
  ["cursor", "x", "AAAA", "a".repeat(2000), "../../etc/passwd"],
];
const wrongOther: Readonly<Record<string, typeof wrong>> = {
  "/events": wrongList,
  "/events/export": [["format", "xml", "CSV", ""], ["cursor", "x"]],
  "/stats": [["buckets", "0", "121", "many"]],
};
const days: typeof wrong = (["from", "to", "cursor"] as const).map((name) => [name, "0000-01-01", "2026-02-30", "2026-01-01T00:00:00Z", "10000-01-01", ""]);

describe("bad input", () => {
  let service: Service;
  let auditor: string;
  const canary = "canary-of-tenant-b";

  beforeAll(async () => {
    service = await startService();
    auditor = await tokenOf("admin");
    await service.store(tenantB, [{ message: canary, actor_id: canary }]);
    await service.store(tenantA, [{ message: "own" }]);
  });
  afterAll(() => service.stop());

  const refused = async (path: string, name: string, code = "invalid_parameter") => {
    const { status, json, text } = await service.ask(path, { as: auditor });
    const problem = json as Problem;
    expect({ path, status, code: problem.code }).toEqual({ path, status: 400, code });
    expect(problem.errors?.map(({ pointer }) => pointer)).toContain(name);
    expect(text).not.toContain(canary);
    return problem;
  };

  it.each([
    ["POST", "/holds", { reason: "a case" }],
    ["POST", "/holds/00000000-0000-4000-8000-000000000001/release", { reason: "over" }],
    ["POST", "/keys", { name: "k", scopes: ["read"] }],
    ["PUT", "/retention", { retention_years: 20 }],
    ["POST", "/retention/run", {}],
  ])("is refused at %s %s when it names a tenant where nobody reads it: the caller's own would be changed", async (method, path, body) => {
    const { status, json } = await service.ask(`${path}?tenant_id=${tenantB}`, { as: auditor, method, body });
    expect([status, (json as Problem).code]).toEqual([400, "unknown_parameter"]);
  });

  it.each(routes)("is refused at %s by the name of the parameter, without repeating the value", async (route) => {
    for (const [name, ...values] of [...wrong, ...wrongOther[route] ?? []]) {
      for (const value of values) {
        const code = name === "cursor" && value.length < 2000 ? "invalid_cursor" : "invalid_parameter";
        const problem = await refused(`${route}?${name}=${encodeURIComponent(value)}`, name, code);
        if (value.length > 6) expect(JSON.stringify(problem)).not.toContain(value);
        if (name === "q" || code === "invalid_cursor") continue;
        const told = problem.errors?.find(({ pointer }) => pointer === name)?.message;
        expect(told, `${name}=${value.slice(0, 40)}`).toMatch(
          /^must be |^is longer than \d+ bytes|leave it out$|no event can hold$|together they are longer than/,
        );
      }
    }
  });

  it("is refused at /archives when a day is none that the catalogue could hold", async () => {
    for (const [name, ...values] of days) {
      for (const value of values) await refused(`/archives?${name}=${value}`, name);
    }
    expect((await service.ask("/archives?from=0001-01-01&to=9999-12-31&cursor=9999-12-31", { as: auditor })).status).toBe(200);
  });

  it("is refused when a value is not UTF-8: what was meant would be looked for in vain", async () => {
    for (const value of ["J%FCrgen", "%ED%A0%80", "%C0%AF", "a%FFb%EF%BF%BD"]) {
      await refused(`/events?limit=1&actor_id=${value}`, "actor_id");
      await refused(`/events/export?q=${value}`, "q");
    }
    for (const value of ["J%C3%BCrgen", "100%", "%zz", "%EF%BF%BD", "\ufffd", "a+b"]) {
      expect((await service.ask(`/events?actor_id=${value}`, { as: auditor })).status, value).toBe(200);
    }
  });

  it.each(["[]", '"x"', "null", "7"])("is refused in words of ours when a small body is %s instead of an object", async (body) => {
    const { status, json } = await service.ask("/keys", { as: auditor, method: "POST", body });
    expect([status, (json as Problem).detail]).toEqual([400, "read body: it must be a JSON object"]);
  });

  it.each(routes)("is refused at %s when a parameter is not known, with the nearest name", async (route) => {
    expect(await refused(`${route}?objekt_type=order`, "objekt_type", "unknown_parameter")).toMatchObject({ errors: [{ hint: "did you mean object_type?" }] });
    expect(await refused(`${route}?fromm=2026-01-01`, "fromm", "unknown_parameter")).toMatchObject({ errors: [{ hint: "did you mean from?" }] });
    // Not near anything: a guess would only mislead.
    const { errors: [stray] = [] } = await refused(`${route}?foo=1`, "foo", "unknown_parameter");
    expect(stray).toMatchObject({ hint: expect.stringMatching(/^known are tenant_id, from, /) });
    await refused(`${route}?limit=1&seq=1&${route === "/events" ? "" : "x=1"}`, "seq", "unknown_parameter");
    await refused(`${route}?__proto__=1`, "__proto__", "unknown_parameter");
    await refused(`${route}?actor_id=a&=1`, "(a name that is not one)", "unknown_parameter");
    const problem = await refused(`${route}?${encodeURIComponent("<script>alert(1)</script>")}=1`, "(a name that is not one)", "unknown_parameter");
    expect(JSON.stringify(problem)).not.toContain("script");
  });

  it("is refused where a route reads its body only, which is said", async () => {
    const { status, json } = await service.ask("/holds?reason=x", { as: await tokenOf("admin"), method: "POST", body: { reason: "x" } });
    expect([status, json]).toMatchObject([400, { code: "unknown_parameter", errors: [{ pointer: "reason", hint: expect.stringContaining("body") }] }]);
  });

  it("names the role that a person needs beside the scope that a key needs", async () => {
    const { status, json } = await service.ask("/events/export", { as: await tokenOf("viewer") });
    expect([status, json]).toMatchObject([403, { code: "forbidden", detail: expect.stringMatching(/scope export, .*role auditor/) }]);
  });

  it("is refused when a parameter comes twice, in the same words whatever it is", async () => {
    const list = ["tenant_id", "from", "result", "actor_id", "ip_address", "q", "include_deleted", "order", "limit", "cursor", "offset"];
    const twice = { "/events": list, "/events/export": ["format"], "/stats": ["buckets"], "/archives": ["from"], "/checkpoints": ["below"] };
    for (const [route, names] of Object.entries({ ...twice, "/consistency": ["from"], "/keys": ["cursor"], "/holds": ["status"] })) {
      for (const name of names) {
        const { errors } = await refused(`${route}?${name}=1&${name}=2`, name);
        expect(errors, `${route} ${name}`).toEqual([{ code: "invalid_value", pointer: name, message: "is given more than once; give it once" }]);
      }
    }
  });

  it("is refused when a parameter comes under both of its names", async () => {
    await refused("/events?from=2026-01-01&start_date=2026-01-02", "start_date");
    await refused("/events?event_type=a&operation_type=a", "operation_type");
  });

  it("is refused when the window ends before it begins", async () => {
    await refused("/events?from=2026-01-02&to=2026-01-01", "from");
    await refused("/stats?from=2026-01-02T00:00:00.001Z&to=2026-01-02T00:00:00.000Z", "from");
    await refused("/events?q=created:%3E2026-01-05&to=2026-01-05", "q");
    await refused("/events?start_date=2026-01-02&end_date=2026-01-01", "start_date");
    await refused("/archives?from=2026-01-02&to=2026-01-01", "from");
  });

  it("names every fault at once", async () => {
    const problem = await refused("/events?limit=0&result=x&from=y&foo=1&q=ip:z", "limit", "unknown_parameter");
    expect(problem.errors?.map(({ pointer }) => pointer).sort()).toEqual(["foo", "from", "limit", "q", "result"]);
  });

  it("says where a query is wrong, and what to write", async () => {
    const problem = await refused(`/events?q=${encodeURIComponent("actor:alice resul:failure")}`, "q");
    expect(problem.errors).toEqual([{
      code: "invalid_value",
      pointer: "q",
      message: "the key before the colon is not known",
      position: 12,
      length: 13,
      hint: "did you mean result? to look for the text itself, put it in quotation marks",
    }]);
  });

  it("is refused when the query string has 10 kB, by the name of the longest parameter", async () => {
    for (const name of ["actor_id", "q", "cursor"]) await refused(`/events?limit=1&${name}=${"x".repeat(10_000)}`, name);
    await refused(`/events?${"x".repeat(10_000)}=1`, "(a name that is not one)");
  });

  it("finds nothing, and breaks nothing, when it is SQL", async () => {
    const attacks = [
      "' or '1'='1",
      "'; drop table audit_log.events; --",
      "1) union select * from audit_log.api_keys --",
      "$1",
      "\\'; reset role; --",
      "%' or tenant_id is not null --",
      "'||(select set_config('request.jwt.claims','{}',true))||'",
      "}'::jsonb",
      "\u2019 or 1=1",
    ];
    for (const attack of attacks) {
      for (const name of ["actor_id", "object_id", "request_id", "q"]) {
        const value = name === "q" ? `"${attack.replaceAll("\\", "\\\\")}"` : attack;
        const { status, text } = await service.ask(`/events?${name}=${encodeURIComponent(value)}`, { as: auditor });
        expect({ attack, name, status }).toEqual({ attack, name, status: 200 });
        expect(text).toContain('"events":[]');
        expect(text).not.toContain(canary);
      }
      for (const name of ["source", "event_type", "result", "from", "limit", "offset", "order", "cursor", "tenant_id", "ip_address", "actor_type"]) {
        const { status, text } = await service.ask(`/events?${name}=${encodeURIComponent(attack)}`, { as: auditor });
        expect({ attack, name, status }).toEqual({ attack, name, status: 400 });
        expect(text).not.toContain(canary);
      }
      expect((await service.ask(`/events/${encodeURIComponent(attack)}`, { as: auditor })).status).toBe(400);
    }
    expect((await service.ask("/events?q=-source:audit-events&limit=1", { as: auditor })).text).toContain("own");
  });

  it("has no effect as a cursor that was altered, cut, borrowed or kept too long", async () => {
    await service.store(tenantA, [{ source: "pages" }, { source: "pages" }, { source: "pages" }]);
    const first = await service.ask("/events?source=pages&limit=1", { as: auditor });
    const cursor = (first.json as { readonly next_cursor: string }).next_cursor;
    const next = (changed: string, query = "source=pages", as = auditor) => service.ask(`/events?${query}&limit=1&cursor=${changed}`, { as });
    expect((await next(cursor)).status).toBe(200);
    for (let place = 0; place < cursor.length; place++) {
      const other = cursor[place] === "A" ? "B" : "A";
      const answers = [await next(cursor.slice(0, place) + other + cursor.slice(place + 1)), await next(cursor.slice(0, place) || "A")];
      for (const { status, json } of answers) expect({ place, status, code: (json as Problem).code }).toEqual({ place, status: 400, code: "invalid_cursor" });
    }
    const bob = await tokenOf("admin", [tenantB]);
    for (const answer of [await next(cursor, "source=other"), await next(cursor, "source=pages&order=asc"), await next(cursor, "source=pages", bob)]) {
      expect(answer).toMatchObject({ status: 400, json: { code: "invalid_cursor" } });
    }
    await refused(`/events?cursor=${cursor}&offset=1&source=pages`, "offset");
    const later = await startService({ database: service.database, replace: () => ({ now: () => new Date(Date.now() + 25 * 3_600_000) }) });
    // The token has an hour: a day later only the cursor is old.
    const patient = await tokenOf("viewer");
    const old = await later.ask(`/events?source=pages&limit=1&cursor=${cursor}`, { as: patient });
    await later.stop();
    expect(old).toMatchObject({ status: 400, json: { code: "invalid_cursor", detail: expect.stringContaining("24 hours") } });
    const elsewhere = await startService({ database: service.database, env: { AUDIT_CURSOR_KEY: "another-key-of-at-least-32-characters" } });
    const foreign = await elsewhere.ask(`/events?source=pages&limit=1&cursor=${cursor}`, { as: auditor });
    await elsewhere.stop();
    expect(foreign.status).toBe(400);
  });

  it("is refused in the path and by method", async () => {
    expect(await service.ask("/events/not-an-id", { as: auditor })).toMatchObject({ status: 400, json: { errors: [{ pointer: "id" }] } });
    const nowhere = await service.ask("/events/../../../../etc/passwd", { as: auditor });
    expect(nowhere).toMatchObject({ status: 404, json: { detail: expect.stringContaining("/openapi.json") } });
    const answer = await service.ask("/events", { as: auditor, method: "DELETE" });
    expect(answer).toMatchObject({ status: 405, json: { code: "method_not_allowed", detail: expect.stringContaining("Allow") } });
    expect(answer.headers.get("allow")).toBe("POST, GET, HEAD, OPTIONS");
    for (const path of ["/events/export", "/events/stream"]) {
      for (const method of ["DELETE", "POST"]) {
        const { status, headers } = await service.ask(path, { as: auditor, method, body: { reason: "x" } });
        expect([path, method, status, headers.get("allow")]).toEqual([path, method, 405, "GET, HEAD, OPTIONS"]);
      }
      expect((await service.ask(path, { as: auditor, method: "OPTIONS" })).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    }
  });

  it("meets the same handler at the bulk door", async () => {
    for (const { name, body, headers, statuses } of nastyBodies(tenantA)) {
      const request = {
        method: "POST",
        headers: { apikey: secretKey, "content-type": "application/json", ...headers },
        body: body as BodyInit,
      };
      const response = await service.app.request("/api/v1/audit/events", request);
      // This door takes half as many events as the one these bodies were made for.
      expect(name === "events all null" ? [413] : statuses, name).toContain(response.status);
    }
    const events = Array.from({ length: 501 }, () => ({ event_type: "a.b" }));
    expect(await service.ask("/events", { as: auditor, method: "POST", body: { events } })).toMatchObject({ status: 413, json: { code: "too_many_events" } });
  });
});

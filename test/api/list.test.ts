import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

type Item = { readonly id: string; readonly occurred_at: string; readonly event_type: string; readonly href: string; readonly [field: string]: unknown };
type List = { readonly events: readonly Item[]; readonly next_cursor: string | null; readonly fresh_as_of: string; readonly partial?: true };

describe("GET /events", () => {
  let service: Service;
  let viewer: string;
  const now = Date.now();
  const minutesAgo = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
  const list = async (query: string, as = viewer) => {
    const { status, json, text } = await service.ask(`/events?${query}`, { as });
    if (status !== 200) throw new Error(`${status} ${text}`);
    return json as List;
  };
  const names = async (query: string) => (await list(`source=shop&${query}`)).events.map(({ message }) => message);

  beforeAll(async () => {
    service = await startService();
    viewer = await tokenOf("viewer");
    await service.store(tenantA, [
      {
        message: "a",
        occurred_at: minutesAgo(50),
        source: "shop",
        event_type: "order.created",
        actor_id: "alice",
        actor_type: "USER",
        object_type: "ORDER",
        object_id: "o-1",
        ip_address: "10.1.2.3",
        duration_ms: 10,
      },
      {
        message: "b",
        occurred_at: minutesAgo(40),
        source: "shop",
        event_type: "order.paid",
        actor_id: "bob",
        result: "failure",
        ip_address: "2001:db8::7",
        request_id: "req-1",
        context: { order: { total: 150 }, vip: true },
      },
      {
        message: "c 100% _done\\",
        occurred_at: minutesAgo(30),
        source: "shop",
        event_type: "user.login",
        actor_id: "alice",
        result: "warning",
        duration_ms: 900,
      },
      { message: "d", occurred_at: minutesAgo(20), source: "shop", event_type: "orderly", context: { order: { total: "150" } } },
      { message: "other", occurred_at: minutesAgo(10), source: "elsewhere" },
    ]);
    await service.store(tenantB, [{ message: "foreign", source: "shop", actor_id: "alice" }]);
  });
  afterEach(() => vi.useRealTimers());
  afterAll(() => service.stop());

  /** Views are counted by ten minutes of the clock: none may end between two of a test. */
  const standStill = () => vi.useFakeTimers({ toFake: ["Date"] });

  it("gives the newest first, with the whole event, the way to it and how fresh the answer is", async () => {
    const { events, next_cursor, fresh_as_of } = await list("source=shop");
    expect(events.map(({ message }) => message)).toEqual(["d", "c 100% _done\\", "b", "a"]);
    expect(events[3]).toMatchObject({
      tenant_id: tenantA,
      actor_type: "user",
      object_type: "order",
      result: "success",
      ip_address: "10.1.2.3",
      principal: "secret:default",
    });
    expect(events[3]?.["leaf_hash"]).toMatch(/^[0-9a-f]{64}$/);
    expect(events[3]).not.toHaveProperty("seq");
    expect(next_cursor).toBeNull();
    expect(Math.abs(Date.parse(fresh_as_of) - Date.now())).toBeLessThan(60_000);
  });

  it.each<[string, string[]]>([
    ["event_type=order.paid", ["b"]],
    ["operation_type=ORDER.PAID", ["b"]],
    ["result=failure", ["b"]],
    ["result=SUCCESS", ["d", "a"]],
    ["actor_id=alice", ["c 100% _done\\", "a"]],
    ["actor_type=USER", ["a"]],
    ["object_type=order&object_id=o-1", ["a"]],
    ["ip_address=10.1.2.3", ["a"]],
    ["ip_address=10.0.0.0/8", ["a"]],
    ["ip_address=::ffff:10.1.2.3", ["a"]],
    ["ip_address=2001:DB8:0::7", ["b"]],
    ["request_id=req-1", ["b"]],
    ["q=action:order.*", ["b", "a"]],
    ["q=-action:order.*", ["d", "c 100% _done\\"]],
    ["q=actor:alice,bob -result:warning", ["b", "a"]],
    ["q=-actor:*", ["d"]],
    ["q=-actor:alice", ["d", "b"]],
    ["q=ip:10.0.0.0/8,2001:db8::/32", ["b", "a"]],
    ["q=duration:>=100", ["c 100% _done\\"]],
    ["q=duration:1..10", ["a"]],
    ["q=context.order.total:150", ["d", "b"]],
    ["q=context.vip:true", ["b"]],
    ["q=context.order:*", []],
    ["q=%22100%25 _DONE%5C%5C%22", ["c 100% _done\\"]],
    ["q=login", ["c 100% _done\\"]],
    ["q=%25", ["c 100% _done\\"]],
    ["order=asc&limit=2", ["a", "b"]],
    ["offset=1&limit=2", ["c 100% _done\\", "b"]],
  ])("filters by %s", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it("includes both ends of the window, and the whole of a bare last day", async () => {
    const [from, to] = [minutesAgo(40), minutesAgo(20)];
    expect(await names(`from=${from}&to=${to}`)).toEqual(["d", "c 100% _done\\", "b"]);
    expect(await names(`start_date=${from}&end_date=${to}`)).toEqual(["d", "c 100% _done\\", "b"]);
    const today = new Date(now + 86_400_000).toISOString().slice(0, 10);
    expect(await names(`from=${minutesAgo(60)}&to=${today}`)).toHaveLength(4);
    expect(await names(`q=created:${from}..${to}`)).toEqual(["d", "c 100% _done\\", "b"]);
  });

  it("shows the last seven days when no window is given", async () => {
    const [old] = await service.store(tenantA, [{ source: "old", occurred_at: new Date(now - 6.9 * 86_400_000).toISOString() }]);
    // The day of the earlier event itself: what stands eight days back, or on the day of the other one, is the right partition at some hours only.
    await service.admin.query("select audit_log.ensure_partition(((now() - interval '7 days 1 hour') at time zone 'utc')::date)");
    await service.admin.query(
      `insert into audit_log.events (tenant_id, occurred_at, id, seq, received_at, principal, source, event_type, result, leaf_hash)
       values ($1, date_trunc('milliseconds', now() - interval '7 days 1 hour'), gen_random_uuid(), 0, now(), 'x', 'old', 'x', 'success', sha256(''))`,
      [tenantA],
    );
    expect((await list("source=old")).events.map(({ id }) => id)).toEqual([old?.id]);
    expect((await list(`source=old&from=${new Date(now - 8 * 86_400_000).toISOString()}`)).events).toHaveLength(2);
  });

  it("leads through pages by cursor and by Link, in either order, without a gap", async () => {
    for (const order of ["asc", "desc"]) {
      const seen: unknown[] = [];
      let query: string | undefined = `source=shop&order=${order}&limit=1`;
      while (query !== undefined) {
        const { headers, json } = await service.ask(`/events?${query}`, { as: viewer });
        const page = json as List;
        seen.push(...page.events.map(({ message }) => message));
        const link = /^<\?([^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
        expect(link === undefined).toBe(page.next_cursor === null);
        expect(link === undefined ? null : new URLSearchParams(link).get("cursor")).toBe(page.next_cursor);
        query = link;
      }
      const all = ["a", "b", "c 100% _done\\", "d"];
      expect(seen).toEqual(order === "asc" ? all : all.reverse());
    }
  });

  it("answers the seeds' callers: a page by offset leads on by cursor", async () => {
    const first = await list("source=shop&limit=2&offset=1");
    const rest = await list(`source=shop&limit=2&cursor=${first.next_cursor}`);
    expect([...first.events, ...rest.events].map(({ message }) => message)).toEqual(["c 100% _done\\", "b", "a"]);
  });

  it("asks a caller of several tenants for one of them, and shows only that one", async () => {
    const both = await tokenOf("viewer", [tenantA, tenantB]);
    const refused = await service.ask("/events", { as: both });
    expect(refused).toMatchObject({ status: 400, json: { code: "invalid_parameter", errors: [{ pointer: "tenant_id" }] } });
    expect((await list(`tenant_id=${tenantB}&source=shop`, both)).events.map(({ message }) => message)).toEqual(["foreign"]);
    expect((await list(`tenant_id=${tenantB.toUpperCase()}&source=shop`, both)).events).toHaveLength(1);
  });

  it("records a view once per principal and filter", async () => {
    standStill();
    const sub = "11111111-1111-4111-8111-111111111111";
    const token = await tokenOf("viewer", [tenantA], sub);
    await list("source=shop&actor_id=alice", token);
    await list("source=shop&actor_id=alice&limit=1", token);
    await list("q=actor:alice source:shop", token);
    await list("source=shop&actor_id=bob", token);
    await service.settled();
    const { events } = await list(`q=principal:user:${sub} action:audit.events.viewed`);
    expect(events).toHaveLength(2);
    const contexts = events.map(({ context }) => JSON.stringify(context));
    expect(contexts.filter((context) => context.includes("alice"))).toHaveLength(1);
    expect(events[0]).toMatchObject({ actor_id: sub, actor_type: "user", source: "audit-events", object_type: "audit.filter", result: "success" });
  });

  it("records a view once although two processes see it", async () => {
    standStill();
    const other = await startService({ database: service.database });
    const sub = "22222222-2222-4222-8222-222222222222";
    const token = await tokenOf("viewer", [tenantA], sub);
    await Promise.all([service, other].map((one) => one.ask("/events?source=shop", { as: token })));
    await Promise.all([service.settled(), other.settled()]);
    await other.stop();
    expect((await list(`q=principal:user:${sub}`)).events).toHaveLength(1);
  });

  it("shows a view although it could not be recorded, and tells the operator", async () => {
    const broken = await startService();
    await broken.admin.query("revoke execute on all functions in schema audit_log from audit_ingest");
    const answer = await broken.ask("/events", { as: viewer });
    await broken.settled();
    expect(answer.status).toBe(200);
    expect(broken.logs.some((line) => line.includes("access.not_recorded"))).toBe(true);
    await broken.stop();
  });
});

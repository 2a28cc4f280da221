import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { statement } from "../../adapters/postgres/query-fragment.ts";
import { pageSql } from "../../adapters/postgres/query-page.ts";
import { histogramSql } from "../../adapters/postgres/query-stats.ts";
import type { Fragment } from "../../adapters/postgres/query-fragment.ts";
import type { Filter } from "../../core/query-filter.ts";
import { filterOf, questionOf } from "../../core/query.ts";
import { listParameters } from "../../core/query-parameters.ts";
import { seedEvents, type Service, startService, tenantA, tenantB } from "./service.ts";

/** A node of EXPLAIN's JSON, with the parts that these tests look at. */
type Plan = {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Filter"?: string;
  readonly "Subplan Name"?: string;
  readonly "Plans"?: readonly Plan[];
};

const days = 200;

describe("plans over 200 daily partitions", () => {
  let service: Service;
  let client: pg.Client;
  // Noon of yesterday: of a day that has just begun, or of one that the window only touches, another plan would be the better one.
  const endsAt = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000 - 43_200_000);

  beforeAll(async () => {
    service = await startService();
    await seedEvents(service.admin, tenantA, days * 400, { days, endsAt });
    await seedEvents(service.admin, tenantB, days * 400, { days, endsAt });
    client = new pg.Client({ connectionString: service.database.url });
    await client.connect();
    await client.query("begin read only; set local role authenticated; set local jit = off");
    await client.query("select set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ app_metadata: { tenant_ids: [tenantA], audit_role: "viewer" } }),
    ]);
  });
  afterAll(async () => {
    await client?.end();
    await service?.stop();
  });

  // As the reader asks where nothing of the window is deleted.
  const filter = (query: string): Filter => ({
    ...filterOf(questionOf(listParameters.parse(Object.fromEntries(new URLSearchParams(query))), tenantA), endsAt, 60),
    includeDeleted: true,
  });
  const explain = async (fragment: Fragment): Promise<readonly Plan[]> => {
    const { text, values } = statement(fragment);
    const { rows } = await client.query(`explain (format json) ${text}`, values);
    return nodesOf(rows[0]["QUERY PLAN"][0].Plan);
  };
  const page = (query: string) => explain(pageSql(filter(query), "desc", undefined, 101, 0));
  const partitions = (plan: readonly Plan[]) =>
    [...new Set(plan.flatMap((node) => node["Relation Name"] ?? []))].filter((name) => /^events_\d{8}$/.test(name)).sort();
  const lastDays = (count: number) =>
    Array.from({ length: count }, (_, back) => `events_${new Date(endsAt.getTime() - back * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "")}`)
      .sort();

  it("have 200 partitions to choose from", async () => {
    const { rows } = await service.admin.query("select count(*)::int as count from pg_inherits where inhparent = 'audit_log.events'::regclass");
    expect(rows[0].count).toBeGreaterThanOrEqual(days);
  });

  it.each([
    ["", 8],
    [`from=${endsAt.toISOString().slice(0, 10)}`, 1],
    [`from=${new Date(endsAt.getTime() - 29 * 86_400_000).toISOString().slice(0, 10)}`, 30],
    ["actor_id=user-7", 8],
    ["q=declined -result:success", 8],
  ])("read only the partitions of the window: %s", async (query, count) => {
    // An hour ahead may be tomorrow, whose partition need not exist.
    expect(partitions(await page(query)).filter((name) => name <= (lastDays(1)[0] ?? ""))).toEqual(lastDays(count));
    expect(partitions(await explain(histogramSql(filter(query), 3_600_000))).filter((name) => name <= (lastDays(1)[0] ?? ""))).toEqual(lastDays(count));
  });

  it("read only what lies behind a cursor", async () => {
    const position = { occurredAt: new Date(endsAt.getTime() - 5 * 86_400_000).toISOString(), id: "00000000-0000-0000-0000-000000000000" };
    const plan = await explain(pageSql(filter(""), "desc", position, 101, 0));
    expect(partitions(plan)).toHaveLength(3);
    expect(partitions(plan).at(-1)).toBe(lastDays(6)[0]);
  });

  it.each(["", "actor_id=user-7", "object_type=order&object_id=order-1000", "q=order.*", "result=failure"])(
    "ask for the claims once, before any row: %s",
    async (query) => {
      const plan = await page(query);
      expect(plan.filter((node) => /^InitPlan/.test(node["Subplan Name"] ?? ""))).toHaveLength(2);
      expect(plan.filter((node) => /^SubPlan/.test(node["Subplan Name"] ?? ""))).toEqual([]);
    },
  );

  it.each([
    ["", /_pkey$|tenant_id_occurred_at_id|events_are_identified/, /tenant_id = .*occurred_at >= .*occurred_at <= /, /./],
    ["actor_id=user-7", /actor_hash/, /actor_hash = .*<< 58\) \| '\d+'.*occurred_at >= /, /(?=.*tenant_id = )(?=.*actor_id = )/],
    ["q=actor:user-7,user-8", /actor_hash/, /actor_hash = ANY \(.*<< 58\) \| '\d+'.*occurred_at >= /, /(?=.*tenant_id = )(?=.*actor_id = ANY)/],
    [
      "object_type=order&object_id=order-1000",
      /object_hash/,
      /object_hash = .*<< 58\) \| '\d+'.*occurred_at >= /,
      /(?=.*tenant_id = )(?=.*object_type = )(?=.*object_id = )/,
    ],
    [
      "object_id=order-1000&actor_id=user-7",
      /object_hash/,
      /object_hash = .*<< 58\) \| '\d+'.*occurred_at >= /,
      /(?=.*tenant_id = )(?=.*actor_id = )(?=.*object_id = )/,
    ],
  ])("use an index on every partition, and no sequential scan: %s", async (query, name, condition, check) => {
    const scans = (await page(query)).filter((node) => /^(events|deletions)_/.test(node["Relation Name"] ?? node["Index Name"] ?? ""));
    expect(scans.map((node) => node["Node Type"]).filter((type) => /Seq Scan/.test(type))).toEqual([]);
    const indexed = scans.filter((node) => node["Index Name"] !== undefined);
    expect(indexed.length).toBeGreaterThanOrEqual(8);
    for (const node of indexed) {
      expect(node["Index Name"]).toMatch(name);
      expect(node["Index Cond"]).toMatch(condition);
      // Two texts can have one hash: what is read by it is compared as text, and tenant by tenant.
      expect(`${node["Index Cond"]} ${node["Filter"]}`).toMatch(check);
    }
  });

  it("leave out what is deleted by its key, for as many rows as a page has", async () => {
    const plan = await explain(pageSql({ ...filter(""), includeDeleted: false }, "desc", undefined, 101, 0));
    expect(plan.filter(({ "Node Type": type }) => /Sort|Hash/.test(type))).toEqual([]);
    expect(plan.some((node) => node["Index Name"] === "deletions_are_one_per_event")).toBe(true);
  });

  it("take the newest page without sorting the window", async () => {
    const plan = await page("");
    expect(plan.filter(({ "Node Type": type }) => /Sort/.test(type))).toEqual([]);
    expect(plan.some(({ "Node Type": type }) => type === "Append")).toBe(true);
  });
});

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

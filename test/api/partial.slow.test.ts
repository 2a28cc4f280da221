import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPool } from "../../adapters/postgres/pool.ts";
import { readAs } from "../../adapters/postgres/claims.ts";
import { readPage } from "../../adapters/postgres/query-page.ts";
import { readStats } from "../../adapters/postgres/query-stats.ts";
import type { Filter, Order } from "../../core/query-filter.ts";
import type { Page, PageRequest } from "../../core/query-store.ts";
import { filterOf, questionOf } from "../../core/query.ts";
import { listParameters } from "../../core/query-parameters.ts";
import { seedEvents, type Service, startService, tenantA, tenantB, tokenOf } from "./service.ts";

const claims = { sub: "user", app_metadata: { tenant_ids: [tenantA], audit_role: "viewer" } } as const;

describe("questions that take too long", () => {
  let service: Service;
  let pool: pg.Pool;
  const endsAt = new Date();
  const filter = (query: string): Filter => filterOf(questionOf(listParameters.parse(Object.fromEntries(new URLSearchParams(query))), tenantA), endsAt, 60);
  /** What is left of a request's time, when it began with `ms`. */
  const clock = (ms: number) => {
    const end = performance.now() + ms;
    return () => end - performance.now();
  };

  beforeAll(async () => {
    service = await startService();
    await seedEvents(service.admin, tenantA, 30_000, { days: 2, endsAt });
    await seedEvents(service.admin, tenantB, 5_000, { days: 2, endsAt });
    pool = createPool({ databaseUrl: service.database.url, databasePoolSize: 2 }, () => {});
  }, 60_000);
  afterAll(async () => {
    await pool.end();
    await service.stop();
  });

  /** Asks again, as a client does after 503, when a busy machine left no time even for the smallest part. */
  const again = (ask: () => Promise<Page>) => async (error: unknown): Promise<Page> => {
    for (let attempt = 0; attempt < 100 && (error as { code?: string }).code === "unavailable"; attempt++) {
      try {
        return await ask();
      } catch (next) {
        error = next;
      }
    }
    throw error;
  };

  /** All that matches: a search for words is answered in part as soon as it takes long, whatever time it is given. */
  const idsOf = async (query: string, order: Order) => {
    const ids: string[] = [];
    let request: PageRequest = { filter: filter(query), order, limit: 30_000 };
    for (;;) {
      const page: Page = await readAs({ pool, log: () => {} }, claims, (transaction) => readPage(transaction, request, clock(60_000)), 60_000);
      ids.push(...page.events.map(({ event }) => event.id));
      if (page.next === undefined) return ids;
      request = { ...request, after: page.next, sliceMs: page.sliceMs };
    }
  };

  it.each<[string, Order, number, number]>([
    ["q=%22number 2%22 -result:success", "desc", 100, 0],
    ["q=%22number 2%22 -result:success", "asc", 1000, 0],
    ["q=%22event number 12%22", "desc", 7, 55],
    ["q=%22no such text%22", "desc", 100, 0],
  ])("are answered in part, and the parts are the whole: %s %s", { timeout: 60_000 }, async (query, order, limit, offset) => {
    const expected = (await idsOf(query, order)).slice(offset);
    const seen: string[] = [];
    let request: PageRequest = { filter: filter(query), order, limit, offset };
    let partial = 0;
    for (let pages = 0; pages < 5_000; pages++) {
      // One millisecond for the whole question, a few for its slices: every page runs out of time somewhere.
      const ask = () => readAs({ pool, log: () => {} }, claims, (transaction) => readPage(transaction, request, clock(Math.random() * 30)), 1);
      const page: Page = await ask().catch(again(ask));
      expect(page.events.length).toBeLessThanOrEqual(limit);
      seen.push(...page.events.map(({ event }) => event.id));
      if (page.partial) partial++;
      if (page.next === undefined) break;
      const slow = page.partial ? { sliceMs: page.sliceMs, offset: page.offset ?? 0 } : { offset: 0 };
      request = { filter: filter(query), order, limit, after: page.next, ...slow };
    }
    expect(seen).toEqual(expected);
    expect(partial).toBeGreaterThan(0);
  });

  it("are counted from the newest on, and exactly as far as they say", async () => {
    const whole = await readAs(
      { pool, log: () => {} },
      claims,
      (transaction) => readStats(transaction, { filter: filter("q=number"), buckets: 120 }, clock(60_000)),
      60_000,
    );
    expect(whole).toMatchObject({ partial: false, countedFrom: filter("").from });
    let cut = 0;
    for (let attempt = 0; attempt < 20; attempt++) {
      const part = await readAs(
        { pool, log: () => {} },
        claims,
        (transaction) => readStats(transaction, { filter: filter("q=number"), buckets: 120 }, clock(attempt * 6)),
        60_000,
      );
      const from = part.countedFrom ?? "9999";
      if (part.partial) cut++;
      expect(part.buckets.filter((bucket) => bucket.from >= from)).toEqual(whole.buckets.filter((bucket) => bucket.from >= from));
      expect(part.buckets.filter((bucket) => bucket.to < from).every(({ success, failure, warning }) => success + failure + warning === 0)).toBe(true);
    }
    expect(cut).toBeGreaterThan(0);
  });

  it("keep the claims of their transaction when they go on after a timeout", async () => {
    const page = await readAs(
      { pool, log: () => {} },
      claims,
      (transaction) => readPage(transaction, { filter: filter("q=number"), order: "desc", limit: 50 }, clock(30_000)),
      1,
    );
    expect(page.events.length).toBe(50);
    expect(page.events.every(({ event }) => event.tenant_id === tenantA)).toBe(true);
  });

  it("say so through the API, and their cursor goes on", async () => {
    const slow = await startService({
      database: service.database,
      replace: (parts) => ({
        reader: {
          ...parts.reader,
          page: (who, request) => readAs({ pool, log: () => {} }, who, (transaction) => readPage(transaction, request, clock(15)), 1),
        },
      }),
    });
    const token = await tokenOf("viewer");
    let path: string | undefined = "/events?q=%22event number 77%22&limit=1000";
    const seen: unknown[] = [];
    let partial = false;
    for (let pages = 0; path !== undefined && pages < 5_000; pages++) {
      const { json, headers }: Awaited<ReturnType<Service["ask"]>> = await slow.ask(path, { as: token });
      const body = json as { readonly events: readonly { readonly id: string }[]; readonly partial?: true; readonly next_cursor: string | null };
      seen.push(...body.events.map(({ id }) => id));
      partial ||= body.partial === true;
      const link: string | undefined = /^<(\?[^>]+)>/.exec(headers.get("link") ?? "")?.[1];
      path = link === undefined ? undefined : `/events${link}`;
    }
    await slow.stop();
    expect(partial).toBe(true);
    expect(seen).toEqual(await idsOf("q=%22event number 77%22", "desc"));
  });
});

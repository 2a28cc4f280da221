import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tenantA, tokenOf } from "../api/service.ts";
import { eventsOf } from "../archive/archived-log.ts";
import type { ArchivedService } from "./archived-service.ts";
import { startArchived } from "./archived-service.ts";

const window = "from=2026-02-20&to=2026-07-01";

/** Filters of every kind, as parameters and as query text; each finds something on its side of the line or the other. */
const filters = [
  "",
  "result=failure",
  "event_type=order.created",
  "source=crm.eu-1&result=success",
  "actor_type=user",
  "object_type=order&object_id=order-7",
  "request_id=nothing",
  "ip_address=192.0.2.0/24",
  "q=action:order.* -result:success",
  "q=-actor:user-1*",
  "q=actor:user-1*",
  "q=東京",
  "q=duration:>1000000000",
  "q=action:user.login OR action:x/y:z",
  "q=alpha -source:checkout",
].filter((filter) => !filter.includes(" OR "));
const windows = [window, "from=2026-03-01T06:00:00Z&to=2026-03-02T18:00:00Z", "from=2026-03-02&to=2026-03-02", "from=2026-03-03&to=2026-06-14T12:00:00Z"];

/** How much is archived, and of how many tenants; questions are asked for the first. */
export type Volume = { readonly days: readonly string[]; readonly eventsPerDay: number; readonly tenants: readonly string[] };

export function describeSameAnswers({ days, eventsPerDay, tenants }: Volume): void {
  describe("what was asked before archiving", () => {
    let archived: ArchivedService;
    let admin: string;
    let questions: readonly (() => Promise<unknown>)[];
    let before: readonly unknown[];
    let receipts: readonly string[];
    let sample: readonly { readonly id: string; readonly occurred_at: string }[];

    const ask = async (path: string) => {
      const answer = await archived.service.ask(path, { as: admin });
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
      return answer;
    };
    const json = async (path: string) => (await ask(path)).json as Record<string, unknown>;
    /** Every page to the end, with the sizes of the pages. */
    const walk = async (path: string) => {
      const events: unknown[] = [];
      const sizes: number[] = [];
      let cursor: string | null = null;
      do {
        const page: Record<string, unknown> = await json(cursor === null ? path : `${path.replace(/&offset=\d+/, "")}&cursor=${cursor}`);
        if (page["partial"]) throw new Error("a page was partial");
        events.push(...page["events"] as unknown[]);
        sizes.push((page["events"] as unknown[]).length);
        cursor = page["next_cursor"] as string | null;
      } while (cursor !== null);
      return { events, sizes };
    };
    const rowsOf = async (format: string, query: string) => {
      const { text } = await ask(`/events/export?format=${format}&${query}`);
      const lines = text.split("\n").filter((line) => line !== "" && !line.includes("audit_events_export"));
      // The order of a context's keys is nobody's promise.
      return format === "ndjson" ? lines.map((line) => JSON.parse(line)) : lines;
    };
    const stats = async (query: string) => {
      const { fresh_as_of: _, ...rest } = await json(`/stats?${query}`);
      return rest;
    };

    beforeAll(async () => {
      archived = await startArchived();
      admin = await tokenOf("admin");
      await archived.ingest([
        ...days.flatMap((day, n) => eventsOf(day, eventsPerDay, n + 1, tenants)),
        ...eventsOf("2026-06-14", Math.ceil(eventsPerDay / 2), 9, tenants),
      ]);
      const first = await json(`/events?${window}&limit=1000`);
      sample = (first["events"] as typeof sample).filter((_, index) => index % 40 === 0);
      for (const { id, occurred_at } of sample.slice(0, 4)) {
        await archived.service.ask(`/events/${id}?at=${occurred_at}`, { method: "DELETE", as: admin, body: { reason: "test" } });
      }
      for (const { id, occurred_at } of sample.slice(-4)) {
        await archived.service.ask(`/events/${id}?at=${occurred_at}`, { method: "DELETE", as: admin, body: { reason: "test" } });
      }
      questions = [
        ...filters.flatMap((filter) =>
          [`${window}&limit=1000&${filter}`, `${window}&limit=397&order=asc&${filter}`].map((query) => () => walk(`/events?${query}`))
        ),
        ...windows.flatMap((one) =>
          [`${one}&limit=97`, `${one}&limit=97&order=asc`, `${one}&limit=1000&include_deleted=true`].map((query) => () => walk(`/events?${query}`))
        ),
        ...[0, 5, 120, 135, 290, 310, 700].map((offset) => () => walk(`/events?${window}&limit=200&offset=${offset}`)),
        ...filters.map((filter) => () => stats(`${window}&${filter}`)),
        ...windows.map((one) => () => stats(`${one}&buckets=40`)),
        () => stats(`${window}&include_deleted=true`),
        ...["", "result=failure", "include_deleted=true", "order=asc"].map((filter) => () => rowsOf("ndjson", `${window}&${filter}`)),
        () => rowsOf("csv", `${window}&q=actor:user-1*`),
        ...sample.map(({ id, occurred_at }) => () =>
          archived.service.ask(`/events/${id}?at=${occurred_at}`, { as: admin }).then((answer) => answer.status === 404 ? 404 : answer.json)
        ),
        ...sample.map(({ id, occurred_at }) => () => json(`/events/${id}?at=${occurred_at}&include_deleted=true`)),
      ];
      before = [];
      for (const question of questions) before = [...before, await question()];
      receipts = [];
      for (const { id, occurred_at } of sample.slice(4, -4)) receipts = [...receipts, (await ask(`/events/${id}/receipt?at=${occurred_at}`)).text];
      await archived.archive();
    }, 1_200_000);
    afterAll(() => archived?.stop());

    it("is no longer in Postgres", async () => {
      const { rows } = await archived.log.admin.query("select count(*)::int as hot from audit_log.events where occurred_at < '2026-04-01'");
      expect(rows[0].hot).toBe(0);
      const { archives } = (await archived.service.ask("/archives", { as: admin })).json as { readonly archives: readonly { readonly day: string }[] };
      expect(archives.map(({ day }) => day)).toEqual([...days].reverse());
    });

    it("is answered the same after it: lists, walks, offsets, statistics, exports and details", { timeout: 1_200_000 }, async () => {
      expect(before.length).toBeGreaterThan(90);
      for (const [index, question] of questions.entries()) expect(await question(), `question ${index}`).toEqual(before[index]);
    });

    it("is proven by the same receipts", async () => {
      for (const [index, { id, occurred_at }] of sample.slice(4, -4).entries()) {
        expect((await ask(`/events/${id}/receipt?at=${occurred_at}`)).text).toBe(receipts[index]);
      }
    });

    it("shows nothing of another tenant", async () => {
      const other = await tokenOf("admin", ["99999999-9999-4999-8999-999999999999"]);
      expect((await archived.service.ask(`/events?${window}`, { as: other })).json).toMatchObject({ events: [], next_cursor: null });
      const [event] = sample;
      expect((await archived.service.ask(`/events/${event?.id}?at=${event?.occurred_at}`, { as: other })).status).toBe(404);
      expect((await archived.service.ask("/archives", { as: other })).json).toMatchObject({ archives: [] });
      expect((await archived.service.ask(`/events?${window}&tenant_id=${tenantA}`, { as: other })).status).toBe(403);
    });
  });
}

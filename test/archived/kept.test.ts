import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../core/event.ts";
import { tenantA, tokenOf } from "../api/service.ts";
import { eventsOf } from "../archive/archived-log.ts";
import type { ArchivedService } from "./archived-service.ts";
import { startArchived } from "./archived-service.ts";

const day = "2026-03-01";
const otherDay = "2026-03-02";
const window = `from=${day}&to=${otherDay}`;

describe("archived days, holds and deletions", () => {
  let archived: ArchivedService;
  let admin: string;
  let events: readonly AuditEvent[];
  beforeAll(async () => {
    archived = await startArchived();
    admin = await tokenOf("admin");
    events = [...eventsOf(day, 150, 1, [tenantA]), ...eventsOf(otherDay, 150, 2, [tenantA])];
    await archived.ingest(events);
  });
  afterAll(() => archived?.stop());

  const ask = async (path: string) => {
    const { status, json, text } = await archived.service.ask(path, { as: admin });
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return json as Record<string, unknown>;
  };
  const idsOf = async (query: string) =>
    (await ask(`/events?${window}&limit=1000&${query}`) as { readonly events: readonly { readonly id: string }[] }).events.map(({ id }) => id);
  const remove = ({ id, occurred_at }: Pick<AuditEvent, "id" | "occurred_at">) =>
    archived.service.ask(`/events/${id}?at=${occurred_at}`, { method: "DELETE", as: admin, body: { reason: "asked for" } });
  const place = async (body: Record<string, unknown>) => {
    const { json, status, text } = await archived.service.ask("/holds", { method: "POST", as: admin, body: { reason: "case", ...body } });
    if (status !== 201) throw new Error(text);
    return (json as { readonly hold: { readonly id: string; readonly archived_days: number } }).hold;
  };
  const release = (id: string) => archived.service.ask(`/holds/${id}/release`, { method: "POST", as: admin, body: { reason: "over" } });
  const report = async () => await ask(`/reports/compliance?${window}`) as Record<string, Record<string, unknown>>;

  it("are read exactly once by whoever reads while days are archived, and reported the same after", async () => {
    const expected = events.map(({ id }) => id).sort();
    const before = await report();
    let isDone = false;
    const archiving = archived.archive().finally(() => isDone = true);
    let walks = 0;
    while (!isDone || walks < 3) {
      const order = walks % 2 === 0 ? "asc" : "desc";
      const ids: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Record<string, unknown> = await ask(`/events?${window}&limit=90&order=${order}${cursor === null ? "" : `&cursor=${cursor}`}`);
        ids.push(...(page["events"] as readonly { readonly id: string }[]).map(({ id }) => id));
        cursor = page["next_cursor"] as string | null;
      } while (cursor !== null);
      expect(ids.sort()).toEqual(expected);
      expect(await ask(`/stats?${window}`)).toMatchObject({ total: expected.length });
      walks++;
    }
    await archiving;
    const after = await report();
    expect(before["archives"]).toMatchObject({ days: 0 });
    expect(after["archives"]).toMatchObject({ days: 2, rows: expected.length, held: 0, expired: 0 });
    for (const section of ["events", "access", "seal"]) expect(after[section]).toEqual(before[section]);
  });

  it("hide a deleted event as hot days do, and keep its hash and its proof", async () => {
    const [event] = events;
    if (event === undefined) throw new Error("no event");
    const receipt = `/events/${event.id}/receipt?at=${event.occurred_at}`;
    const before = (await archived.service.ask(receipt, { as: admin })).text;
    expect(await remove(event)).toMatchObject({ status: 200, json: { status: "deleted" } });
    expect(await remove(event)).toMatchObject({ status: 200, json: { status: "deleted_before" } });
    expect(await idsOf("")).not.toContain(event.id);
    expect(await idsOf("include_deleted=true")).toContain(event.id);
    expect((await archived.service.ask(`/events/${event.id}?at=${event.occurred_at}`, { as: admin })).status).toBe(404);
    expect((await archived.service.ask(`/events/export?${window}&format=ndjson`, { as: admin })).text).not.toContain(event.id);
    expect(await ask(`/stats?${window}`)).toMatchObject({ total: events.length - 1 });
    expect((await archived.service.ask(receipt, { as: admin })).status).toBe(404);
    expect((await archived.service.ask(`${receipt}&include_deleted=true`, { as: admin })).text).toBe(before);
    const shown = await ask(`/events/${event.id}?at=${event.occurred_at}&include_deleted=true`);
    expect(shown).toMatchObject({ event: { id: event.id, deleted: { reason: "asked for" } } });
    const { seal, deletions, events: counted } = await report();
    expect([deletions?.["events"], counted?.["total"], seal?.["sealed"]]).toEqual([1, events.length - 1, events.length]);
  });

  it("know no event that the archive does not have", async () => {
    expect((await remove({ id: "01890000-0000-4000-8000-000000000000", occurred_at: `${day}T10:00:00.000Z` })).status).toBe(404);
    const { rows } = await archived.log.admin.query("select count(*)::int as count from audit_log.deletions");
    expect(rows[0].count).toBe(1);
  });

  it("are held whole by whatever overlaps them, and not by what does not", async () => {
    const [onDay, onOther] = [events[7], events[160]] as [AuditEvent, AuditEvent];
    const hold = await place({ actor_id: "nobody", from: `${day}T23:00:00Z`, to: `${day}T23:00:01Z` });
    expect(hold.archived_days).toBe(1);
    expect(await remove(onDay)).toMatchObject({ status: 409, json: { code: "held" } });
    expect((await remove(onOther)).status).toBe(200);
    await release(hold.id);
    expect((await remove(onDay)).status).toBe(200);
  });

  it("stay past their time while they are held, expire when they are not, and are then nowhere", async () => {
    await archived.log.admin.query("update audit_log.archives set expires_at = now() - interval '1 day'");
    const hold = await place({ object_type: "unheard-of", to: day });
    await archived.archive();
    const states = async () =>
      ((await ask("/archives"))["archives"] as readonly { readonly day: string; readonly state: string }[]).map((one) => [one.day, one.state]);
    expect(await states()).toEqual([[otherDay, "deleted"], [day, "archived"]]);
    expect(await idsOf("include_deleted=true")).toHaveLength(150);
    await release(hold.id);
    // What was held is looked at again in an hour.
    await archived.log.admin.query("update audit_log.archives set retry_at = null");
    await archived.archive();
    expect(await states()).toEqual([[otherDay, "deleted"], [day, "deleted"]]);
    expect(await idsOf("include_deleted=true")).toEqual([]);
    expect((await report())["archives"]).toMatchObject({ days: 0, expired: 2 });
    expect((await archived.service.ask(`/events/${events[3]?.id}?at=${events[3]?.occurred_at}`, { as: admin })).status).toBe(404);
  });

  it("stand in the report, each figure with the query that gives it", async () => {
    const hold = await place({ actor_id: "zoe" });
    await archived.service.ask("/retention", { method: "PUT", as: admin, body: { retention_years: 7 } });
    const found = await ask("/reports/compliance") as Record<string, Record<string, unknown>>;
    const follow = async (query: unknown) => {
      const { pathname, search } = new URL(String(query), "http://service/api/v1/audit/reports/compliance");
      return await ask(`${pathname}${search}`.replace("/api/v1/audit", ""));
    };
    expect(found["retention"]).toMatchObject({ retention_years: 7, is_default: false });
    expect(await follow(found["retention"]?.["query"])).toMatchObject({ retention_years: 7, is_default: false });
    const holds = found["holds"] ?? {};
    expect(holds).toMatchObject({ active: 1 });
    expect((await follow(holds["query"]))["holds"]).toMatchObject([{ id: hold.id }]);
    expect((await follow(holds["placed_query"]))["events"]).toHaveLength(holds["placed"] as number);
    expect((await follow(holds["released_query"]))["events"]).toHaveLength(holds["released"] as number);
    const past = await report();
    expect((await follow(past["archives"]?.["query"]))["archives"]).toHaveLength(2);
    const withDeleted = await follow(found["deletions"]?.["query"]);
    expect(Number(withDeleted["total"])).toBeGreaterThanOrEqual(Number(found["deletions"]?.["events"]));
  });
});

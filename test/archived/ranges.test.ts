import { parquetMetadata } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../core/event.ts";
import { limits } from "../../core/limits.ts";
import type { Condition, Filter, Position } from "../../core/query-filter.ts";
import type { EventReader } from "../../core/query-store.ts";
import { tenantA, tokenOf } from "../api/service.ts";
import type { ArchivedService } from "./archived-service.ts";
import { startArchived } from "./archived-service.ts";
import { actorsDay, claims, day, type Fetched, readerOn, watched, wholeDay } from "./reading.ts";

const rows = 3 * limits.archiveRowGroupRows;

describe("reading part of an archived day", () => {
  let archived: ArchivedService;
  let events: readonly AuditEvent[];
  let groups: readonly { readonly from: number; readonly to: number }[];
  let fileKey: string;

  beforeAll(async () => {
    archived = await startArchived();
    events = actorsDay(rows);
    await archived.ingest(events);
    await archived.archive();
    fileKey = (await archived.store.list(`tenant_id=${tenantA}/date=${day}/`)).find((key) => key.endsWith(".parquet")) ?? "";
    const bytes = await archived.store.get(fileKey) ?? new Uint8Array();
    const metadata = parquetMetadata(bytes.slice().buffer);
    groups = metadata.row_groups.map((group) => {
      const chunks = group.columns.flatMap(({ meta_data: chunk }) => chunk === undefined ? [] : [chunk]);
      const starts = chunks.map((chunk) => Number(chunk.dictionary_page_offset ?? chunk.data_page_offset));
      return { from: Math.min(...starts), to: Math.max(...chunks.map((chunk, at) => (starts[at] ?? 0) + Number(chunk.total_compressed_size))) };
    });
  });
  afterAll(() => archived?.stop());

  const actor = (value: string): Condition => ({ kind: "text", field: "actor_id", values: [value], prefixes: [], negated: false });
  /** Row groups of which any byte was fetched, other than by the look at the footer. */
  const groupsOf = (fetched: readonly Fetched[]) => {
    const reads = fetched.filter(({ key }) => key === fileKey).slice(1);
    return groups.flatMap(({ from, to }, index) => reads.some(({ start, end }) => start < to && end > from) ? [index] : []);
  };
  const read = async (filter: Partial<Filter>, order: "asc" | "desc" = "desc", limit = 1000) => {
    const { store, fetched } = watched(archived.store);
    const page = await readerOn(archived.log, store).page(claims, { filter: { ...wholeDay, ...filter }, order, limit });
    return { page, fetched };
  };

  it("has three row groups in one file that is too large to be fetched whole", async () => {
    expect(groups).toHaveLength(3);
    expect(await archived.store.size(fileKey)).toBeGreaterThan(3 * limits.archivedWholeBytes);
  });

  it.each([["alice", 0], ["bob", 1], ["carol", 2]])("fetches only the row group that can hold the actor: %s", async (name, group) => {
    const { page, fetched } = await read({ conditions: [actor(name)] });
    expect(page.events).toHaveLength(1000);
    expect(page.events.every(({ event }) => event.actor_id === name)).toBe(true);
    expect(groupsOf(fetched)).toEqual([group]);
  });

  it("fetches the footer and no row for what no row group can hold", async () => {
    const { page, fetched } = await read({ conditions: [actor("mallory")] });
    expect(page).toMatchObject({ events: [], next: undefined, partial: false });
    expect(groupsOf(fetched)).toEqual([]);
    expect(fetched.reduce((sum, { start, end }) => sum + end - start, 0)).toBeLessThan(limits.archivedWholeBytes + 10_000);
  });

  it("fetches only the row groups of the window, and as many as the page needs", async () => {
    const [first, middle] = [events[10], events[limits.archiveRowGroupRows + 10]];
    expect(groupsOf((await read({ to: first?.occurred_at ?? "" })).fetched)).toEqual([0]);
    expect(groupsOf((await read({ from: middle?.occurred_at ?? "", to: middle?.occurred_at ?? "" })).fetched)).toEqual([1]);
    expect(groupsOf((await read({}, "asc", 50)).fetched)).toEqual([0]);
    expect(groupsOf((await read({}, "desc", 50)).fetched)).toEqual([2]);
  });

  it("fetches all row groups for a question that statistics cannot narrow", async () => {
    expect(groupsOf((await read({ conditions: [{ ...actor("bob"), negated: true }] }, "desc", limits.archiveRowGroupRows + 1)).fetched)).toEqual([0, 1, 2]);
  });

  it("fetches one row group for one event", async () => {
    const { store, fetched } = watched(archived.store);
    const wanted = events[limits.archiveRowGroupRows + 77];
    const found = await readerOn(archived.log, store).find(claims, { tenantId: tenantA, occurredAt: wanted?.occurred_at ?? "", id: wanted?.id ?? "" }, false);
    expect(found?.event).toEqual({ ...wanted });
    expect(groupsOf(fetched)).toEqual([1]);
  });

  it("goes back to what it has decoded for the next page", async () => {
    const { store, fetched } = watched(archived.store);
    const reader = readerOn(archived.log, store);
    const first = await reader.page(claims, { filter: wholeDay, order: "asc", limit: 200 });
    const reads = fetched.length;
    await reader.page(claims, { filter: wholeDay, order: "asc", limit: 200, after: first.next });
    expect(fetched.length).toBe(reads);
  });

  /** All pages to the end; `partial` counts those that ran out of their budget. */
  const walk = async (reader: EventReader, order: "asc" | "desc", filter: Partial<Filter> = {}) => {
    const ids: string[] = [];
    let after: Position | undefined;
    let partial = 0;
    for (let pages = 0; pages < 100; pages++) {
      const page = await reader.page(claims, { filter: { ...wholeDay, ...filter }, order, limit: 1000, after });
      ids.push(...page.events.map(({ event }) => event.id));
      partial += page.partial ? 1 : 0;
      if (page.next === undefined) return { ids, partial };
      expect(page.next).not.toEqual(after);
      after = page.next;
    }
    throw new Error("the walk comes to no end");
  };

  it.each(["asc", "desc"] as const)("gives a partial page when its time is over, and completes by cursor: %s", async (order) => {
    let clock = 0;
    const slow = watched(archived.store, () => void (clock += limits.archivedReadMs));
    const scattered = events.filter(({ result, event_type }) => result === "warning" && event_type === "x/y:z").map(({ id }) => id);
    const conditions: Condition[] = [
      { kind: "result", values: ["warning"], negated: false },
      { kind: "text", field: "event_type", values: ["x/y:z"], prefixes: [], negated: false },
    ];
    const { ids, partial } = await walk(readerOn(archived.log, slow.store, () => clock), order, { conditions });
    expect(ids).toEqual(order === "asc" ? scattered : scattered.toReversed());
    expect(partial).toBeGreaterThanOrEqual(2);
    expect((await walk(readerOn(archived.log, archived.store), order, { conditions })).partial).toBe(0);
  });

  it("counts what it has time for, says from when on, and that it is partial", async () => {
    let clock = 0;
    const slow = watched(archived.store, () => void (clock += limits.archivedReadMs));
    const stats = await readerOn(archived.log, slow.store, () => clock).stats(claims, { filter: wholeDay, buckets: 24 });
    const from = stats.countedFrom ?? "";
    expect(stats).toMatchObject({ partial: true, facetsCapped: true });
    expect(from > wholeDay.from).toBe(true);
    const counted = stats.buckets.reduce((sum, { success, failure, warning }) => sum + success + failure + warning, 0);
    expect(counted).toBe(events.filter(({ occurred_at }) => occurred_at >= from).length);
    const whole = await readerOn(archived.log, archived.store).stats(claims, { filter: wholeDay, buckets: 24 });
    expect(whole).toMatchObject({ partial: false, countedFrom: wholeDay.from, facetEvents: rows });
  });

  it("tells callers of the API that a page is partial, and leads them on", async () => {
    let clock = 0;
    const slow = watched(archived.store, () => void (clock += limits.archivedReadMs));
    const service = await archived.beside({ replace: () => ({ reader: readerOn(archived.log, slow.store, () => clock) }) });
    const as = await tokenOf("viewer");
    let path: string | undefined = `/events?from=${day}&to=${day}&result=warning&limit=1000`;
    const ids = new Set<string>();
    let partial = 0;
    while (path !== undefined) {
      const { json, status } = await service.ask(path, { as });
      expect(status).toBe(200);
      const page = json as { readonly events: readonly { readonly id: string }[]; readonly next_cursor: string | null; readonly partial?: true };
      for (const { id } of page.events) ids.add(id);
      partial += page.partial ? 1 : 0;
      path = page.next_cursor === null ? undefined : `/events?from=${day}&to=${day}&result=warning&limit=1000&cursor=${page.next_cursor}`;
    }
    expect(partial).toBeGreaterThan(0);
    expect(ids.size).toBe(events.filter(({ result }) => result === "warning").length);
  });

  it("is refused, not cut short, where no archive is configured", async () => {
    await expect(readerOn(archived.log, undefined).page(claims, { filter: wholeDay, order: "desc", limit: 10 })).rejects.toMatchObject({ code: "unavailable" });
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mergeProducers } from "../../core/archived-producers.ts";
import type { ArchivedStep } from "../../core/archived-walk.ts";
import type { AuditEvent } from "../../core/event.ts";
import { limits } from "../../core/limits.ts";
import type { Position } from "../../core/query-filter.ts";
import { tenantA, tenantB, tokenOf } from "../api/service.ts";
import { eventsOf } from "../archive/archived-log.ts";
import type { ArchivedService } from "./archived-service.ts";
import { startArchived } from "./archived-service.ts";
import { readerOn, watched, wholeDay } from "./reading.ts";

const days = ["2026-03-01", "2026-03-02", "2026-06-14"] as const;
const window = "from=2026-02-20&to=2026-07-01";

/** Events of three days, hot and archived, numbered in turn by two producers; `lost` numbers came from nobody. */
function numbered(lost: readonly number[]): readonly AuditEvent[] {
  let seq = 0;
  return days.flatMap((day, at) => eventsOf(day, 100, at + 1, [tenantA]).sort((a, b) => a.occurred_at < b.occurred_at ? -1 : 1)).flatMap((event, at) => {
    if (at % 2 === 0) seq++;
    const kept = { ...event, producer_id: at % 2 === 0 ? "shop" : "crm", producer_seq: at % 2 === 0 ? seq : seq + 1000 };
    return at % 2 === 0 && lost.includes(seq) ? [] : [kept];
  });
}

type Answer = {
  readonly counted_from: string;
  readonly counted_events: number;
  readonly capped: boolean;
  readonly producers: readonly { readonly producer_id: string; readonly missing: number; readonly gaps: readonly unknown[] }[];
};

describe("GET /producers, across the line", () => {
  let archived: ArchivedService;
  let viewer: string;
  let before: Answer;
  let events: readonly AuditEvent[];
  const ask = async (query = window, as = viewer) => {
    const { status, json } = await archived.service.ask(`/producers?${query}`, { as });
    expect(status).toBe(200);
    const { fresh_as_of: _, ...rest } = json as Answer & { readonly fresh_as_of: string };
    return rest;
  };
  beforeAll(async () => {
    archived = await startArchived();
    viewer = await tokenOf("viewer");
    // 50 and 51 on either side of midnight, 100 the last of the archived days.
    events = numbered([10, 50, 51, 100, 130]);
    await archived.ingest([...events, ...eventsOf(days[0], 50, 9, [tenantB])]);
    before = await ask();
    await archived.archive();
  });
  afterAll(() => archived?.stop());

  it("judges numbers of hot and archived days together, as before they were archived", async () => {
    expect((await archived.log.admin.query("select count(*)::int as hot from audit_log.events where occurred_at < '2026-04-01'")).rows[0].hot).toBe(0);
    expect(before).toMatchObject({
      capped: false,
      counted_events: 295,
      producers: [{ producer_id: "shop", missing: 5, gaps: [{}, {}, {}, {}] }, { missing: 0 }],
    });
    expect(await ask()).toEqual(before);
    expect(before.counted_from).toBe("2026-02-20T00:00:00.000Z");
  });

  it("shows nothing of another tenant's, and counts what was softly deleted as come", async () => {
    const event = events[0] as AuditEvent;
    const deletion = { method: "DELETE", as: await tokenOf("admin"), body: { reason: "test" } };
    expect((await archived.service.ask(`/events/${event.id}?at=${event.occurred_at}`, deletion)).status).toBe(200);
    expect(await ask()).toMatchObject({ producers: before.producers });
    const other = await archived.service.ask(`/producers?${window}`, { as: await tokenOf("viewer", [tenantB]) });
    expect(other.text).not.toContain("shop");
  });

  it("says from when on it has compared, where there was no time for all of it", async () => {
    let clock = 0;
    const slow = watched(archived.store, () => void (clock += limits.archivedReadMs));
    const service = await archived.beside({ replace: () => ({ reader: readerOn(archived.log, slow.store, () => clock) }) });
    const { json } = await service.ask(`/producers?${window}`, { as: viewer });
    const partial = json as Answer;
    expect(partial).toMatchObject({ capped: true, counted_events: 197, producers: [{ producer_id: "shop", missing: 2 }, { producer_id: "crm" }] });
    expect(partial.counted_from.slice(0, 10)).toBe("2026-03-02");
  });

  it("is refused where the archive cannot be read", async () => {
    const service = await archived.beside({ env: { AUDIT_ARCHIVE_URL: "" } });
    expect((await service.ask(`/producers?${window}`, { as: viewer })).status).toBe(503);
    expect((await service.ask("/producers?from=2026-06-01&to=2026-07-01", { as: viewer })).status).toBe(200);
  });
});

describe("mergeProducers()", () => {
  it("stops at the most events that are compared, and says where", async () => {
    const events = eventsOf(days[0], 30, 1, [tenantA]).sort((a, b) => a.occurred_at < b.occurred_at ? 1 : -1).map((event, at) => ({
      ...event,
      producer_id: "shop",
      producer_seq: 30 - at,
    }));
    async function* walk(): AsyncGenerator<ArchivedStep, Position | undefined> {
      yield await Promise.resolve({ events: events.map((event) => ({ event, leafHash: new Uint8Array() })), place: { occurredAt: days[0], id: "" } });
      return undefined;
    }
    const hot = { counted: [{ producerId: "shop", seq: 40, occurredAt: "2026-06-14T00:00:00.000Z" }], freshAsOf: "" };
    const whole = await mergeProducers(wholeDay, hot, walk());
    expect(whole).toMatchObject({ countedEvents: 31, isCapped: false, countedFrom: wholeDay.from, producers: [{ firstSeq: 1, lastSeq: 40, missing: 9 }] });
    const cut = await mergeProducers(wholeDay, hot, walk(), 11);
    expect(cut).toMatchObject({
      countedEvents: 11,
      isCapped: true,
      countedFrom: events[10]?.occurred_at,
      producers: [{ firstSeq: 21, lastSeq: 40, missing: 9 }],
    });
  });
});

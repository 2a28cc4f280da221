import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportFromServer } from "./export-memory.ts";
import { seedEvents, type Service, startService, tenantA, tokenOf } from "./service.ts";

describe("an export of a million events", () => {
  it("keeps the process under 140 MB, in every format", { timeout: 1_200_000 }, async () => {
    const { peakBytes, exports } = await exportFromServer(1_000_000);
    expect(exports.map(({ recordedRows }) => recordedRows)).toEqual([1_000_000, 1_000_000, 1_000_000]);
    expect(peakBytes).toBeLessThan(140_000_000);
  });
});

describe("a filter change on a million events of a week", () => {
  let service: Service;
  let viewer: string;
  beforeAll(async () => {
    service = await startService();
    await seedEvents(service.admin, tenantA, 1_000_000, { days: 7 });
    viewer = await tokenOf("viewer");
    await service.ask("/events?limit=1", { as: viewer });
  }, 300_000);
  afterAll(() => service.stop());

  it.each([
    "",
    "order=asc",
    "actor_id=user-7",
    "object_type=order&object_id=order-5000",
    "object_id=order-5000",
    "object_type=there-is-no-such-type",
    "actor_id=user-7&from=1990-01-01&to=9999-01-01",
    "q=actor:user-7,user-8",
    "event_type=order.paid&result=warning",
    "q=action:order.pa* -result:success",
    "q=ip:10.0.0.0/8",
    "q=%22event number 999%22",
    "request_id=there-is-no-such-request",
  ])("answers within 500 ms: %s", async (query) => {
    const started = performance.now();
    const { status, json } = await service.ask(`/events?${query}`, { as: viewer });
    expect(performance.now() - started).toBeLessThan(500);
    expect({ status, partial: (json as { readonly partial?: true }).partial }).toEqual({ status: 200, partial: undefined });
  });

  it("answers within 500 ms, in part, what has to read every text; and says where to go on until all is read", async () => {
    let cursor = "";
    let pages = 0;
    for (; pages < 30; pages++) {
      const started = performance.now();
      const { status, json } = await service.ask(`/events?q=%22there is no such text%22${cursor}`, { as: viewer });
      expect(performance.now() - started).toBeLessThan(500);
      const page = json as { readonly events: readonly unknown[]; readonly partial?: true; readonly next_cursor: string | null };
      expect({ status, events: page.events.length }).toEqual({ status: 200, events: 0 });
      expect(page.partial ?? false).toBe(page.next_cursor !== null);
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(pages).toBeGreaterThan(0);
    expect(pages).toBeLessThan(30);
  });
});

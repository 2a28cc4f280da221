import { describe, expect, it } from "vitest";
import { viewOfQuery } from "./report.ts";

describe("viewOfQuery()", () => {
  it("turns the query behind a figure into the view of its events", () => {
    expect(viewOfQuery("../events?tenant_id=t&from=2026-01-01T00%3A00%3A00.000Z&to=2026-01-02T00%3A00%3A00.000Z&event_type=order.updated")).toEqual({
      page: "events",
      q: "action:order.updated",
      range: "custom",
      from: "2026-01-01T00:00:00.000Z",
      to: "2026-01-02T00:00:00.000Z",
    });
    expect(viewOfQuery(`../events?q=${encodeURIComponent('principal:"user:1" action:audit.events.viewed')}`).q).toBe(
      'principal:"user:1" action:audit.events.viewed',
    );
  });
});

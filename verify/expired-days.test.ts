import { describe, expect, it } from "vitest";
import { expiryCheck } from "./expired-days.ts";
import { findingList } from "./report.ts";
import type { ExpiredDay } from "./source.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const day = (day: string, expiringOn: string): ExpiredDay => ({ tenantId, day, rows: 20, firstIndex: 0, lastIndex: 19, expiringOn });

function findingsOf(days: readonly ExpiredDay[], recorded: readonly string[]): readonly string[] {
  const check = expiryCheck(days);
  for (const [seq, object_id] of recorded.entries()) {
    const event = { event_type: "audit.archive.expired", principal: "job:audit-retention", object_id };
    check.see({ tenantId, seq, occurredAt: "2036-09-01T00:00:00.000Z", id: "i", leafHash: new Uint8Array(32), event });
  }
  const findings = findingList();
  check.finish(findings);
  return findings.kept.map(({ message }) => message.split(" ")[3] ?? "");
}

describe("expiryCheck()", () => {
  it("misses the record of a day, unless it stood on a day that has expired since", () => {
    expect(findingsOf([day("2026-01-01", "2026-03-10")], [])).toEqual(["2026-01-01"]);
    expect(findingsOf([day("2026-01-01", "2026-03-10")], ["2026-01-01"])).toEqual([]);
    expect(findingsOf([day("2026-01-01", "2026-03-10"), day("2026-03-10", "2036-09-01")], ["2026-03-10"])).toEqual([]);
    expect(findingsOf([day("2026-01-01", "2026-03-10"), day("2026-03-09", "2036-09-01")], ["2026-03-09"])).toEqual(["2026-01-01"]);
  });

  it("looks at a day once, however many there are", () => {
    // 300,000 of them against each other would take minutes.
    const days = Array.from({ length: 300_000 }, (_, at) => ({ ...day("2026-01-01", "2036-01-01"), tenantId: `tenant ${at}` }));
    expect(findingsOf(days, []).length).toBeGreaterThan(0);
  });

  it("knows that a deletion is recorded on a later day where the day on which it began had closed", () => {
    expect(findingsOf([day("2026-01-01", "2026-03-10"), day("2026-06-15", "2036-09-01")], ["2026-06-15"])).toEqual([]);
  });
});

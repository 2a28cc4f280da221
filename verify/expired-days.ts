import { columnsBeforeLeaf } from "./database-row.ts";
import { leafColumns } from "./leaf.ts";
import { isTextOfField, unpacked } from "./packed-event.ts";
import type { FindingList } from "./report.ts";
import type { ExpiredDay, ReadEvent } from "./source.ts";

const recordType = "audit.archive.expired";
const typeColumn = columnsBeforeLeaf + leafColumns.indexOf("event_type");

/**
 * Looks for the record of every day that is said to have expired. That a day is gone stands in the catalogue alone, so who can write to the database could
 * hide a day from all readers with one word there, before its time, and its places in the tree would be passed over as expired; but each deletion writes
 * `audit.archive.expired` first, which is sealed like any other event. It stands on the day on which the deletion began, or on a later one if that had
 * closed; where such a day has expired too, the record may have gone with it.
 */
export function expiryCheck(days: readonly ExpiredDay[] = []) {
  const recorded = new Set<string>();
  return {
    see(read: ReadEvent): void {
      if (days.length === 0 || ("bytes" in read && !isTextOfField(read, typeColumn, recordType))) return;
      const { tenantId, event } = unpacked(read);
      // Callers cannot choose who stored an event, and imports bring what other logs say of themselves.
      if (event["event_type"] !== recordType || event["principal"] !== "job:audit-retention") return;
      recorded.add(`${tenantId}/${event["object_id"]}`);
    },
    finish(findings: FindingList): void {
      const latest = new Map<string, string>();
      for (const { tenantId, day } of days) if (day > (latest.get(tenantId) ?? "")) latest.set(tenantId, day);
      for (const { tenantId, day, rows, expiringOn } of days) {
        const isRecordGone = expiringOn > day && expiringOn <= (latest.get(tenantId) ?? "");
        if (recorded.has(`${tenantId}/${day}`) || isRecordGone) continue;
        const message = `${rows} events of ${day} are said to have expired, and no event says that they were deleted`;
        findings.add({ kind: "event_missing", tenant_id: tenantId, message });
      }
    },
  };
}

import type { FindingList } from "./report.ts";
import { columnsBeforeLeaf } from "./database-row.ts";
import { leafColumns } from "./leaf.ts";
import { textOfField, unpacked } from "./packed-event.ts";
import type { Deletion, ReadEvent } from "./source.ts";

const recordType = "audit.event.deleted";
const [idColumn, typeColumn] = [columnsBeforeLeaf + leafColumns.indexOf("id"), columnsBeforeLeaf + leafColumns.indexOf("event_type")];

/**
 * Looks for the record of every soft deletion. Deletions stand beside the events and no tree has them, so who can write to the database could hide an
 * event from all readers and change nothing that is hashed; but each writes `audit.event.deleted`, which is sealed like any other event. A deletion
 * whose event is not there any more hides nothing: its record may have expired like it.
 */
export function deletionCheck(deletions: readonly Deletion[] = []) {
  const open = new Map<string, Deletion[]>();
  for (const deletion of deletions) open.set(deletion.id, [...open.get(deletion.id) ?? [], deletion]);
  const hiding = new Set<Deletion>();
  const recorded = new Set<Deletion>();
  return {
    see(read: ReadEvent): void {
      if (open.size === 0 || ("bytes" in read && !open.has(textOfField(read, idColumn) ?? "") && textOfField(read, typeColumn) !== recordType)) return;
      const { tenantId, occurredAt, id, event } = unpacked(read);
      const find = (id: unknown, time: unknown) => open.get(String(id))?.find((deletion) => deletion.tenantId === tenantId && deletion.occurredAt === time);
      const hidden = find(id, occurredAt);
      if (hidden !== undefined) hiding.add(hidden);
      if (event["event_type"] !== recordType || event["source"] !== "audit-events") return;
      const named = find(event["object_id"], (event["context"] as { readonly occurred_at?: unknown } | null)?.occurred_at);
      if (named !== undefined) recorded.add(named);
    },
    finish(findings: FindingList): void {
      for (const deletion of hiding) {
        if (recorded.has(deletion)) continue;
        const { tenantId, occurredAt, id } = deletion;
        const message = "is hidden from readers as deleted, and no event says who deleted it";
        findings.add({ kind: "event_hidden", tenant_id: tenantId, id, occurred_at: occurredAt, message });
      }
    },
  };
}

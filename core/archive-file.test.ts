import { describe, expect, it } from "vitest";
import { randomEvents, randomFrom } from "../test/support/random-events.ts";
import { sha256 } from "../test/support/sha256.ts";
import { type ArchiveRow, openArchiveFile } from "./archive-file.ts";
import { writeArchiveFile } from "./archive-file-writer.ts";
import { leafHashOf, leafOf } from "./leaf.ts";
import { limits } from "./limits.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const day = "2026-03-01";
const name = { tenantId, day, part: 3 };

function archiveRows(count: number): ArchiveRow[] {
  const events = randomEvents(randomFrom(5), count, { tenantIds: [tenantId], receivedAt: new Date(`${day}T12:00:00Z`) });
  events.sort((a, b) => a.occurred_at + a.id < b.occurred_at + b.id ? -1 : 1);
  return events.map((event, logIndex) => ({ event, leaf: leafOf(event), leafHash: leafHashOf(leafOf(event), sha256), logIndex }));
}

describe("openArchiveFile()", () => {
  it("reads what writeArchiveFile() wrote: every shape of event, its leaf, hash and place", async () => {
    const rows = archiveRows(limits.archiveRowGroupRows + 500);
    const file = await openArchiveFile(await writeArchiveFile(name, rows));
    expect(file).toMatchObject({ name, rows: rows.length });
    const read = (await Promise.all(file.groups.map((group) => file.readGroup(group)))).flat();
    for (const [index, row] of read.entries()) {
      const written = rows[index] as ArchiveRow;
      expect({ leaf: leafOf(row.event), column: row.leaf, index: row.logIndex }).toEqual({ leaf: written.leaf, column: written.leaf, index: written.logIndex });
      expect(Array.from(row.leafHash)).toEqual(Array.from(written.leafHash));
    }
  });

  it("says what each group spans, so that readers can skip it", async () => {
    const rows = archiveRows(limits.archiveRowGroupRows + 1);
    const { groups } = await openArchiveFile(await writeArchiveFile(name, rows));
    expect(groups.map(({ start, end }) => [start, end])).toEqual([[0, limits.archiveRowGroupRows], [limits.archiveRowGroupRows, rows.length]]);
    expect(groups[0]?.firstOccurredAt).toBe(rows[0]?.event.occurred_at);
    expect(groups[1]?.lastOccurredAt).toBe(rows.at(-1)?.event.occurred_at);
    expect(groups[0]?.range("event_type")).toEqual({ min: "order.created", max: "x/y:z" });
    expect(groups[0]?.range("leaf_hash")).toBeUndefined();
  });

  it("gives the same bytes for the same rows", async () => {
    const rows = archiveRows(300);
    expect(await writeArchiveFile(name, rows)).toEqual(await writeArchiveFile(name, rows));
  });

  it("refuses a file that was cut, and one that names no archive", async () => {
    const bytes = await writeArchiveFile(name, archiveRows(50));
    await expect(openArchiveFile(bytes.slice(0, -1))).rejects.toThrow("footer: cannot be read");
    await expect(openArchiveFile(new Uint8Array(10))).rejects.toThrow("footer: cannot be read");
    const text = new TextDecoder("latin1").decode(bytes).replace("audit_events_archive", "audit_events_Archive");
    await expect(openArchiveFile(Uint8Array.from(text, (char) => char.charCodeAt(0)))).rejects.toThrow();
  });
});

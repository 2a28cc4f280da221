import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabaseLog } from "../scripts/audit/database-source.ts";
import { leafOf } from "../verify/leaf.ts";
import { unpacked } from "../verify/packed-event.ts";
import { writeLeaf } from "../verify/packed-leaf.ts";
import type { PackedEvent } from "../verify/source.ts";
import { seedWideEvents } from "./api/wide-events.ts";
import { randomEvents, randomFrom } from "./support/random-events.ts";
import { openLog, type TestLog } from "./support/sealed-log.ts";

const tenantIds = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"];
const events = randomEvents(randomFrom(3), 1500, { tenantIds });
const byId = new Map(events.map((event) => [event.id, event]));

describe("openDatabaseLog()", () => {
  let log: TestLog;
  beforeAll(async () => {
    log = await openLog();
    await log.ingest(events);
  });
  afterAll(() => log.close());

  async function read(): Promise<PackedEvent[]> {
    const source = await openDatabaseLog(log.database.adminUrl);
    const rows: PackedEvent[] = [];
    for await (const page of source.events()) rows.push(...page as readonly PackedEvent[]);
    await source.close();
    return rows;
  }

  it("reads every event in the order of seq, packed, and each is the one that was stored, and so is the leaf that is written of it", async () => {
    const rows = await read();
    expect(rows).toHaveLength(events.length);
    let written = 0;
    for (const [i, row] of rows.entries()) {
      expect(row.seq).toBeGreaterThan(rows[i - 1]?.seq ?? 0);
      const stored = unpacked(row);
      const leaf = leafOf(byId.get(stored.id) as never);
      expect([stored.seq, stored.tenantId, leafOf(stored.event)]).toEqual([row.seq, row.tenantId, leaf]);
      const quick = writeLeaf(row);
      if (quick === undefined) continue;
      written++;
      expect(new TextDecoder().decode(quick.bytes.subarray(1, quick.end))).toBe(leaf);
    }
    expect(written).toBeGreaterThan(events.length / 4);
  });

  it("finds one event as it reads all of them", async () => {
    const source = await openDatabaseLog(log.database.adminUrl);
    for (const row of (await read()).slice(0, 50).map(unpacked)) expect(await source.find(row.tenantId, row.occurredAt, row.id)).toEqual(row);
    await source.close();
  });

  it("reads no further than somebody asks, and can be closed in the middle", async () => {
    await log.ingest(randomEvents(randomFrom(4), 5000, { tenantIds }));
    const source = await openDatabaseLog(log.database.adminUrl);
    for await (const page of source.events()) {
      expect(page.length).toBeLessThan(6500);
      break;
    }
    await source.close();
  });

  it("says why when the server ends in the middle", async () => {
    // More than the buffers of a connection hold: a server that has sent everything cannot end in the middle any more.
    await seedWideEvents(log.admin, tenantIds[0] ?? "", 600);
    const source = await openDatabaseLog(log.database.adminUrl);
    const pages = source.events()[Symbol.asyncIterator]();
    await pages.next();
    await log.admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'audit-events verify' and datname = current_database()",
    );
    const rest = async () => {
      while (!(await pages.next()).done);
    };
    await expect(rest()).rejects.toThrow(/terminat/);
    await source.close();
  });
});

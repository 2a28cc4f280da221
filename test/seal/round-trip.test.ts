import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rowToEvent } from "../../adapters/postgres/event-row.ts";
import { committedColumns, rowToCommitted } from "../../adapters/postgres/seal-leaf.ts";
import { rowToSeal, sealColumns } from "../../adapters/postgres/seal-row.ts";
import { leafOf as coreLeafOf } from "../../core/leaf.ts";
import { leafOf as verifierLeafOf } from "../../verify/leaf.ts";
import { checkDatabase } from "../support/check-log.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { openLog, type TestLog } from "../support/sealed-log.ts";

/** The first gets three in four, so that its tree grows past 65,536 leaves: a third level of tiles. */
const big = "123e4567-e89b-12d3-a456-426614174000";
const tenantIds = [big, big, big, "00000000-0000-4000-8000-0000000000aa"];
const count = 100_000;
const batch = 10_000;

describe(`the leaves of ${count.toLocaleString("en")} generated events`, () => {
  let log: TestLog;
  beforeAll(async () => void (log = await openLog()));
  afterAll(() => log.close());

  it("are, from the rows read back, what was hashed: to the door, the sealer and the checker alike", async () => {
    const expected = new Map<string, string>();
    for (let at = 0; at < count; at += batch) {
      const events = randomEvents(randomFrom(at + 1), batch, { tenantIds });
      for (const event of events.slice(0, 500)) expected.set(event.id, coreLeafOf(event));
      await log.ingest(events, 1000);
    }
    // Byte for byte, through each of the four readers of rows.
    const client = await log.pool.connect();
    await client.query("begin; set local role audit_job; set local timezone = 'UTC'; set local datestyle = 'ISO'");
    const asEvents = await client.query("select * from audit_log.events where id = any($1)", [[...expected.keys()]]);
    const types = { getTypeParser: () => (value: unknown) => value } as never;
    const asTexts = await client.query<(string | null)[]>({
      text: `select ${sealColumns} from audit_log.events where id = any($1)`,
      values: [[...expected.keys()]],
      rowMode: "array",
      types,
    });
    const asLeaves = await client.query<[string, string]>({
      text: `select ${committedColumns} from audit_log.events where id = any($1)`,
      values: [[...expected.keys()]],
      rowMode: "array",
      types,
    });
    await client.query("commit");
    client.release();
    expect(asEvents.rows).toHaveLength(expected.size);
    for (const row of asEvents.rows) {
      const event = rowToEvent(row);
      if (coreLeafOf(event) !== expected.get(event.id) || verifierLeafOf(event) !== expected.get(event.id)) expect(event).toBe(expected.get(event.id));
    }
    for (const row of asTexts.rows) {
      const { event } = rowToSeal(row);
      if (event === undefined || coreLeafOf(event) !== expected.get(event.id)) expect(event).toBe(expected.get(row[4] as string));
    }

    expect(asLeaves.rows).toHaveLength(expected.size);
    for (const row of asLeaves.rows) {
      const { id, leaf } = rowToCommitted(row);
      if (leaf !== expected.get(id)) expect(leaf).toBe(expected.get(id));
    }

    // All of them by their hashes: the sealer's rebuilding and the checker's own.
    expect(await log.seal({}, { budgetMs: 120_000 })).toMatchObject({ status: "done", sealed: count, problems: 0, tree_problems: 0 });
    const report = await checkDatabase(log.database.adminUrl);
    expect(report).toMatchObject({ sound: true, events: count, unsealed: 0, finding_count: 0 });
    expect(report.tenants.find((tenant) => tenant.tenant_id === big)?.size).toBeGreaterThan(65_536);
  });
});

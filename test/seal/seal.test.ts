import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../core/format/checkpoint.ts";
import { sameBytes, treeRoot } from "../../core/format/merkle.ts";
import { eventRow, randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, logOrigin, openLog, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

const tenants = ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-0000000000aa"] as const;

describe("seal()", () => {
  let log: TestLog;
  beforeAll(async () => void (log = await openLog()));
  afterAll(() => log.close());

  it("appends what is committed, tenant by tenant in the order of insertion, and signs the new tree", async () => {
    const events = randomEvents(randomFrom(1), 1200, { tenantIds: tenants });
    await log.ingest(events);
    expect(await log.seal()).toMatchObject({ status: "done", sealed: 1200, checkpoints: 2, problems: 0, tree_problems: 0 });
    for (const tenantId of tenants) {
      const leaves = events.filter((event) => event.tenant_id === tenantId).map((event) => eventRow(event).leafHash);
      const { rows: [checkpoint] } = await log.admin.query("select size, root, note from audit_log.checkpoints where tenant_id = $1", [tenantId]);
      const opened = await openCheckpoint(checkpoint.note, firstKey.signer);
      expect(opened).toMatchObject({ origin: `${logOrigin}/${tenantId}`, size: leaves.length });
      expect(sameBytes(opened.root, treeRoot(sha256, leaves))).toBe(true);
    }
  });

  it("does nothing when there is nothing new", async () => {
    expect(await log.seal()).toEqual({ status: "done", turns: 1, sealed: 0, checkpoints: 0, problems: 0, tree_problems: 0 });
  });
});

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { leafHashOf, leafOf } from "../../core/leaf.ts";
import { mapCloudTrailRecord, readCloudTrail, shiftToDay } from "../../scripts/map-cloudtrail.ts";
import { recomputeLeaf } from "../support/history-leaf.ts";
import { readStoredRows } from "../support/history-rows.ts";
import { type Door, openDoor, summary, tenantA } from "./door.ts";

const folder = process.env["AUDIT_SAMPLE_DIR"] ?? fileURLToPath(new URL("../../../shared/data/cloudtrail", import.meta.url));

describe.skipIf(!existsSync(folder))("real CloudTrail records posted to audit-logger", () => {
  let door: Door;
  let events: readonly Record<string, unknown>[];
  beforeAll(async () => {
    door = await openDoor();
    const records = readCloudTrail(folder);
    const shiftMs = shiftToDay(records, new Date(Date.now() - 86_400_000).toISOString().slice(0, 10));
    events = records.map((record) => mapCloudTrailRecord(record, tenantA, shiftMs));
  });
  afterAll(() => door.close());

  it("are stored once each", async () => {
    expect(events).toHaveLength(1233);
    expect(summary(await door.post(events.slice(0, 1000)))).toEqual([201, 1000, 0, 0]);
    expect(summary(await door.post(events.slice(1000)))).toEqual([201, 233, 0, 0]);
    const stored = await door.stored();
    expect(stored.map(({ event: { id } }) => id)).toEqual(events.map(({ id }) => id));
    expect(new Set(stored.map(({ event }) => event.context === undefined)).has(true)).toBe(false);
    for (const [index, { event }] of stored.entries()) expect(event.context).toEqual(events[index]?.["context"]);
  });

  it("rebuild their leaves byte for byte when read back, by two implementations", async () => {
    const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
    const rows = await readStoredRows(door.database.adminUrl);
    const stored = await door.stored();
    for (const [index, { event, leafHash }] of stored.entries()) {
      const leaf = leafOf(event);
      expect(leaf).toBe(recomputeLeaf(rows[index] ?? {}));
      expect(Buffer.from(leafHashOf(leaf, sha256)).toString("hex")).toBe(leafHash);
    }
    expect(stored).toHaveLength(1233);
  });

  it("store nothing when they are sent a second time", async () => {
    const second = await door.post(events.slice(0, 1000));
    expect(summary(second)).toEqual([200, 0, 1000, 0]);
    expect(summary(await door.post(events.slice(1000)))).toEqual([200, 0, 233, 0]);
    const stored = await door.stored();
    expect(stored).toHaveLength(1233);
    expect(second.body.results.map(({ leaf_hash }) => leaf_hash)).toEqual(stored.slice(0, 1000).map(({ leafHash }) => leafHash));
  });
});

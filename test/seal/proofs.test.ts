import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProofStore, type Query } from "../../adapters/postgres/proof-store.ts";
import { parseCheckpoint } from "../../core/format/checkpoint.ts";
import { fromBase64 } from "../../core/format/base64.ts";
import { verifyConsistency } from "../../core/format/merkle-proof.ts";
import { parseNote } from "../../core/format/signed-note.ts";
import type { AuditEvent } from "../../core/event.ts";
import { consistencyOf, receiptOf } from "../../core/proofs.ts";
import { followRotations } from "../../verify/keys.ts";
import { verifyReceipt } from "../../verify/receipt.ts";
import { randomEvents, randomFrom } from "../support/random-events.ts";
import { firstKey, openLog, secondKey, type TestLog } from "../support/sealed-log.ts";
import { sha256 } from "../support/sha256.ts";

const tenantId = "123e4567-e89b-12d3-a456-426614174000";
const otherTenantId = "00000000-0000-4000-8000-0000000000aa";
const keyOf = (event: AuditEvent) => ({ tenantId: event.tenant_id, occurredAt: event.occurred_at, id: event.id });

describe("proofs under row-level security", () => {
  let log: TestLog;
  const events: AuditEvent[] = [];
  beforeAll(async () => {
    log = await openLog();
    for (const count of [200, 300, 40]) {
      events.push(...randomEvents(randomFrom(count), count, { tenantIds: [tenantId] }));
      await log.ingest(events.slice(-count));
      await log.seal();
    }
    await log.ingest(randomEvents(randomFrom(9), 5, { tenantIds: [otherTenantId] }));
    await log.seal();
  });
  afterAll(() => log.close());

  /** Runs `work` as a user of `tenants` with `role`. */
  async function as<T>(role: string, tenants: readonly string[], work: (query: Query) => Promise<T>): Promise<T> {
    const client = await log.pool.connect();
    try {
      await client.query("begin read only; set local role authenticated");
      await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify({ app_metadata: { tenant_ids: tenants, audit_role: role } })]);
      return await work(async (text, values) => (await client.query(text, [...values])).rows as never);
    } finally {
      await client.query("rollback");
      client.release();
    }
  }

  it("prove events to somebody who knows nothing but the log's key", async () => {
    const ring = await followRotations([firstKey.verifierKey], []);
    for (const index of [0, 1, 199, 200, 255, 256, 511, 539]) {
      const event = events[index] as AuditEvent;
      const receipt = await as("auditor", [tenantId], (query) => receiptOf(createProofStore(query), sha256, { event }));
      const proven = await verifyReceipt(receipt, ring, { ...event });
      expect(proven).toMatchObject({ index, event: { id: event.id }, checkpoint: { size: 540 } });
      await expect(verifyReceipt(receipt, ring, { ...event, message: "forged" })).rejects.toThrow("not the one");
      await expect(verifyReceipt(receipt.replace(/index \d+/, "index 7"), ring)).rejects.toThrow("not in the log");
      await expect(verifyReceipt(receipt, await followRotations([secondKey.verifierKey], []))).rejects.toThrow("signature");
    }
  });

  it("prove consistency between the sizes of all checkpoints", async () => {
    await as("auditor", [tenantId], async (query) => {
      const store = createProofStore(query);
      const stored = await store.checkpoints(tenantId, undefined, 10);
      expect(stored.map((checkpoint) => checkpoint.size)).toEqual([540, 500, 200]);
      const opened = stored.map((checkpoint) => parseCheckpoint(parseNote(checkpoint.note).text));
      for (const older of opened) {
        for (const newer of opened.filter((other) => other.size >= older.size)) {
          const { proof } = await consistencyOf(store, sha256, tenantId, older.size, newer.size);
          const sizes = { oldSize: older.size, oldRoot: older.root, newSize: newer.size, newRoot: newer.root };
          expect(verifyConsistency(sha256, sizes, proof.map((hash) => fromBase64(hash) as Uint8Array))).toBe(true);
        }
      }
      await expect(consistencyOf(store, sha256, tenantId, 10, 541)).rejects.toThrow("to: the log has 540 leaves");
      await expect(consistencyOf(store, sha256, tenantId, 541)).rejects.toThrow("from: the log has 540 leaves; whoever holds a checkpoint of more");
      await expect(consistencyOf(store, sha256, tenantId, 11, 10)).rejects.toThrow("from: must not be larger than to");
    });
  });

  it("hold nothing of another tenant, and nothing for a viewer but checkpoints", async () => {
    const event = events[3] as AuditEvent;
    await as("auditor", [otherTenantId], async (query) => {
      const store = createProofStore(query);
      await expect(receiptOf(store, sha256, { event })).rejects.toThrow("not sealed yet");
      expect(await store.leafIndex(keyOf(event))).toBeUndefined();
      expect(await store.checkpoints(tenantId, undefined, 10)).toEqual([]);
      expect(await store.tiles(tenantId, [{ level: 0, index: 0, width: 256 }])).toEqual([]);
    });
    await as("viewer", [tenantId], async (query) => {
      const store = createProofStore(query);
      expect(await store.leafIndex(keyOf(event))).toBeUndefined();
      expect(await store.tiles(tenantId, [{ level: 0, index: 0, width: 256 }])).toEqual([]);
      expect(await store.checkpoints(tenantId, undefined, 10)).toHaveLength(3);
      expect((await store.keys()).map((key) => key.verifierKey)).toEqual([firstKey.verifierKey]);
    });
    await expect(as("auditor", [tenantId], (query) => query("select seqs from audit_log.tiles", []))).rejects.toThrow("permission denied");
  });

  it("are not there yet for an event that is not sealed", async () => {
    const [fresh] = randomEvents(randomFrom(77), 1, { tenantIds: [tenantId] }) as [AuditEvent];
    await log.ingest([fresh]);
    await expect(as("auditor", [tenantId], (query) => receiptOf(createProofStore(query), sha256, { event: fresh }))).rejects.toThrow("not sealed yet");
  });
});

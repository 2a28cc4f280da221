import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuditClient } from "../../sdk/src/index.ts";
import { createQueryClient, type StoredEvent } from "../../sdk/src/query.ts";
import { verifyReceipt } from "../../sdk/src/verify.ts";
import { sealAll } from "../api/seal-all.ts";
import { type Service, startService, tenantA, tokenOf } from "../api/service.ts";
import { firstKey, openLog, secondKey, type TestLog } from "../support/sealed-log.ts";

let log: TestLog;
let service: Service;
let event: StoredEvent;
let receipt: string;

beforeAll(async () => {
  log = await openLog();
  service = await startService({ database: log.database });
  const auditor = await tokenOf("auditor", [tenantA]);
  const options = {
    url: "http://127.0.0.1",
    getToken: () => auditor,
    tenantId: tenantA,
    runtime: { fetch: async (url: string, init: RequestInit) => await service.app.request(url, init) },
  };
  const client = createAuditClient({ ...options, doors: "api", verifyReceipts: true, environment: {} });
  const { results } = await client.logHighVolumeEvents(
    Array.from({ length: 40 }, (_, number) => ({ event_type: "proven", object_id: String(number), context: { number, text: "é€😀" } })),
  );
  await client.close();
  expect(results.every(({ receipt: verdict }) => verdict === "verified")).toBe(true);
  await sealAll(log);
  const query = createQueryClient({ ...options, verifyReceipts: true });
  const { id = "", occurredAt = "" } = results[17] ?? {};
  event = await query.events.get(id, { at: occurredAt }) as StoredEvent;
  receipt = await query.events.receipt(id, { at: occurredAt });
});
afterAll(async () => {
  await service.stop();
  await log.close().catch(() => undefined);
});

describe("verifyReceipt()", () => {
  const keys = [firstKey.verifierKey];

  it("proves offline that the event read back is the one that was logged, at its place in the signed log", async () => {
    const { event: proven, index, checkpoint } = await verifyReceipt(receipt, { keys }, event);
    expect(proven).toMatchObject({ id: event.id, event_type: "proven", object_id: "17", context: { number: 17, text: "é€😀" } });
    expect(index).toBeLessThan(checkpoint.size);
    expect(checkpoint.origin).toContain(tenantA);
  });

  it("refuses an event of which one field differs, a receipt of which one character differs, and a key that is not the log's", async () => {
    await expect(verifyReceipt(receipt, { keys }, { ...event, actor_id: "mallory" })).rejects.toThrow(/verify receipt/);
    const path = receipt.split("\n").findIndex((line) => /^[A-Za-z0-9+/]{43}=$/.test(line));
    const altered = receipt.split("\n").map((line, index) => index === path ? (line.startsWith("A") ? "B" : "A") + line.slice(1) : line).join("\n");
    expect(altered).not.toBe(receipt);
    await expect(verifyReceipt(altered, { keys }, event)).rejects.toThrow();
    await expect(verifyReceipt(receipt, { keys: [secondKey.verifierKey] }, event)).rejects.toThrow(/not by a trusted key/);
  });
});

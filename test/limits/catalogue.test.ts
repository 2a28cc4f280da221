import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Service, startService, tenantA, tokenOf } from "../api/service.ts";
import { openDoor } from "../http/door.ts";

const catalogue = JSON.stringify({
  types: { "order.paid": { description: "A customer paid", context: { type: "object", required: ["amount"], properties: { amount: { type: "number" } } } } },
});
const paid = { tenant_id: tenantA, event_type: "Order.Paid", context: { amount: 3 } };
const others = [{ tenant_id: tenantA, event_type: "order.lost" }, { tenant_id: tenantA, event_type: "order.paid", context: { amount: "three" } }];

describe("a catalogue of event types", () => {
  it.each(["2.9", "2.1.4"] as const)("refuses what it does not know in strict mode, at the door on Deno %s", async (denoVersion) => {
    const door = await openDoor({ denoVersion, env: { AUDIT_EVENT_CATALOGUE: catalogue, AUDIT_EVENT_CATALOGUE_MODE: "strict" } });
    try {
      const answer = await door.post([paid, ...others, { tenant_id: tenantA, event_type: "audit.sdk.dropped", context: { count: 1 } }]);
      expect(answer.status).toBe(207);
      expect(answer.body.results.map(({ status, error }) => [status, error?.code, error?.pointer])).toEqual([
        ["created", undefined, undefined],
        ["rejected", "unknown_event_type", "/event_type"],
        ["rejected", "invalid_context", "/context/amount"],
        ["created", undefined, undefined],
      ]);
      expect(answer.text).not.toContain("three");
    } finally {
      await door.close();
    }
  });

  it("stores and counts it in warn mode, in the answer and in the log", async () => {
    const door = await openDoor({ env: { AUDIT_EVENT_CATALOGUE: catalogue } });
    try {
      const answer = await door.post([paid, ...others]);
      expect([answer.status, (answer.body as { readonly unlisted_count?: number }).unlisted_count]).toEqual([201, 2]);
      await expect.poll(() => door.log().find(({ event }) => event === "ingest")).toMatchObject({ unlisted_count: 2, created_count: 3 });
      const known = await door.post([paid]);
      expect(known.text).not.toContain("unlisted_count");
    } finally {
      await door.close();
    }
  });

  describe("from a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "catalogue-"));
    const path = join(folder, "events.json");
    let service: Service;
    beforeAll(async () => {
      writeFileSync(path, catalogue);
      service = await startService({ env: { AUDIT_EVENT_CATALOGUE: path } });
    });
    afterAll(async () => {
      await service.stop();
      rmSync(folder, { recursive: true });
    });

    it("describes the types that /stats counts, and those of the log itself", async () => {
      await service.store(tenantA, [paid, ...others, { event_type: "audit.sdk.dropped" }]);
      const { json } = await service.ask("/stats", { as: await tokenOf("viewer") });
      expect((json as { readonly descriptions: unknown }).descriptions).toEqual({
        "order.paid": "A customer paid",
        "audit.sdk.dropped": "A client gave up events before it could send them",
      });
    });

    it("stops the process at start when it is not one", async () => {
      await expect(startService({ database: service.database, env: { AUDIT_EVENT_CATALOGUE: '{"types":{"a":1}}' } })).rejects.toThrow(
        /read catalogue: \/types\/a/,
      );
    });
  });
});

import { describe, expect, it } from "vitest";
import { ingestFixture, keyOfA, secret, tenantA } from "../test/support/ingest-fixture.ts";
import { AuditError } from "./errors.ts";
import { limits } from "./limits.ts";

const event = { event_type: "order.created", actor_id: "ann" };

describe("Prefer: respond-async", () => {
  it("answers 202 at once, says that it is not durable, and stores in the background", async () => {
    const fixture = ingestFixture();
    let release = () => {};
    fixture.store.blockUntil(new Promise<void>((resolve) => release = resolve));
    const { response, body } = await fixture.post({ events: [event, {}] }, { prefer: "respond-async" });
    expect(response.status).toBe(202);
    expect(response.headers.get("preference-applied")).toBe("respond-async");
    expect(body).toMatchObject({ accepted_count: 1, rejected_count: 1, durable: false, received_at: "2026-11-22T12:00:00.000Z" });
    expect(body.results).toMatchObject([{ index: 0, status: "accepted", id: expect.any(String) }, { index: 1, status: "rejected" }]);
    expect(fixture.store.rows()).toEqual([]);
    expect(fixture.waiting).toHaveLength(1);
    release();
    await Promise.all(fixture.waiting);
    expect(fixture.store.rows()[0]?.event.id).toBe(body.results[0]?.id);
  });

  it("counts and logs what is lost there", async () => {
    const fixture = ingestFixture();
    for (const total of [1, 2]) {
      fixture.store.failNext(new AuditError("unavailable", "store events: the database is away"));
      expect((await fixture.post(event, { prefer: "respond-async" })).response.status).toBe(202);
      await Promise.all(fixture.waiting);
      expect(fixture.logged.at(-1)).toMatchObject({
        level: "error",
        event: "ingest.async.failed",
        code: "unavailable",
        failed_total: total,
        events: 1,
        principal: keyOfA.principal,
      });
    }
  });

  it("logs what the store refused there", async () => {
    const fixture = ingestFixture();
    const identified = { ...event, id: "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d", occurred_at: "2026-11-22T11:00:00Z" };
    await fixture.post(identified);
    await fixture.post({ ...identified, actor_id: "bob" }, { prefer: "respond-async" });
    await Promise.all(fixture.waiting);
    expect(fixture.logged.at(-1)).toMatchObject({ level: "warn", event: "ingest.async.refused", refused_count: 1 });
  });

  it("answers when it is stored if too many batches wait, or if nothing will be stored", async () => {
    const fixture = ingestFixture();
    let release = () => {};
    fixture.store.blockUntil(new Promise<void>((resolve) => release = resolve));
    for (let index = 0; index < limits.pendingBatchesMax; index++) expect((await fixture.post(event, { prefer: "respond-async" })).response.status).toBe(202);
    const next = fixture.post(event, { prefer: "respond-async" });
    release();
    expect((await next).response.status).toBe(201);
    expect((await next).response.headers.has("preference-applied")).toBe(false);
    await Promise.all(fixture.waiting);
    expect((await fixture.post(event, { prefer: "respond-async" })).response.status).toBe(202);
    expect((await fixture.post({}, { prefer: "respond-async" })).response.status).toBe(400);
    expect((await fixture.post({ events: [{}] }, { prefer: "respond-async" })).response.status).toBe(422);
    expect((await fixture.post({ events: [event, {}] }, { prefer: "respond-async, handling=strict" })).response.status).toBe(422);
  });

  it("promises no id under an Idempotency-Key that it may not keep", async () => {
    const fixture = ingestFixture();
    fixture.caller = secret;
    const timed = { ...event, tenant_id: tenantA, id: "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d", occurred_at: "2026-11-22T11:00:00Z" };
    const { body } = await fixture.post({ events: [timed, { ...event, tenant_id: tenantA }] }, { prefer: "respond-async", "idempotency-key": "k" });
    expect(body.results).toEqual([{ index: 0, id: timed.id, occurred_at: "2026-11-22T11:00:00.000Z", status: "accepted" }, { index: 1, status: "accepted" }]);
  });
});

import { describe, expect, it } from "vitest";
import { ingestFixture, keyOfA, tenantA, tenantB, userOfA } from "../test/support/ingest-fixture.ts";
import { sha256 } from "../test/support/sha256.ts";
import type { AuditEvent } from "./event.ts";
import { toHex } from "./format/hex.ts";
import { leafHashOf, leafOf } from "./leaf.ts";

const event = { event_type: "order.created", actor_id: "ann" };

describe("answerOf()", () => {
  it("is 201 with a verdict per event and all that the server set", async () => {
    const { post } = ingestFixture();
    const { response, body } = await post({ events: [event, { ...event, occurred_at: "2026-11-22T11:00:00Z" }] });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({
      created_count: 2,
      duplicate_count: 0,
      rejected_count: 0,
      method: "edge",
      received_at: "2026-11-22T12:00:00.000Z",
      principal: keyOfA.principal,
      tenant_id: tenantA,
      results: [
        { index: 0, id: expect.any(String), occurred_at: "2026-11-22T12:00:00.000Z", status: "created", leaf_hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
        { index: 1, id: expect.any(String), occurred_at: "2026-11-22T11:00:00.000Z", status: "created", leaf_hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ],
      timing: {
        total_ms: expect.any(Number),
        parse_ms: expect.any(Number),
        validate_ms: expect.any(Number),
        hash_ms: expect.any(Number),
        insert_ms: expect.any(Number),
      },
      request_id: response.headers.get("x-request-id"),
    });
  });

  it("lets an end user recompute the leaf from what was sent and what was answered", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    const { body } = await fixture.post(event, { "user-agent": "Mozilla/5.0", "x-forwarded-for": "6.6.6.6, 203.0.113.9" });
    expect(body["request_fields"]).toEqual({
      ip_address: "203.0.113.9",
      user_agent: "Mozilla/5.0",
      device_fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const [result] = body.results;
    const rebuilt = {
      ...event,
      result: "success",
      ...body["request_fields"] as object,
      tenant_id: body["tenant_id"],
      received_at: body["received_at"],
      principal: body["principal"],
      id: result?.id,
      occurred_at: result?.occurred_at,
    } as AuditEvent;
    expect(toHex(leafHashOf(leafOf(rebuilt), sha256))).toBe(result?.leaf_hash);
    expect(fixture.store.rows()[0]?.leafHash).toBe(result?.leaf_hash);
  });

  it("stamps nothing of a server's request", async () => {
    const { post, store } = ingestFixture();
    const { body } = await post(event, { "user-agent": "node", "x-forwarded-for": "203.0.113.9" });
    expect(body).not.toHaveProperty("request_fields");
    expect(store.rows()[0]?.event).not.toMatchObject({ user_agent: "node" });
  });

  it("is 207 when some events were refused, which cost nobody else anything", async () => {
    const { post, store } = ingestFixture();
    const { response, body } = await post({ events: [event, { actor_id: 5 }, event] });
    expect(response.status).toBe(207);
    expect(body).toMatchObject({ created_count: 2, rejected_count: 1 });
    expect(body.results[1]).toEqual({
      index: 1,
      status: "rejected",
      error: { code: "invalid_type", pointer: "/actor_id", message: expect.any(String) },
      errors: [expect.objectContaining({ code: "invalid_type" }), expect.objectContaining({ code: "required" })],
    });
    expect(store.rows()).toHaveLength(2);
  });

  it("is a 422 problem that carries the results when every event was refused", async () => {
    const { response, body } = await ingestFixture().post({ events: [{}, { event_type: "t", tenant_id: tenantB }] });
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ status: 422, code: "events_rejected", created_count: 0, rejected_count: 2, request_id: response.headers.get("x-request-id") });
    expect(body.results.map(({ error }) => error?.code)).toEqual(["required", "tenant_forbidden"]);
  });

  it("lists only what was not created under return=minimal", async () => {
    const { post } = ingestFixture();
    const { response, body } = await post({ events: [event, {}, event] }, { prefer: "return=minimal" });
    expect(body.results.map(({ index }) => index)).toEqual([1]);
    expect(body).toMatchObject({ created_count: 2 });
    expect(response.headers.get("preference-applied")).toBe("return=minimal");
  });

  it("tells its timings as Server-Timing too", async () => {
    const { response, body } = await ingestFixture().post(event);
    const timing = body["timing"] as Record<string, number>;
    const header = ["total", "parse", "validate", "hash", "insert"].map((part) => `${part};dur=${timing[`${part}_ms`]}`).join(", ");
    expect(response.headers.get("server-timing")).toBe(header);
  });

  it("says which door it came through, and holds that door's bound", async () => {
    const { post } = ingestFixture({ door: { method: "api", eventsMax: 2 } });
    expect((await post({ events: [event, event] })).body).toMatchObject({ method: "api", created_count: 2 });
    expect((await post({ events: [event, event, event] })).body).toMatchObject({ status: 413, code: "too_many_events" });
  });
});

import { describe, expect, it } from "vitest";
import { anonOfA, ingestFixture, keyOfA, type Result, secret, tenantA, tenantB, userOfA } from "../test/support/ingest-fixture.ts";

const id = "9b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d";
const event = { event_type: "order.created", actor_id: "ann", context: { b: 1, a: [2] } };
const known = { ...event, id, occurred_at: "2026-11-22T11:00:00Z" };

const statuses = ({ results }: { readonly results: readonly Result[] }) => results.map(({ status }) => status);

describe("a batch sent twice", () => {
  it("is told as duplicates, with what was set the first time, and stored once", async () => {
    const fixture = ingestFixture();
    const first = await fixture.post({ events: [known] });
    fixture.nowMs += 5000;
    const { response, body } = await fixture.post({ events: [{ ...known, occurred_at: "2026-11-22T12:00:00.000+01:00", context: { a: [2], b: 1 } }] });
    expect(response.status).toBe(200);
    expect(body).toMatchObject({ created_count: 0, duplicate_count: 1 });
    expect(body.results[0]).toEqual({
      index: 0,
      id,
      occurred_at: "2026-11-22T11:00:00.000Z",
      status: "duplicate",
      leaf_hash: first.body.results[0]?.leaf_hash,
      stored: { received_at: "2026-11-22T12:00:00.000Z", principal: keyOfA.principal },
    });
    expect(fixture.store.rows()).toHaveLength(1);
  });

  it("is stored once over midnight, also when the id alone carries the time", async () => {
    const fixture = ingestFixture();
    fixture.nowMs = Date.parse("2026-11-22T23:59:59.999Z");
    const hex = fixture.nowMs.toString(16).padStart(12, "0");
    const identified = { ...event, id: `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-8def-0123456789ab` };
    await fixture.post(identified);
    fixture.nowMs += 10;
    expect(statuses((await fixture.post(identified)).body)).toEqual(["duplicate"]);
    expect(fixture.store.rows()).toHaveLength(1);
  });

  it("without any identity is another event", async () => {
    const fixture = ingestFixture();
    await fixture.post(event);
    expect(statuses((await fixture.post(event)).body)).toEqual(["created"]);
    expect(fixture.store.rows()).toHaveLength(2);
  });

  it.each([
    ["another actor", { actor_id: "bob" }],
    ["another context", { context: { b: 1, a: [3] } }],
    ["one field less", { context: null }],
    ["one field more", { message: "" }],
    ["an address of its own", { ip_address: "203.0.113.9" }],
  ])("with %s is a conflict, and nothing is overwritten", async (_what, change) => {
    const fixture = ingestFixture();
    await fixture.post(known);
    const { response, body } = await fixture.post({ events: [{ ...known, ...change }, { ...event }] });
    expect(response.status).toBe(207);
    expect(body.results[0]).toEqual({
      index: 0,
      id,
      occurred_at: "2026-11-22T11:00:00.000Z",
      status: "conflict",
      error: { code: "conflict", pointer: "/id", message: expect.any(String) },
    });
    expect(fixture.store.rows()[0]?.event).toMatchObject(event);
    expect((await fixture.post({ ...known, ...change })).response.status).toBe(422);
  });

  it("without the address that a server sent the first time is a conflict: no request had filled it in", async () => {
    const fixture = ingestFixture();
    await fixture.post({ ...known, ip_address: "203.0.113.9" });
    expect(statuses((await fixture.post(known)).body)).toEqual(["conflict"]);
  });

  it("keeps tenants apart: the same id is free in another one", async () => {
    const fixture = ingestFixture();
    fixture.caller = secret;
    await fixture.post({ ...known, tenant_id: tenantA });
    expect(statuses((await fixture.post({ ...known, tenant_id: tenantB, actor_id: "bob" })).body)).toEqual(["created"]);
  });

  it("from another address or device is the same event still", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    await fixture.post(known, { "x-forwarded-for": "203.0.113.9", "user-agent": "one" });
    const { body } = await fixture.post(known, { "x-forwarded-for": "198.51.100.7", "user-agent": "two", "accept-language": "de" });
    expect(body.results[0]).toMatchObject({ status: "duplicate", stored: { ip_address: "203.0.113.9", user_agent: "one" } });
    expect(body).not.toHaveProperty("request_fields");
    expect(statuses((await fixture.post({ ...known, ip_address: "198.51.100.7" })).body)).toEqual(["conflict"]);
  });

  it("may be relayed by a server after a browser sent it, and the other way round", async () => {
    for (const [one, other] of [[userOfA, keyOfA], [keyOfA, userOfA]] as const) {
      const fixture = ingestFixture();
      fixture.caller = one;
      await fixture.post(known, { "x-forwarded-for": "203.0.113.9" });
      fixture.caller = other;
      expect(statuses((await fixture.post(known, { "x-forwarded-for": "198.51.100.7" })).body)).toEqual(["duplicate"]);
    }
  });

  it("tells an end user nothing of another one's event, however right the guess", async () => {
    const fixture = ingestFixture();
    fixture.caller = userOfA;
    await fixture.post(known, { "x-forwarded-for": "203.0.113.9" });
    for (const [caller, seesIt] of [[{ ...userOfA, principal: "user:bob" }, false], [anonOfA, false], [userOfA, true], [keyOfA, true]] as const) {
      fixture.caller = caller;
      const { body } = await fixture.post(known);
      expect(statuses(body)).toEqual(["duplicate"]);
      expect(JSON.stringify(body).includes("203.0.113.9")).toBe(seesIt);
      expect(JSON.stringify(body).includes("user:ann")).toBe(seesIt);
    }
    fixture.caller = anonOfA;
    const anonymous = { ...known, id: "8b2f4c1e-8d3a-4f6b-9c7d-1e2f3a4b5c6d" };
    await fixture.post(anonymous);
    expect((await fixture.post(anonymous)).body.results[0]).not.toHaveProperty("stored");
  });
});

describe("one batch that holds an event twice", () => {
  it("stores it once and tells the second one as a duplicate of the first", async () => {
    const fixture = ingestFixture();
    const { response, body } = await fixture.post({ events: [known, event, known] });
    expect(response.status).toBe(201);
    expect(statuses(body)).toEqual(["created", "created", "duplicate"]);
    expect(body.results[2]).toMatchObject({ leaf_hash: body.results[0]?.leaf_hash, stored: { received_at: "2026-11-22T12:00:00.000Z" } });
    expect(fixture.store.rows()).toHaveLength(2);
  });

  it("tells another content as a conflict, and keeps the first", async () => {
    const fixture = ingestFixture();
    const { body } = await fixture.post({ events: [known, { ...known, actor_id: "bob" }, known] });
    expect(statuses(body)).toEqual(["created", "conflict", "duplicate"]);
    expect(fixture.store.rows()[0]?.event.actor_id).toBe("ann");
  });

  it("compares each with what is stored, not with one that was not", async () => {
    const fixture = ingestFixture();
    await fixture.post(known);
    expect(statuses((await fixture.post({ events: [{ ...known, actor_id: "bob" }, known, known] })).body)).toEqual(["conflict", "duplicate", "duplicate"]);
  });
});

describe("a day that takes no more events", () => {
  it("refuses new events, knows those it holds, and costs other days nothing", async () => {
    const fixture = ingestFixture();
    const old = { ...known, occurred_at: "2026-11-20T10:00:00Z" };
    await fixture.post(old);
    fixture.store.closeDay("2026-11-20");
    const { response, body } = await fixture.post({ events: [old, { ...old, id: tenantB }, event] });
    expect(response.status).toBe(207);
    expect(body.results).toMatchObject([{ status: "duplicate" }, { status: "rejected", error: { code: "day_closed", pointer: "/occurred_at" } }, {
      status: "created",
    }]);
  });
});
